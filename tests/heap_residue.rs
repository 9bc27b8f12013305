//! Material stays at one heap address, and no heap block that is given back holds any of it.
//!
//! The allocator of this test looks through every block at the moment of its release for any 16
//! bytes of a canary, at any alignment. A reallocation always moves, and no address is given out
//! twice, so that a move can be seen.
//!
//! Keys are made of that canary, and everything is done with them that can be done: on success, on
//! error and when something panics half-way. With a material that wipes itself, no block may be
//! found. Of a pair, the encrypting half is made of it, and the blocks that are *not* given back are
//! searched too: once a key is retired or revoked, none of them holds that half.
//!
//! The controls show that this would be seen. Ordinary code that leaves a secret behind is found.
//! And everything that is done with keys is done once more with a material that does *not* wipe
//! itself: then exactly one block must be found for each material that was made, its own. One less
//! would be a blind scanner; one more, a copy that the crate has made.
//!
//! On the stack copies are made where a material is passed by value; they are not the subject here.

// Padding is searched like everything else, and Miri lets nobody read padding.
#![cfg(not(miri))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use aes_gcm::Aes256Gcm;
use key_rotation::KeyMaterial;
use zeroize::Zeroizing;

use self::scanner::{NEEDLE, Scanner, hits_in, living};
use self::specimen::{
    CANARY_LEN, Forge, KEY_LEN, Specimen, Unwiped, canary, teach_the_scanner, wipe, write_canary,
};

#[path = "heap_residue/border.rs"]
mod border;
#[path = "heap_residue/explosive.rs"]
mod explosive;
#[path = "heap_residue/made.rs"]
mod made;
#[path = "heap_residue/material.rs"]
mod material;
#[path = "heap_residue/pairs.rs"]
mod pairs;
#[path = "heap_residue/policy.rs"]
mod policy;
#[path = "heap_residue/scanner.rs"]
mod scanner;
#[path = "heap_residue/scenarios.rs"]
mod scenarios;
#[path = "heap_residue/specimen.rs"]
mod specimen;
#[path = "heap_residue/store.rs"]
mod store;
#[path = "support/store.rs"]
mod support;

#[global_allocator]
static ALLOCATOR: Scanner = Scanner;

/// The counter is one for all tests, so they run one after another.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    static TAUGHT: Once = Once::new();
    TAUGHT.call_once(teach_the_scanner);
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many blocks with the canary are released while `scope` runs.
fn found_in(scope: impl FnOnce()) -> usize {
    hits_in(scope).0
}

fn nothing_is_found(what: &str, scope: impl FnOnce()) {
    let (hits, size) = hits_in(scope);
    assert_eq!(hits, 0, "{what}: {hits} freed blocks hold the canary, the last of {size} bytes");
}

/// A buffer with the canary, and room for more.
fn canary_with_room(len: usize, room: usize) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(len + room);
    buffer.resize(len, 0);
    write_canary(&mut buffer);
    black_box(buffer)
}

// Controls: what ordinary code leaves behind.

#[test]
fn any_16_bytes_are_found_at_any_alignment_and_15_are_not() {
    let _alone = alone();
    for (len, expected) in [(NEEDLE, 1), (NEEDLE - 1, 0)] {
        for part in 0..=CANARY_LEN - NEEDLE {
            for offset in 0..NEEDLE {
                let found = found_in(|| {
                    let mut block = vec![0; offset + len + part % 3];
                    for n in 0..len {
                        block[offset + n] = canary(part + n);
                    }
                    drop(black_box(block));
                });
                assert_eq!(found, expected, "{len} bytes from {part}, at offset {offset}");
            }
        }
    }
}

#[test]
fn a_secret_is_seen_while_it_lives_and_not_after() {
    let _alone = alone();
    let (hits, _) = hits_in(|| {
        let unwiped = black_box(canary_with_room(32, 9));
        assert_eq!(living(), 1);
        let material = <KeyMaterial as Specimen>::make();
        let shared = black_box(vec![canary_with_room(NEEDLE, 0), canary_with_room(NEEDLE - 1, 0)]);
        assert_eq!(living(), 3);
        drop(unwiped);
        assert_eq!(living(), 2);
        drop(material);
        assert_eq!(living(), 1);
        drop(shared);
        assert_eq!(living(), 0);
    });
    assert_eq!(hits, 2);
}

