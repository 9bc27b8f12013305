//! The service over stores that behave, race, fail and lose answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::convert::Infallible;
use std::sync::{Arc, Barrier};
use std::thread;

use key_rotation::error::{EntryError, RotationError, TakenBy, Violation};
use key_rotation::key::{Destruction, Rotation, RotationDecision};
use key_rotation::policy::{Fleet, Refusal};
use key_rotation::store::{Commit, CommitError, Loaded, Proposal, Revision, RingName, Snapshot};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyInfo, KeyProvider, KeyRecord, KeyStatus, Keyring,
    Outcome, RotationPolicy, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

type Store = Arc<InMemoryKeyProvider<String>>;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn staged(name: &str) -> Key<Inactive, String> {
    Key::new(id(name), format!("material of {name}"), at(10))
}

/// A key that has never encrypted, unless it must have.
fn record(name: &str, status: KeyStatus) -> KeyRecord<String> {
    let record = KeyRecord::new(id(name), status, at(10), format!("material of {name}"));
    if status == KeyStatus::Inactive { record.staged() } else { record }
}

/// A store with k1 active and k2 staged.
fn store() -> Store {
    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    Arc::new(InMemoryKeyProvider::from_records(records))
}

fn service(store: &Store) -> RotationService<Store, StrictSingleActive> {
    RotationService::new(Arc::clone(store), StrictSingleActive)
}

