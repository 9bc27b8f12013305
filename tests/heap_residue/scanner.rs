//! The allocator of this test: the system's, with a look into every block that is given back, and
//! into every block that is not.
//!
//! What it looks for are *needles*: runs of 16 bytes, at any alignment. They are kept as pairs of
//! words in static memory, which is never freed and so never found by its own search. Searching
//! allocates nothing and takes no lock.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The length of a needle, in bytes.
pub(crate) const NEEDLE: usize = 16;

/// Counts the freed blocks that hold a needle.
#[derive(Debug)]
pub(crate) struct Scanner;

/// How many freed blocks held a needle.
static HITS: AtomicUsize = AtomicUsize::new(0);
/// The size of the last of them.
static LAST_HIT: AtomicUsize = AtomicUsize::new(0);

/// How many freed blocks hold a needle while `scope` runs, and the size of the last of them.
///
/// While it runs, [`living`] can be asked.
pub(crate) fn hits_in(scope: impl FnOnce()) -> (usize, usize) {
    let before = HITS.load(Relaxed);
    RECORDED.store(0, Relaxed);
    IS_RECORDING.store(true, Relaxed);
    scope();
    IS_RECORDING.store(false, Relaxed);
    (HITS.load(Relaxed) - before, LAST_HIT.load(Relaxed))
}

/// How many blocks hold a needle that were given out since [`hits_in`] began, and not given back.
pub(crate) fn living() -> usize {
    let recorded = RECORDED.load(Relaxed);
    assert!(recorded <= BLOCKS.len(), "{recorded} blocks are too many to record");
    let holds = |block: &&Block| {
        let start = ptr::with_exposed_provenance(block.start.load(Relaxed));
        // SAFETY: the block is one of this allocator. None goes back to the system.
        unsafe { holds_a_needle(start, block.size.load(Relaxed)) }
    };
    BLOCKS[..recorded].iter().filter(holds).count()
}

/// Whether blocks are being recorded, how many are, and where they are.
static IS_RECORDING: AtomicBool = AtomicBool::new(false);
static RECORDED: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: [Block; 1 << 17] =
    [const { Block { start: AtomicUsize::new(0), size: AtomicUsize::new(0) } }; 1 << 17];

struct Block {
    start: AtomicUsize,
    size: AtomicUsize,
}

fn record(block: *mut u8, size: usize) {
    if size < NEEDLE || !IS_RECORDING.load(Relaxed) {
        return;
    }
    if let Some(place) = BLOCKS.get(RECORDED.fetch_add(1, Relaxed)) {
        place.start.store(block.expose_provenance(), Relaxed);
        place.size.store(size, Relaxed);
    }
}

/// Makes every run of 16 bytes in here a needle, except those that are too plain.
pub(crate) fn watch_for(bytes: &[u8]) {
    for window in bytes.windows(NEEDLE) {
        watch_for_one(window.try_into().unwrap());
    }
}

/// Makes these bytes a needle, unless many of them are the same: such a run is zeros, or the edge
/// of a secret with zeros beside it, and says little about where it comes from.
pub(crate) fn watch_for_one(window: &[u8; NEEDLE]) {
    let repeats = window.iter().enumerate().filter(|(n, byte)| window[..*n].contains(byte)).count();
    if repeats > NEEDLE / 4 {
        return;
    }
    let (head, tail) = halves(u128::from_le_bytes(*window));
    for slot in probe(head) {
        match slot.words() {
            (0, _) => {
                slot.tail.store(tail, Relaxed);
                slot.head.store(head, Relaxed);
                return;
            }
            found if found == (head, tail) => return,
            _ => {}
        }
    }
    panic!("the table of needles is full");
}

/// The table of needles: open addressing, never more than half full in this test.
static NEEDLES: [Slot; 8192] =
    [const { Slot { head: AtomicU64::new(0), tail: AtomicU64::new(0) } }; 8192];

struct Slot {
    /// The first half of a needle; zero in an empty slot.
    head: AtomicU64,
    tail: AtomicU64,
}

impl Slot {
    fn words(&self) -> (u64, u64) {
        (self.head.load(Relaxed), self.tail.load(Relaxed))
    }
}

/// The slots in which a needle with this first half may stand, in the order of the search.
fn probe(head: u64) -> impl Iterator<Item = &'static Slot> {
    let mixed = head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 51;
    let start = usize::try_from(mixed).unwrap_or(0) % NEEDLES.len();
    NEEDLES[start..].iter().chain(&NEEDLES[..start])
}

fn is_needle(window: u128) -> bool {
    let (head, tail) = halves(window);
    if head == 0 {
        return false;
    }
    for slot in probe(head) {
        match slot.words() {
            (0, _) => return false,
            found if found == (head, tail) => return true,
            _ => {}
        }
    }
    false
}

fn halves(window: u128) -> (u64, u64) {
    (window as u64, (window >> 64) as u64)
}

/// Counts the block if it holds a needle.
///
/// # Safety
///
/// All of the block must be readable.
unsafe fn scan(block: *const u8, size: usize) {
    // SAFETY: the caller's promise.
    if unsafe { holds_a_needle(block, size) } {
        HITS.fetch_add(1, Relaxed);
        LAST_HIT.store(size, Relaxed);
    }
}

/// # Safety
///
/// All of the block must be readable.
unsafe fn holds_a_needle(block: *const u8, size: usize) -> bool {
    let mut window = 0_u128;
    for n in 0..size {
        // SAFETY: `n` is less than the size of the block. The read is volatile, so that it sees
        // what is in memory and not what the compiler knows about a block whose life is over.
        let byte = unsafe { block.add(n).read_volatile() };
        window = (window >> 8) | (u128::from(byte) << 120);
        if n + 1 >= NEEDLE && is_needle(window) {
            return true;
        }
    }
    false
}

// SAFETY: every block is one that `System` gave for the layout asked for, and it stays good for
// ever, because none goes back.
unsafe impl GlobalAlloc for Scanner {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed in any case: every byte has a value, and none is left over from an earlier block.
        // SAFETY: the caller's promises are those that `System` asks for.
        let block = unsafe { System.alloc_zeroed(layout) };
        record(block, layout.size());
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.alloc(layout) }
    }

    /// Looks through the block and keeps it: no address is given out twice, so a material that is
    /// at the same address as before has not been anywhere else. What it held is cleared, so that
    /// it does not count as living.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a live block of this layout.
        unsafe { scan(block, layout.size()) };
        // SAFETY: as above, and nobody else has the block any more.
        unsafe { ptr::write_bytes(block, 0, layout.size()) };
    }

    /// Always moves, so that what a growing or shrinking buffer leaves behind is seen.
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller promises that the new size is not zero.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks are live, they are two, and each is as large as its layout says.
            unsafe { ptr::copy_nonoverlapping(old, new, layout.size().min(new_size)) };
            // SAFETY: the caller gives the old block up, which has this layout.
            unsafe { self.dealloc(old, layout) };
        }
        new
    }
}
