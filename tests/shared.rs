//! A ring that is shared by threads: readers see whole rings, in order, and writers take turns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use key_rotation::error::EntryError;
use key_rotation::shared::{KeyringReader, SharedKeyring};
use key_rotation::store::Revision;
use key_rotation::{EncryptionKey, Inactive, Key, KeyId, Keyring, Retired, Timestamp};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(SharedKeyring<String>: Send, Sync, Clone);
assert_impl_all!(KeyringReader<String>: Send);
assert_not_impl_any!(KeyringReader<String>: Clone, Default);
assert_not_impl_any!(SharedKeyring<String>: Default);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(number: u64) -> KeyId {
    KeyId::from(number)
}

/// The revision of this number, in the one history of these tests.
fn revision(number: u64) -> Revision {
    Revision::new(number, number)
}

/// A ring whose active key is this number, and which has the one before it.
fn ring(number: u64) -> Keyring<String> {
    let key = |number: u64| Key::new(id(number), format!("material of {number}"), at(1));
    let mut ring = Keyring::new(key(number).activate(at(2)));
    let _ = ring.add(key(number - 1), at(1)).unwrap();
    ring
}

fn number_of(ring: &Keyring<String>) -> u64 {
    let key = ring.encryption_key();
    let number: u64 = key.id().as_str().parse().unwrap();
    assert_eq!(*key.material(), format!("material of {number}"), "a ring that is not whole");
    assert!(ring.decryption_key(&(number - 1).to_string()).is_ok());
    number
}

#[test]
fn readers_see_whole_rings_in_order_while_two_writers_race() {
    const LAST: u64 = 5_000;
    let shared = SharedKeyring::at_revision(revision(1), ring(1));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (mut reader, shared, is_over) = (shared.reader(), shared.clone(), &is_over);
            scope.spawn(move || {
                let mut seen = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let now = number_of(reader.current());
                    assert!(now >= seen, "{now} after {seen}");
                    let loaded = number_of(&shared.load());
                    assert!(loaded >= now, "{loaded} after {now}");
                    seen = loaded;
                }
                assert_eq!(number_of(reader.current()), LAST);
            });
        }
        // Each revision is offered by both, so half of the offers are late.
        let writers = [0, 1].map(|_| {
            let shared = shared.clone();
            scope.spawn(move || {
                (2..=LAST)
                    .filter(|n| shared.replace(revision(*n - 1), revision(*n), ring(*n)))
                    .count()
            })
        });
        let installed: Vec<usize> = writers.map(|writer| writer.join().unwrap()).into();
        assert!(installed.iter().sum::<usize>() < usize::try_from(LAST).unwrap());
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(shared.revision(), revision(LAST));
}

#[test]
fn updates_are_not_lost() {
    let shared = SharedKeyring::new(ring(1));
    thread::scope(|scope| {
        for writer in 1..=4 {
            let shared = shared.clone();
            scope.spawn(move || {
                for n in 0..100 {
                    let key = Key::new(id(writer * 1000 + n), String::new(), at(1));
                    let _ = shared.update(|ring| ring.add(key, at(1))).unwrap();
                }
            });
        }
    });
    assert_eq!(shared.load().len(), 2 + 400);
}

#[test]
fn a_ring_gives_its_place_to_one_that_was_loaded_for_it_alone() {
    let shared = SharedKeyring::at_revision(revision(7), ring(7));
    assert!(!shared.replace(revision(6), revision(8), ring(6)));
    assert!(!shared.replace(Revision::new(7, 70), revision(8), ring(70)));
    assert_eq!(number_of(&shared.load()), 7);
    assert!(shared.replace(revision(7), revision(9), ring(9)));
    assert!(!shared.replace(revision(7), revision(8), ring(8)));
    assert_eq!((number_of(&shared.load()), shared.revision()), (9, revision(9)));
}

