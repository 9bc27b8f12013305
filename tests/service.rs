//! The service over stores that behave, race, fail and lose answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::VecDeque;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use key_rotation::{
    Change, ChangeMismatch, Commit, EntryError, InMemoryKeyProvider, Inactive, Key, KeyId, KeyInfo,
    KeyProvider, KeyRecord, KeyRef, KeyStatus, Keyring, Outcome, Refusal, Revision, Rotation,
    RotationDecision, RotationError, RotationPolicy, RotationService, Snapshot, StrictSingleActive,
    TakenBy, Timestamp, Violation,
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

fn record(name: &str, status: KeyStatus) -> KeyRecord<String> {
    KeyRecord::new(id(name), status, at(10), format!("material of {name}"))
}

/// A store with k1 active and k2 staged.
fn store() -> Store {
    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    Arc::new(InMemoryKeyProvider::from_records(records))
}

fn service(store: &Store) -> RotationService<Store, StrictSingleActive> {
    RotationService::new(Arc::clone(store), StrictSingleActive)
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
        assert_eq!(ring.active().activated_at(), Some(at(20)));

        let added = done(service.add(staged("k2")).await.unwrap());
        assert_eq!((added.id.as_str(), added.at), ("k2", at(10)));
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

        let taken = service.add(staged("k1")).await.unwrap_err();
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
        assert!(matches!(empty.add(&key).await, Err(RotationError::EmptyStore)));

        let damaged = service(&Arc::new(InMemoryKeyProvider::from_records([record(
            "k1",
            KeyStatus::Inactive,
        )])));
        for error in [
            damaged.validate().await.unwrap_err(),
            damaged.bootstrap(staged("k2"), at(20)).await.unwrap_err(),
            damaged.retire("k1", at(20)).await.unwrap_err(),
        ] {
            let RotationError::InvalidKeyring(invalid) = error else { panic!("{error}") };
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
        assert_eq!(block_on(store.load()).unwrap().revision, Revision::new(1));
    }
}

#[test]
fn of_many_rotators_each_step_has_one_winner_and_losers_see_the_state_that_won() {
    const THREADS: usize = 8;
    let store = store();
    for n in 0..THREADS {
        let _ = done(block_on(service(&store).add(staged(&format!("next-{n}")))).unwrap());
    }
    let before = block_on(store.load()).unwrap().revision;
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
    let after = block_on(store.load()).unwrap();
    assert_eq!(after.revision.as_u64() - before.as_u64(), rotations as u64);
    assert_eq!(after.into_keyring().unwrap().len(), 2 + THREADS);
}

#[test]
fn a_failed_request_changes_nothing_in_the_store() {
    block_on(async {
        let store = store();
        let service = service(&store);
        let before = service.state().await.unwrap();
        let revision = store.load().await.unwrap().revision;

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
        let error = service.add(&key).await.unwrap_err();
        assert!(matches!(error, RotationError::KeyIdTaken(_)));
        assert_eq!(key.decryption_key().material(), "material of k2");

        let already = done(service.rotate_to("k1", at(99)).await.unwrap());
        assert_eq!(already, RotationDecision::AlreadyActive { id: id("k1"), activated_at: at(10) });
        assert_eq!(service.state().await.unwrap(), before);
        assert_eq!(store.load().await.unwrap().revision, revision);
    });
}

/// Keys may be activated from the hundredth millisecond on.
struct NotBefore100;

impl RotationPolicy for NotBefore100 {
    fn may_activate(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
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

// ---- Stores that lose answers ----

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The store answers.
    None,
    /// The store is out of reach, and nothing happens.
    Before,
    /// The store does what it is asked, and the answer is lost.
    After,
    /// Somebody else activates k3 before the request arrives; then the answer is lost.
    RaceThenLost,
    /// Somebody else activates k3 first, and the store answers.
    Race,
    /// The request arrives twice, the first time unanswered.
    Delayed,
    /// Somebody else adds a key; the request never arrives.
    AddThenLost,
}

#[derive(Debug, PartialEq)]
struct Unreachable;

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection reset")
    }
}

impl std::error::Error for Unreachable {}

/// A store with k1 active and k2 and k3 staged, whose requests meet scripted faults.
struct Faulty {
    store: InMemoryKeyProvider<String>,
    loads: Mutex<VecDeque<Fault>>,
    commits: Mutex<VecDeque<Fault>>,
    /// What came through, for the tests to look at.
    committed: Mutex<Vec<Revision>>,
}