fn snapshot(store: &Store) -> Snapshot<String> {
    match block_on(store.load(Revision::EMPTY)) {
        Ok(Loaded::Ring(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    }
}

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

#[test]
fn a_key_goes_through_its_life_in_the_store() {
    block_on(async {
        let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
        let ring = service.bootstrap(staged("k1"), at(20)).await.unwrap();
        assert_eq!(ring.active().times().activated_at, Some(at(20)));

        let added = done(service.add(staged("k2"), at(25)).await.unwrap());
        assert_eq!((added.id.as_str(), added.at), ("k2", at(25)));
        let decision = done(service.rotate_to("k2", at(30)).await.unwrap());
        assert_eq!(
            decision,
            RotationDecision::Rotated(Rotation::new(id("k1"), id("k2"), at(30), false))
        );
        let ring = service.keyring().await.unwrap();
        assert_eq!(ring.active().id().as_str(), "k2");
        assert_eq!(ring.decryption_key("k1").unwrap().material(), "material of k1");

        assert_eq!(done(service.retire("k1", at(40)).await.unwrap()).at, at(40));
        assert_eq!(done(service.destroy("k1", at(50)).await.unwrap()).at, at(50));
        service.validate().await.unwrap();
        let state = service.state().await.unwrap();
        assert_eq!(state.active().id.as_str(), "k2");
        assert_eq!(state.destroyed().len(), 1);

        let taken = service.add(staged("k1"), at(60)).await.unwrap_err();
        let RotationError::KeyIdTaken(taken) = taken else { panic!("{taken}") };
        assert_eq!(taken.taken_by, TakenBy::Tombstone { at: at(50) });
    });
}

#[test]
fn an_empty_store_is_a_cold_start_and_a_store_of_tombstones_is_damaged() {
    block_on(async {
        let empty = RotationService::new(InMemoryKeyProvider::<()>::new(), StrictSingleActive);
        assert!(matches!(empty.keyring().await, Err(RotationError::EmptyStore)));
        assert!(matches!(empty.validate().await, Err(RotationError::EmptyStore)));
        assert!(matches!(empty.rotate_to("k1", at(1)).await, Err(RotationError::EmptyStore)));
        let key = Key::new(id("k1"), (), at(1));
        assert!(matches!(empty.add(&key, at(1)).await, Err(RotationError::EmptyStore)));

        let damaged = service(&Arc::new(InMemoryKeyProvider::from_records([record(
            "k1",
            KeyStatus::Inactive,
        )])));
        for error in [
            damaged.validate().await.unwrap_err(),
            damaged.bootstrap(staged("k2"), at(20)).await.unwrap_err(),
            damaged.retire("k1", at(20)).await.unwrap_err(),
        ] {
            let RotationError::InvalidKeyring { reason: invalid, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(invalid.violations(), [Violation::NoActiveKey]);
        }
    });
}

#[test]
fn bootstrap_uses_the_ring_that_is_there() {
    block_on(async {
        let store = store();
        let ring = service(&store).bootstrap(staged("mine"), at(20)).await.unwrap();
        assert_eq!(ring.active().id().as_str(), "k1");
        assert!(ring.get("mine").is_none());
    });
}

#[test]
fn a_cold_start_of_many_threads_makes_one_first_key() {
    const THREADS: usize = 32;
    for round in 0..20 {
        let store: Store = Arc::new(InMemoryKeyProvider::new());
        let barrier = Barrier::new(THREADS);
        let firsts: Vec<String> = thread::scope(|scope| {
            let start = |n: usize| {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    let first = staged(&format!("first-of-{n}"));
                    barrier.wait();
                    let ring = block_on(service(store).bootstrap(&first, at(20))).unwrap();
                    assert_eq!(ring.len(), 1);
                    ring.encryption_key().material().clone()
                })
            };
            let threads: Vec<_> = (0..THREADS).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(firsts.windows(2).all(|pair| pair.first() == pair.last()), "{round}: {firsts:?}");
        assert_eq!(snapshot(&store).revision.number, 1);
    }
}

#[test]
fn of_many_rotators_each_step_has_one_winner_and_losers_see_the_state_that_won() {
    const THREADS: usize = 8;
    let store = store();
    for n in 0..THREADS {
        let _ = done(block_on(service(&store).add(staged(&format!("next-{n}")), at(10))).unwrap());
    }
    let before = snapshot(&store).revision;
    let barrier = Barrier::new(THREADS);
    let rotations: usize = thread::scope(|scope| {
        let race = |n: usize| {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                barrier.wait();
                match block_on(service(store).rotate_to(&format!("next-{n}"), at(100))).unwrap() {
                    Outcome::Done(_) => 1,
                    Outcome::LostRace { now } => {
                        assert!(now.active().id.as_str().starts_with("next-"));
                        0
                    }
                }
            })
        };
        let threads: Vec<_> = (0..THREADS).map(race).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(rotations >= 1);
    let after = snapshot(&store);
    assert_eq!(after.revision.number - before.number, rotations as u64);
    assert_eq!(after.into_keyring().unwrap().len(), 2 + THREADS);
}

#[test]
fn a_failed_request_changes_nothing_in_the_store() {
    block_on(async {
        let store = store();
        let service = service(&store);
        let before = service.state().await.unwrap();
        let revision = snapshot(&store).revision;

        let wrong =
            |expected, found, name: &str| EntryError::WrongStatus { id: id(name), expected, found };
        let error = service.retire("k1", at(20)).await.unwrap_err();
        let RotationError::Entry(error) = error else { panic!("{error}") };
        assert_eq!(error, wrong(KeyStatus::Inactive, KeyStatus::Active, "k1"));
        let error = service.destroy("k2", at(20)).await.unwrap_err();
        let RotationError::Entry(error) = error else { panic!("{error}") };
        assert_eq!(error, wrong(KeyStatus::Retired, KeyStatus::Inactive, "k2"));
        let error = service.rotate_to("k9", at(20)).await.unwrap_err();
        assert!(matches!(error, RotationError::Entry(EntryError::KeyNotFound { .. })));
        let key = staged("k2");
        let error = service.add(&key, at(20)).await.unwrap_err();
        assert!(matches!(error, RotationError::KeyIdTaken(_)));
        assert_eq!(key.decryption_key().material(), "material of k2");

        let already = done(service.rotate_to("k1", at(99)).await.unwrap());
        let activated_at = Some(at(10));
        assert_eq!(already, RotationDecision::AlreadyActive { id: id("k1"), activated_at });
        assert_eq!(service.state().await.unwrap(), before);
        assert_eq!(snapshot(&store).revision, revision);
    });
}

/// Keys may be activated from the hundredth millisecond on.
struct NotBefore100;

impl RotationPolicy for NotBefore100 {
    fn may_activate(&self, key: &KeyInfo, _: &Fleet, now: Timestamp) -> Result<(), Refusal> {
        assert_eq!(key.status, KeyStatus::Inactive, "asked about the key as it is before");
        if now < at(100) { Err(Refusal::new("it is too early").until(at(100))) } else { Ok(()) }
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }
}

#[test]
fn a_rotation_that_the_policy_refuses_does_not_happen() {
    block_on(async {
        let store = store();
        let policy: Box<dyn RotationPolicy + Send + Sync> = Box::new(NotBefore100);
        let service = RotationService::new(Arc::clone(&store), policy);
        let error = service.rotate_to("k2", at(99)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the policy refuses to change key `k2`: it is too early (allowed from 1970-01-01T00:00:00.100Z)"
        );
        let RotationError::Refused { reason, .. } = error else { panic!("not refused") };
        assert_eq!(reason.allowed_from(), Some(at(100)));
        assert_eq!(service.state().await.unwrap().active().id.as_str(), "k1");

        // A clock that is behind counts as of the latest time carried, for the policy as well.
        let late = KeyRecord::new(id("k1"), KeyStatus::Active, at(500), "m".to_owned());
        let behind =
            Arc::new(InMemoryKeyProvider::from_records([late, record("k2", KeyStatus::Inactive)]));
        let _ =
            done(RotationService::new(behind, NotBefore100).rotate_to("k2", at(50)).await.unwrap());

        let _ = done(service.rotate_to("k2", at(100)).await.unwrap());
        assert_eq!(service.state().await.unwrap().active().id.as_str(), "k2");
    });
}

/// A store of one tombstone, and where it is.
struct Tombstones(&'static str);

impl std::fmt::Debug for Tombstones {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl KeyProvider for Tombstones {
    type Material = String;
    type Error = Infallible;
    async fn load(&self, _: Revision) -> Result<Loaded<String>, Infallible> {
        let destroyed = vec![Destruction::new(id("k0"), at(5))];
        let empty = Snapshot::empty(RingName::from_static("tombs"));
        let (revision, ids) = (Revision::new(3, 3), 1);
        Ok(Loaded::Ring(Snapshot { revision, ids, destroyed, ..empty }))
    }
    async fn commit(&self, _: &Proposal<String>) -> Result<Commit, CommitError<Infallible>> {
        panic!("nothing is to be written to a damaged store")
    }
}

#[test]
fn a_store_of_tombstones_alone_is_damaged_and_gets_no_first_key() {
    let service = RotationService::new(Tombstones("nowhere"), StrictSingleActive);
    for error in [
        block_on(service.validate()).unwrap_err(),
        block_on(service.bootstrap(staged("k1"), at(20))).unwrap_err(),
    ] {
        let RotationError::InvalidKeyring { reason: invalid, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(invalid.violations(), [Violation::NoActiveKey]);
    }
}

#[test]
fn what_is_added_is_dated_by_the_keeper_and_not_by_what_the_key_carries() {
    // Made and demoted elsewhere, by a clock that is ahead.
    let demoted = staged("k9").activate(at(20)).deactivate(at(30));
    let service = service(&store());
    assert_eq!(done(block_on(service.add(&demoted, at(25))).unwrap()).at, at(25));
    let mut ring = Keyring::new(staged("k1").activate(at(10)));
    assert_eq!(ring.add(demoted, at(25)).unwrap().at, at(25));
    for ring in [ring, block_on(service.keyring()).unwrap()] {
        let times = ring.get("k9").unwrap().info().times;
        assert_eq!((times.created_at, times.added_at), (Some(at(10)), Some(at(25))));
        assert_eq!((times.activated_at, times.deactivated_at), (Some(at(20)), Some(at(30))));
    }
    // Nobody has a first key before it is written, whenever it was made.
    let empty: Store = Arc::default();
    let first = block_on(self::service(&empty).bootstrap(staged("k1"), at(40))).unwrap();
    assert_eq!(first.active().times().added_at, Some(at(40)));
}

#[test]
fn a_service_prints_neither_its_store_nor_its_policy() {
    let policy: Box<dyn RotationPolicy + Send + Sync> = Box::new(StrictSingleActive);
    let store = Tombstones("postgres://user:password@host");
    assert!(format!("{store:?}").contains("password"));
    let service = RotationService::new(store, policy);
    assert!(!format!("{service:?}").contains("password"));
}
