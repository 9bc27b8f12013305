//! Uses the core where there is no `std`.

#![no_std]

extern crate alloc;

use alloc::string::ToString;
use core::alloc::{GlobalAlloc, Layout};
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use key_rotation::error::ChangeMismatch;
use key_rotation::store::{Commit, CommitError, Loaded, Proposal, Revision, RingName, Snapshot};
use key_rotation::{
    Key, KeyId, KeyMaterial, KeyProvider, Keyring, RotationService, StrictSingleActive, Timestamp,
};

/// A ring, a rotation, and a service over a store that is empty. How many keys there are.
#[unsafe(no_mangle)]
pub extern "C" fn rotate(millis: u64) -> usize {
    let at = Timestamp::from_unix_millis(millis);
    let key = |id: u32| {
        let material = KeyMaterial::take(&mut [id as u8; 32]).ok()?;
        Some(Key::new(KeyId::from(id), material, at))
    };
    let (Some(first), Some(second)) = (key(1), key(2)) else { return 0 };
    let mut ring = Keyring::new(first.activate(at));
    if ring.add(second, at).is_err() || ring.rotate_to("2", at).is_err() {
        return 0;
    }
    let service = RotationService::with_tags(Empty, StrictSingleActive, tag);
    let loaded = pin!(service.keyring()).poll(&mut Context::from_waker(Waker::noop()));
    let is_empty = matches!(loaded, Poll::Ready(Err(_)));
    ring.len() + ring.state().to_string().len() + usize::from(is_empty)
}

/// A device has a generator of its own. Here it counts.
fn tag() -> u64 {
    static DRAWN: AtomicUsize = AtomicUsize::new(1);
    DRAWN.fetch_add(1, Ordering::Relaxed) as u64
}

struct Empty;

impl KeyProvider for Empty {
    type Material = KeyMaterial;
    type Error = ChangeMismatch;

    async fn load(&self, _: Revision) -> Result<Loaded<KeyMaterial>, ChangeMismatch> {
        Ok(Loaded::Ring(Snapshot::empty(RingName::from_static("empty"))))
    }

    async fn commit(
        &self,
        _: &Proposal<KeyMaterial>,
    ) -> Result<Commit, CommitError<ChangeMismatch>> {
        Ok(Commit::Conflict)
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Gives out memory and takes none back.
struct Bump {
    used: AtomicUsize,
}

const SIZE: usize = 1 << 16;

#[repr(align(64))]
struct Arena(core::cell::UnsafeCell<[u8; SIZE]>);

// SAFETY: `Bump` gives each byte out once.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(core::cell::UnsafeCell::new([0; SIZE]));

#[global_allocator]
static HEAP: Bump = Bump { used: AtomicUsize::new(0) };

// SAFETY: what is given out lies in the arena, is aligned, and overlaps nothing given out before.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let needed = layout.size() + layout.align();
        let start = self.used.fetch_add(needed, Ordering::Relaxed);
        let start = start.next_multiple_of(layout.align());
        if layout.align() > 64 || start + layout.size() > SIZE {
            return ptr::null_mut();
        }
        // SAFETY: within the arena, as was just checked.
        unsafe { ARENA.0.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