#[test]
fn a_dropped_vec_is_found() {
    let _alone = alone();
    assert_eq!(found_in(|| drop(canary_with_room(32, 0))), 1);
    assert_eq!(found_in(|| drop(canary_with_room(32, 100).into_boxed_slice())), 2);
    // In what is not part of the vector any more.
    let truncated = || {
        let mut buffer = canary_with_room(64, 0);
        buffer.clear();
        drop(black_box(buffer));
    };
    assert_eq!(found_in(truncated), 1);
    // The same, wiped, is not found.
    let wiped = || {
        let mut buffer = canary_with_room(64, 0);
        wipe(&mut buffer);
        drop(black_box(buffer));
    };
    assert_eq!(found_in(wiped), 0);
}

#[test]
fn the_old_block_of_a_shrinking_buffer_is_found() {
    let _alone = alone();
    let shrink = || {
        let mut shrunk = black_box(canary_with_room(32, 96).into_boxed_slice());
        wipe(&mut shrunk);
        drop(black_box(shrunk));
    };
    assert_eq!(found_in(shrink), 1);
}

#[test]
fn the_old_blocks_of_a_growing_buffer_are_found() {
    let _alone = alone();
    let grow = || {
        let mut buffer = Vec::with_capacity(NEEDLE);
        for position in 0..CANARY_LEN {
            buffer.push(canary(position));
        }
        buffer = black_box(buffer);
        wipe(&mut buffer);
        drop(black_box(buffer));
    };
    // From 16 to 32 to 64 bytes.
    assert_eq!(found_in(grow), 2);
}

#[test]
fn secrets_that_stand_inline_in_a_growing_table_are_found() {
    let _alone = alone();
    let in_a_map = || {
        let mut table = HashMap::new();
        for n in 0..100 {
            table.insert(n, <Zeroizing<[u8; KEY_LEN]>>::make());
        }
        drop(black_box(table));
    };
    assert!(found_in(in_a_map) >= 3);
    let in_a_vec = || {
        let mut list = Vec::with_capacity(4);
        for _ in 0..32 {
            list.push(<Zeroizing<[u8; KEY_LEN]>>::make());
        }
        drop(black_box(list));
    };
    // From 4 to 8 to 16 to 32. Each secret wipes itself, where it is at the end.
    assert_eq!(found_in(in_a_vec), 3);
}

#[test]
fn a_prepared_cipher_that_is_not_wiped_is_found() {
    let _alone = alone();
    let forgotten = || drop(black_box(Box::new(ManuallyDrop::new(Aes256Gcm::make()))));
    assert_eq!(found_in(forgotten), 1);
    // Moved, from a small buffer to a greater one.
    let moved = || {
        let mut list = black_box(vec![Aes256Gcm::make()]);
        list.reserve_exact(1);
        drop(black_box(list));
    };
    assert_eq!(found_in(moved), 1);
}

// Everything that is done with keys and rings.

fn leaves_nothing_but_its_own_unwiped_block<M: Specimen>() {
    let _alone = alone();
    let of_keys = [scenarios::all::<M>(), made::all::<M>(), border::all::<M>(), pairs::all::<M>()];
    let of_more = [explosive::all::<M>(), store::all::<M>(), policy::all::<M>()];
    for (name, scenario) in of_keys.into_iter().chain(of_more).flatten() {
        let forge = Forge::new();
        let (hits, size) = hits_in(|| scenario(&forge));
        let made = forge.made();
        assert!(made > 0, "{name}: no key was made");
        assert_eq!(living(), 0, "{name}, with {}: a secret is not dropped", M::NAME);
        assert_eq!(
            hits,
            if M::WIPES { 0 } else { made },
            "{name}, with {}: {hits} freed blocks hold the secret, the last of {size} bytes; \
             {made} materials were made",
            M::NAME,
        );
    }
}

#[test]
fn key_material_leaves_nothing_behind() {
    leaves_nothing_but_its_own_unwiped_block::<KeyMaterial>();
}

#[test]
fn an_array_that_wipes_itself_leaves_nothing_behind() {
    leaves_nothing_but_its_own_unwiped_block::<Zeroizing<[u8; KEY_LEN]>>();
}

#[test]
fn a_prepared_cipher_leaves_nothing_behind() {
    leaves_nothing_but_its_own_unwiped_block::<Aes256Gcm>();
}

#[test]
fn a_material_that_does_not_wipe_itself_leaves_exactly_one_block_each() {
    leaves_nothing_but_its_own_unwiped_block::<Unwiped>();
}
