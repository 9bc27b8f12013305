//! A store that was restored from a backup is not followed by those who knew more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use key_rotation::error::{MissError, RotationError, StaleKeyring};
use key_rotation::live::Refreshed;
use key_rotation::shared::{RefreshOnMiss, SharedKeyring};
use key_rotation::store::{Loaded, Revision};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, Outcome, RotationService,
    StrictSingleActive, Timestamp,
};
use pollster::block_on;

type Store = Arc<InMemoryKeyProvider<u32>>;
type Service = RotationService<Store, StrictSingleActive>;

const REVISIONS: u64 = 20;
const MORE: u64 = 24;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(number: u64) -> Key<Inactive, u32> {
    let id: KeyId = format!("k{number}").parse().unwrap();
    Key::new(id, u32::try_from(number).unwrap(), at(1))
}

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

/// One commit: adds a key, or makes the one that was added the active one.
async fn change(service: &Service, number: u64) {
    let ring = service.keyring().await.unwrap();
    let staged = ring.inactive().find(|key| !key.info().used).map(|key| key.id().clone());
    match staged {
        Some(staged) => drop(done(service.rotate_to(staged.as_str(), at(number)).await.unwrap())),
        None => drop(done(service.add(key(number), at(number)).await.unwrap())),
    }
}

/// What a reader knew, again and again: a ring that is shared anew for each question.
struct Reader {
    shared: SharedKeyring<u32>,
}

impl Reader {
    fn anew(&self) -> SharedKeyring<u32> {
        SharedKeyring::at_revision(self.shared.revision(), self.shared.load().fork())
    }
}

#[test]
fn a_restore_at_each_revision_is_told_to_those_who_knew_more_and_to_nobody_else() {
    block_on(async {
        let store = Store::default();
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let _ = service.bootstrap(key(0), at(1)).await.unwrap();
        let (mut backups, mut readers) = (vec![], vec![]);
        for number in 1..=REVISIONS {
            readers.push(Reader { shared: service.share(at(number)).await.unwrap() });
            backups.push(store.backup());
            change(&service, number).await;
        }

        let (mut told, mut followed) = (0, 0);
        for (kept, backup) in (1..).zip(&backups) {
            store.restore(backup);
            for more in 0..=MORE {
                if more > 0 {
                    change(&service, 1_000 + kept * 100 + more).await;
                }
                for (number, reader) in (1..).zip(&readers) {
                    let (shared, now) = (reader.anew(), at(100_000));
                    let seen = shared.revision();
                    match service.refresh(&shared, now).await {
                        Ok(Refreshed::Unchanged) => {
                            assert!(number <= kept && number == kept + more);
                        }
                        Ok(Refreshed::Newer { revision, .. }) => {
                            assert!(number <= kept && number < kept + more);
                            assert_eq!(revision.number, kept + more);
                        }
                        Err(RotationError::NotInHistory { seen: told, found }) => {
                            assert!(number > kept, "a false alarm");
                            assert_eq!((told, found.number), (seen, kept + more));
                        }
                        other => panic!("{other:?}"),
                    }
                    if number <= kept {
                        followed += 1;
                        assert_eq!(shared.confirmed_at(), Some(now));
                    } else {
                        told += 1;
                        assert_eq!((shared.revision(), shared.confirmed_at()), (seen, None));
                        let (ours, theirs) = (shared.load(), reader.shared.load());
                        assert_eq!(ours.active().id(), theirs.active().id());
                    }
                }
            }
        }
        let rounds = MORE + 1;
        assert_eq!(told, rounds * REVISIONS * (REVISIONS - 1) / 2);
        assert_eq!(followed, rounds * REVISIONS * (REVISIONS + 1) / 2);
    });
}

#[test]
fn ordinary_polls_are_no_alarm() {
    let store = Store::default();
    let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
    let _ = block_on(service.bootstrap(key(0), at(1))).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 1;
            while !is_over.load(Ordering::Relaxed) {
                block_on(change(&service, number));
                number += 1;
                thread::sleep(Duration::from_micros(50));
            }
        });
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Revision::EMPTY;
                    let (mut newer, mut unchanged) = (0, 0);
                    for _ in 0..10_000 {
                        match block_on(store.load(seen)).unwrap() {
                            Loaded::Ring(snapshot) => {
                                assert!(snapshot.revision.number > seen.number);
                                (seen, newer) = (snapshot.revision, newer + 1);
                            }
                            Loaded::Unchanged { .. } => unchanged += 1,
                            other @ Loaded::NotInHistory { .. } => panic!("{other:?}"),
                        }
                    }
                    assert_eq!(newer + unchanged, 10_000);
                })
            })
            .collect();
        let results: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        results.into_iter().for_each(Result::unwrap);
    });
}

#[test]
fn refreshes_that_overlap_never_go_back() {
    let store = Store::default();
    let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
    let _ = block_on(service.bootstrap(key(0), at(1))).unwrap();
    let shared = block_on(service.share(at(1))).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..500 {
                    let _ = block_on(service.refresh(&shared, at(2))).unwrap();
                    let number = shared.revision().number;
                    assert!(number >= last, "from {last} to {number}");
                    last = number;
                }
            });
        }
        scope.spawn(|| (1..=200).for_each(|number| block_on(change(&service, number))));
    });
    let _ = block_on(service.refresh(&shared, at(3))).unwrap();
    assert_eq!(shared.revision().number, 201);
}

/// The case of a store that was put back to yesterday: its follower went on as if nothing had happened,
/// called a key unknown that the store has, and encrypted under one that no store knows.
#[test]
fn a_restored_store_is_said_to_be_one_by_a_refresh_and_by_a_miss_and_stops_encryption() {
    block_on(async {
        let store = Store::default();
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let _ = service.bootstrap(key(1), at(1_000)).await.unwrap();
        let backup = store.backup();
        let _ = done(service.add(key(2), at(2_000)).await.unwrap());
        let _ = done(service.rotate_to("k2", at(3_000)).await.unwrap());
        let shared = service.share(at(4_000)).await.unwrap();
        store.restore(&backup);

        let is_told = |result: Result<Refreshed, RotationError<Infallible>>| matches!(result, Err(RotationError::NotInHistory { seen, .. }) if seen.number == 3);
        assert!(is_told(service.refresh(&shared, at(100_000)).await), "at an older revision");

        let _ = done(service.add(key(3), at(101_000)).await.unwrap());
        let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::new(60).unwrap());
        let missed =
            misses.ring_with("k3", at(200_000), || service.refresh(&shared, at(200_000))).await;
        assert!(
            matches!(missed, Err(MissError::Refresh(RotationError::NotInHistory { .. }))),
            "an id that the store has is not called unknown: {missed:?}"
        );

        let _ = done(service.rotate_to("k3", at(201_000)).await.unwrap());
        assert!(is_told(service.refresh(&shared, at(300_000)).await), "at the same number");
        assert_eq!(shared.confirmed_at(), Some(at(4_000)));
        let mut reader = shared.reader();
        let stale = reader.encryption_key_within(Duration::from_secs(60), at(300_000)).unwrap_err();
        let StaleKeyring { .. } = stale;
        assert!(shared.load().decryption_key("k2").is_ok(), "the ring that one has goes on");
    });
}
