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

use key_rotation::{
    Apart, Inactive, Key, KeyId, KeyMaterial, Keyring, Retired, Revoked, Timestamp,
};

/// What a key is made of, told apart from chance by its length. It is nowhere in the program as it
/// is: the needle that is searched for is its complement.
const LEN: usize = 48;

/// No two of them have 16 bytes in common, at whatever distance from their starts.
fn complement(number: u8) -> [u8; LEN] {
    std::array::from_fn(|n| {
        let position = u64::from(number) * 256 + u64::try_from(n).unwrap();
        let mixed = position.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        !mixed.to_be_bytes()[0]
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
        let _ = ring.add(key(number), at(2)).unwrap();
    }
    let _ = ring.rotate_to("2", at(3)).unwrap();
    let _ = ring.rotate_to("3", at(4)).unwrap();
    let _ = ring.entry::<Inactive>("4").unwrap().retire(at(5));
    let _ = ring.entry::<Retired>("4").unwrap().destroy(at(6));
    let _ = ring.entry::<Inactive>("5").unwrap().revoke(at(6));
    let owned = ring.decryption_key("2").unwrap().to_owned();
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
    assert!(search(2).heap > 0, "a right that is owned still holds it");
    drop(owned);
    for number in 1..=6 {
        let hits = search(number);
        println!("key {number}: {hits:?}");
        assert_eq!(hits.heap, 0, "key {number} is left behind");
    }
}

/// The number of the encrypting half of a pair, and that of the other half.
fn halves(number: u8) -> (u8, u8) {
    (100 + number, 150 + number)
}

fn pair(number: u8) -> Key<Inactive, KeyMaterial, Apart<KeyMaterial>> {
    let (encrypting, decrypting) = halves(number);
    let created_at = Timestamp::from_unix_millis(1);
    let id = KeyId::from(u32::from(number));
    Key::new_pair(id, material(encrypting), material(decrypting), created_at)
}

/// How many halves of this pair are on the heap: the encrypting, and the decrypting.
fn found(number: u8) -> (bool, bool) {
    let (encrypting, decrypting) = halves(number);
    (search(encrypting).heap > 0, search(decrypting).heap > 0)
}

#[test]
fn of_a_pair_that_is_retired_or_revoked_the_decrypting_half_is_left_alone() {
    let _turn = TURN.lock();
    let at = Timestamp::from_unix_millis;
    let key = pair(1);
    assert_eq!(found(1), (true, true));
    let key = key.retire(at(2));
    assert_eq!(found(1), (false, true), "a retired key");
    let key = key.revoke(at(3)).restore(at(4));
    assert_eq!(found(1), (false, true), "a key that was restored");
    let _ = key.destroy(at(5));
    assert_eq!(found(1), (false, false), "a destroyed key");
    let key = pair(2).revoke(at(2));
    assert_eq!(found(2), (false, true), "a revoked key");
    drop(key);

    let mut ring = Keyring::new(pair(3).activate(at(2)));
    for number in 4..=6 {
        let _ = ring.add(pair(number), at(2)).unwrap();
        assert_eq!(found(number), (true, true));
    }
    let _ = ring.entry::<Inactive>("4").unwrap().retire(at(3));
    let _ = ring.entry::<Inactive>("5").unwrap().revoke(at(3));
    let _ = ring.entry::<Revoked>("5").unwrap().restore(at(4));
    assert_eq!((found(4), found(5)), ((false, true), (false, true)));
    let reader = ring.decryption_only();
    drop(ring);
    for number in 3..=6 {
        assert_eq!(found(number), (false, true), "a ring that only decrypts, key {number}");
    }
    drop(reader);
    for number in 1..=6 {
        assert_eq!(found(number), (false, false), "pair {number} is left behind");
    }
}

/// An encrypting half that does not wipe itself, so large that most of it stays when it is freed.
struct Unwiped(Box<[u8; 4096]>);

/// The search sees what a half leaves behind that is dropped and not wiped: so a retired key drops
/// it, and it is the material that wipes itself.
#[test]
fn a_half_that_does_not_wipe_itself_is_found_when_it_is_dropped() {
    let _turn = TURN.lock();
    let mut unwiped = Unwiped(Box::new([0; 4096]));
    write_canary(200, &mut unwiped.0[4096 - LEN..]);
    black_box(&mut unwiped);
    let wall = black_box(vec![1_u8; 4096]);
    let place = unwiped.0.as_ptr();
    let key = Key::new_pair(KeyId::from(7_u32), unwiped, 7, Timestamp::from_unix_millis(1));
    let key = key.activate(Timestamp::from_unix_millis(2));
    assert_eq!(key.encryption_key().material().0.as_ptr(), place);
    let key = key.deactivate(Timestamp::from_unix_millis(3)).retire(Timestamp::from_unix_millis(4));
    assert!(search(200).heap > 0, "a half that was freed and not wiped is not found");
    drop((wall, key));
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