impl Faulty {
    fn new(loads: &[Fault], commits: &[Fault]) -> Arc<Self> {
        let records = [
            record("k1", KeyStatus::Active),
            record("k2", KeyStatus::Inactive),
            record("k3", KeyStatus::Inactive),
        ];
        Arc::new(Self {
            store: InMemoryKeyProvider::from_records(records),
            loads: Mutex::new(loads.iter().copied().collect()),
            commits: Mutex::new(commits.iter().copied().collect()),
            committed: Mutex::new(Vec::new()),
        })
    }

    fn empty(loads: &[Fault], commits: &[Fault]) -> Arc<Self> {
        Arc::new(Self {
            store: InMemoryKeyProvider::new(),
            loads: Mutex::new(loads.iter().copied().collect()),
            commits: Mutex::new(commits.iter().copied().collect()),
            committed: Mutex::new(Vec::new()),
        })
    }

    fn next(faults: &Mutex<VecDeque<Fault>>) -> Fault {
        faults.lock().unwrap().pop_front().unwrap_or(Fault::None)
    }

    async fn somebody_else_activates_k3(&self) {
        let revision = self.store.load().await.unwrap().revision;
        let rotation = Rotation::new(id("k1"), id("k3"), at(15), false);
        let answer = self.store.commit(revision, &Change::Activate(rotation)).await.unwrap();
        assert!(matches!(answer, Commit::Committed(_)));
    }

    fn ring(&self) -> Keyring<String> {
        block_on(self.store.load()).unwrap().into_keyring().unwrap()
    }
}

impl KeyProvider for Faulty {
    type Material = String;
    type Error = Unreachable;

    async fn load(&self) -> Result<Snapshot<String>, Unreachable> {
        match Self::next(&self.loads) {
            Fault::None => Ok(self.store.load().await.unwrap()),
            _ => Err(Unreachable),
        }
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<String>,
    ) -> Result<Commit, Unreachable> {
        self.committed.lock().unwrap().push(expected);
        let fault = Self::next(&self.commits);
        if matches!(fault, Fault::RaceThenLost | Fault::Race) {
            self.somebody_else_activates_k3().await;
        }
        if fault == Fault::Delayed {
            let _ = self.store.commit(expected, change).await.unwrap();
        }
        if fault == Fault::AddThenLost {
            let add = Change::Add(record("k4", KeyStatus::Inactive));
            let _ = self.store.commit(expected, &add).await.unwrap();
        }
        if matches!(fault, Fault::Before | Fault::AddThenLost) {
            return Err(Unreachable);
        }
        let answer = self.store.commit(expected, change).await;
        match fault {
            Fault::None | Fault::Race | Fault::Delayed => {
                answer.map_err(|_: ChangeMismatch| Unreachable)
            }
            _ => Err(Unreachable),
        }
    }
}

fn rotate(store: &Arc<Faulty>) -> Result<Outcome<RotationDecision>, RotationError<Unreachable>> {
    block_on(RotationService::new(Arc::clone(store), StrictSingleActive).rotate_to("k2", at(20)))
}

#[test]
fn a_store_out_of_reach_is_its_own_error_and_never_not_found() {
    let store = Faulty::new(&[Fault::Before], &[]);
    let error = rotate(&store).unwrap_err();
    assert!(matches!(error, RotationError::Provider(Unreachable)));
    assert_eq!(error.to_string(), "the key store could not be read");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection reset");
    assert!(store.committed.lock().unwrap().is_empty());
}

