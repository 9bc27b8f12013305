//! After a ring is dropped, the process's own memory is searched for its keys: nothing is left on
//! the heap. What is left on a stack is printed, and not promised.
//!
//! An allocator of the test's own (`heap_residue`) sees each block as it is freed; this sees what a
//! core dump would show, with the system's allocator and its habits.
//! The stacks of threads that are not the first have no name, and count as heap.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Keyring, Retired, Timestamp};

/// What a key is made of, told apart from chance by its length. It is nowhere in the program as it
/// is: the needle that is searched for is its complement.
const LEN: usize = 48;

fn complement(number: u8) -> [u8; LEN] {
    std::array::from_fn(|n| {
        let n = u8::try_from(n).unwrap();
        !(n.wrapping_mul(37).wrapping_add(number.wrapping_mul(101)) ^ 0x5c)
    })
}

/// Writes a canary where it is to be, and nowhere else.
fn write_canary(number: u8, place: &mut [u8]) {
    let mut complement = complement(number);
    for (to, byte) in place.iter_mut().zip(&complement) {
        *to = !black_box(*byte);
    }
    black_box(&mut complement);
}

fn material(number: u8) -> KeyMaterial {
    let write = |place: &mut [u8]| {
        write_canary(number, place);
        Ok::<_, std::convert::Infallible>(())
    };
    KeyMaterial::try_fill(LEN, write).unwrap()
}

#[derive(Debug, Default)]
struct Hits {
    heap: usize,
    stack: usize,
}

/// Where the memory of this process has 16 bytes of a canary in a row.
fn search(number: u8) -> Hits {
    let complement = complement(number);
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let mut hits = Hits::default();
    let mut buffer = vec![0_u8; 1 << 20];
    for line in maps.lines().map(Result::unwrap) {
        let mut columns = line.split_whitespace();
        let (range, rights) = (columns.next().unwrap(), columns.next().unwrap());
        let name = columns.nth(3).unwrap_or("");
        // Writable, and no file's: the heap, what threads have, and stacks.
        let is_stack = name.starts_with("[stack");
        if !rights.starts_with("rw") || !(name.is_empty() || name == "[heap]" || is_stack) {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [mut from, to] = [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        while from < to {
            let size = usize::try_from((to - from).min(1 << 20)).unwrap();
            let Ok(read) = memory.read_at(&mut buffer[..size], from) else { break };
            // The complement is on the stack, and the canary never is: so it is looked for by it.
            for window in buffer[..read].windows(16).step_by(1) {
                let matches =
                    |at: usize| complement[at..at + 16].iter().zip(window).all(|(a, b)| *a == !*b);
                if window[0] == !complement[0] && matches(0)
                    || window[0] == !complement[16] && matches(16)
                {
                    if is_stack { hits.stack += 1 } else { hits.heap += 1 }
                }
            }
            from += read.max(1) as u64;
        }
    }
    // What was read is not to be found by the next search.
    buffer.fill(0);
    black_box(&mut buffer);
    hits
}

/// One search at a time: each reads all of the memory, and another's buffer with it.
static TURN: Mutex<()> = Mutex::new(());

fn key(number: u8) -> Key<Inactive, KeyMaterial> {
    Key::new(KeyId::from(u32::from(number)), material(number), Timestamp::from_unix_millis(1))
}

#[test]
fn a_key_is_found_while_it_is_held_and_not_on_the_heap_when_it_is_gone() {
    let _turn = TURN.lock();
    let at = Timestamp::from_unix_millis;
    let mut ring = Keyring::new(key(1).activate(at(2)));
    for number in 2..=6 {
        let _ = ring.add(key(number)).unwrap();
    }
    let _ = ring.rotate_to("2", at(3)).unwrap();
    let _ = ring.rotate_to("3", at(4)).unwrap();
    let _ = ring.entry::<Inactive>("4").unwrap().retire(at(5));
    let _ = ring.entry::<Retired>("4").unwrap().destroy(at(6));
    let fork = ring.fork();
    let (records, tombstones) = fork.into_parts();
    let again = Keyring::from_parts(records, tombstones).unwrap();

    for number in [1, 2, 3, 5, 6] {
        assert!(search(number).heap > 0, "the search does not find key {number}, which is held");
    }
    assert_eq!(search(4).heap, 0, "key 4 was destroyed");
    drop(ring);
    assert!(search(1).heap > 0, "the other ring still holds it");
    drop(again);
    for number in 1..=6 {
        let hits = search(number);
        println!("key {number}: {hits:?}");
        assert_eq!(hits.heap, 0, "key {number} is left behind");
    }
}

/// The search finds what is not wiped.
#[test]
fn what_does_not_wipe_itself_is_found() {
    let _turn = TURN.lock();
    let mut held = vec![0; LEN];
    write_canary(77, &mut held);
    black_box(&mut held);
    assert!(search(77).heap > 0);

    // A block that is large enough to keep its bytes when it is freed, beside one that is held.
    let mut freed = vec![0_u8; 4096];
    write_canary(78, &mut freed[2048..]);
    black_box(&mut freed);
    let wall = black_box(vec![1_u8; 4096]);
    drop(freed);
    println!("freed and not wiped: {:?}", search(78));
    drop(wall);
    drop(held);
}