#[test]
fn an_update_that_fails_or_panics_changes_nothing_and_holds_nobody_up() {
    let shared = SharedKeyring::new(ring(1));
    let before = shared.load();
    let failed: Result<(), EntryError> = shared.update(|ring| {
        let _ = ring.rotate_to("0", at(5))?;
        Err(ring.rotate_to("no such key", at(6)).unwrap_err())
    });
    assert!(failed.is_err());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        shared.update(|ring| -> Result<(), Infallible> {
            let _ = ring.rotate_to("0", at(5)).unwrap();
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert!(Arc::ptr_eq(&before, &shared.load()));
    let _ = shared.update(|ring| ring.rotate_to("0", at(7))).unwrap();
    assert_eq!(shared.load().active().id().as_str(), "0");
}

#[test]
fn an_encryption_ends_with_the_ring_that_it_began_with() {
    let shared = SharedKeyring::new(ring(1));
    let mut reader = shared.reader();
    let snapshot = shared.load();
    let key: EncryptionKey<'_, String> = snapshot.encryption_key();
    let read = reader.current().encryption_key();

    let _ = shared.update(|ring| ring.rotate_to("0", at(5))).unwrap();
    assert_eq!((key.id().as_str(), read.id().as_str()), ("1", "1"));
    let new = shared.load();
    assert_eq!(new.encryption_key().id().as_str(), "0");
    let old = new.decryption_key(key.id().as_str()).unwrap();
    assert!(std::ptr::eq(old.material(), key.material()), "the material has moved");
    assert_eq!(reader.current().encryption_key().id().as_str(), "0");
}

#[test]
fn a_ring_that_is_not_confirmed_for_too_long_stops_encrypting_and_goes_on_decrypting() {
    const LIMIT: Duration = Duration::from_millis(100);
    let shared = SharedKeyring::at_revision(revision(5), ring(5));
    let mut reader = shared.reader();
    let error = reader.encryption_key_within(Duration::MAX, at(0)).unwrap_err();
    assert_eq!(error.confirmed_at, None);

    // Neither an older nor a newer revision says anything of this ring.
    shared.confirm(revision(4), at(1000));
    shared.confirm(revision(6), at(1000));
    assert_eq!(shared.confirmed_at(), None);

    shared.confirm(revision(5), at(1000));
    assert!(reader.encryption_key_within(LIMIT, at(1100)).is_ok());
    let error = reader.encryption_key_within(LIMIT, at(1101)).unwrap_err();
    assert_eq!((error.confirmed_at, error.now), (Some(at(1000)), at(1101)));
    assert!(reader.current().decryption_key("5").is_ok());

    // A confirmation that comes late does not take a later one back.
    shared.confirm(revision(5), at(900));
    assert_eq!(shared.confirmed_at(), Some(at(1000)));
    shared.confirm(revision(5), at(1050));
    assert_eq!(reader.encryption_key_within(LIMIT, at(1101)).unwrap().id().as_str(), "5");
    // A clock that is behind the confirmation.
    assert!(reader.encryption_key_within(Duration::ZERO, at(10)).is_ok());
    assert!(reader.encryption_key_within(LIMIT, Timestamp::MAX).is_err());
}

#[test]
fn what_was_destroyed_is_gone_when_the_last_reader_has_looked() {
    let secret = Arc::new("material of the destroyed".to_owned());
    let watch: Weak<String> = Arc::downgrade(&secret);
    let shared = SharedKeyring::new(ring(1));
    let doomed = Key::from_shared(KeyId::from_static("doomed"), secret, at(1));
    let _ = shared.update(|ring| ring.add(doomed, at(1))).unwrap();

    let (mut busy, mut idle) = (shared.reader(), shared.reader());
    assert!(busy.current().get("doomed").is_some() && idle.current().get("doomed").is_some());
    shared
        .update(|ring| {
            let _ = ring.entry::<Inactive>("doomed")?.retire(at(5));
            let _ = ring.entry::<Retired>("doomed")?.destroy(at(6));
            Ok::<_, EntryError>(())
        })
        .unwrap();

    assert!(busy.current().decryption_key("doomed").is_err());
    assert!(watch.upgrade().is_some(), "an idle reader keeps what it last saw");
    drop(busy);
    assert!(idle.current().decryption_key("doomed").is_err());
    assert!(watch.upgrade().is_none());
}