#[test]
fn a_lost_answer_to_a_change_that_happened_is_done() {
    let store = Faulty::new(&[], &[Fault::After]);
    assert!(matches!(rotate(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    assert_eq!(store.committed.lock().unwrap().len(), 1, "nothing is sent twice");
}

#[test]
fn a_change_that_did_not_happen_is_sent_once_more_under_the_same_revision() {
    let store = Faulty::new(&[], &[Fault::Before]);
    assert!(matches!(rotate(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    assert_eq!(*store.committed.lock().unwrap(), [Revision::new(1), Revision::new(1)]);
}

#[test]
fn a_second_sending_that_meets_the_first_is_done() {
    // The first sending arrives late, just before the second, which conflicts with it.
    let store = Faulty::new(&[], &[Fault::Before, Fault::Delayed]);
    assert!(matches!(rotate(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    let revision = block_on(store.store.load()).unwrap().revision;
    assert_eq!(revision, Revision::new(2), "it applied once");
}

#[test]
fn a_lost_race_is_an_outcome_with_the_state_that_won_whether_or_not_the_answer_arrives() {
    for script in [&[Fault::Race][..], &[Fault::RaceThenLost], &[Fault::Before, Fault::Race]] {
        let store = Faulty::new(&[], script);
        let Outcome::LostRace { now } = rotate(&store).unwrap() else {
            panic!("{script:?}: not lost")
        };
        assert_eq!(now.active().id.as_str(), "k3", "{script:?}");
        assert_eq!(now, store.ring().state());
    }
}

#[test]
fn what_cannot_be_found_out_is_said_to_be_unknown() {
    for (loads, commits) in [
        // Neither the first nor the second sending is answered, and nothing is there.
        (&[][..], &[Fault::Before, Fault::Before][..]),
        // The change happened, but the store cannot be read again.
        (&[Fault::None, Fault::Before], &[Fault::After]),
        (&[Fault::None, Fault::None, Fault::Before], &[Fault::Before, Fault::After]),
    ] {
        let store = Faulty::new(loads, commits);
        let error = rotate(&store).unwrap_err();
        let RotationError::OutcomeUnknown { id, source } = &error else { panic!("{error}") };
        assert_eq!((id.as_str(), source), ("k2", &Unreachable));
        assert!(store.committed.lock().unwrap().len() <= 2);
    }
}

#[test]
fn a_lost_answer_is_found_out_for_every_kind_of_change() {
    block_on(async {
        let store = Faulty::empty(&[], &[Fault::After]);
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let ring = service.bootstrap(staged("k1"), at(20)).await.unwrap();
        assert_eq!(ring.active().id().as_str(), "k1");

        for fault in [Fault::After, Fault::Before] {
            let name = if fault == Fault::After { "k2" } else { "k3" };
            let lose = || store.commits.lock().unwrap().push_back(fault);
            lose();
            assert_eq!(done(service.add(staged(name)).await.unwrap()).id, id(name));
            lose();
            let _ = done(service.rotate_to(name, at(30)).await.unwrap());
            let _ = done(service.rotate_to("k1", at(30)).await.unwrap());
            lose();
            assert_eq!(done(service.retire(name, at(40)).await.unwrap()).at, at(40));
            lose();
            assert_eq!(done(service.destroy(name, at(50)).await.unwrap()).at, at(50));
        }
        let state = service.state().await.unwrap();
        assert_eq!((state.keys().count(), state.destroyed().len()), (1, 2));
    });
}

#[test]
fn a_rotation_that_never_happened_is_not_taken_for_an_earlier_one_of_the_same_time() {
    block_on(async {
        let store = Faulty::new(&[], &[Fault::None, Fault::None, Fault::AddThenLost]);
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        // A host whose clock is behind: its rotations count as of the latest time carried.
        let _ = done(service.rotate_to("k2", at(1000)).await.unwrap());
        let _ = done(service.rotate_to("k1", at(500)).await.unwrap());
        // k2 carries that time already when this request is lost, and somebody else adds a key.
        let Outcome::LostRace { now } = service.rotate_to("k2", at(600)).await.unwrap() else {
            panic!("done, and it never happened");
        };
        assert_eq!(now.active().id.as_str(), "k1");
    });
}

#[test]
fn a_bootstrap_that_loses_its_race_uses_the_ring_that_won() {
    // The store is seen empty, and filled before the first key arrives.
    struct Late(InMemoryKeyProvider<String>);
    impl KeyProvider for Late {
        type Material = String;
        type Error = ChangeMismatch;
        async fn load(&self) -> Result<Snapshot<String>, ChangeMismatch> {
            self.0.load().await
        }
        async fn commit(
            &self,
            expected: Revision,
            change: &Change<String>,
        ) -> Result<Commit, ChangeMismatch> {
            let theirs = staged("theirs").activate(at(15));
            let create = Change::Create(KeyRef::from(&theirs).to_record());
            let _ = self.0.commit(Revision::EMPTY, &create).await?;
            self.0.commit(expected, change).await
        }
    }
    let service = RotationService::new(Late(InMemoryKeyProvider::new()), StrictSingleActive);
    let ring = block_on(service.bootstrap(staged("mine"), at(20))).unwrap();
    assert_eq!(ring.active().id().as_str(), "theirs");
    assert_eq!(ring.len(), 1);
}
