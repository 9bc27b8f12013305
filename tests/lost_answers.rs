//! The service over a store that fails, races and loses answers: what happened is found out, or
//! said not to be known.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use key_rotation::error::{ChangeMismatch, RotationError};
use key_rotation::key::{Rotation, RotationDecision};
use key_rotation::store::{Change, Commit, Revision, Snapshot};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, KeyRecord, KeyRef, KeyStatus, Keyring,
    Outcome, Retired, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

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

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

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

fn rotate_faulty(
    store: &Arc<Faulty>,
) -> Result<Outcome<RotationDecision>, RotationError<Unreachable>> {
    block_on(RotationService::new(Arc::clone(store), StrictSingleActive).rotate_to("k2", at(20)))
}

#[test]
fn a_store_out_of_reach_is_its_own_error_and_never_not_found() {
    let store = Faulty::new(&[Fault::Before], &[]);
    let error = rotate_faulty(&store).unwrap_err();
    assert!(matches!(error, RotationError::Provider(Unreachable)));
    assert_eq!(error.to_string(), "the key store could not be read");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection reset");
    assert!(store.committed.lock().unwrap().is_empty());
}

#[test]
fn a_lost_answer_to_a_change_that_happened_is_done() {
    let store = Faulty::new(&[], &[Fault::After]);
    assert!(matches!(rotate_faulty(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    assert_eq!(store.committed.lock().unwrap().len(), 1, "nothing is sent twice");
}

#[test]
fn a_change_that_did_not_happen_is_sent_once_more_under_the_same_revision() {
    let store = Faulty::new(&[], &[Fault::Before]);
    assert!(matches!(rotate_faulty(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    assert_eq!(*store.committed.lock().unwrap(), [Revision::new(1), Revision::new(1)]);
}

#[test]
fn a_second_sending_that_meets_the_first_is_done() {
    // The first sending arrives late, just before the second, which conflicts with it.
    let store = Faulty::new(&[], &[Fault::Before, Fault::Delayed]);
    assert!(matches!(rotate_faulty(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
    assert_eq!(store.ring().active().id().as_str(), "k2");
    let revision = block_on(store.store.load()).unwrap().revision;
    assert_eq!(revision, Revision::new(2), "it applied once");
}

#[test]
fn a_lost_race_is_an_outcome_with_the_state_that_won_whether_or_not_the_answer_arrives() {
    for script in [&[Fault::Race][..], &[Fault::RaceThenLost], &[Fault::Before, Fault::Race]] {
        let store = Faulty::new(&[], script);
        let Outcome::LostRace { now } = rotate_faulty(&store).unwrap() else {
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
        let error = rotate_faulty(&store).unwrap_err();
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
            assert_eq!(done(service.add(staged(name), at(20)).await.unwrap()).id, id(name));
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

/// A store whose every commit ends in an error, after the ring has been changed by others (or by
/// the commit itself) in a way that the test says.
struct Others(InMemoryKeyProvider<String>, fn(&mut Keyring<String>), Mutex<Option<Revision>>);

impl KeyProvider for Others {
    type Material = String;
    type Error = Unreachable;

    async fn load(&self) -> Result<Snapshot<String>, Unreachable> {
        let mut snapshot = self.0.load().await.unwrap();
        if let Some(revision) = *self.2.lock().unwrap() {
            let mut ring = snapshot.into_keyring().unwrap();
            (self.1)(&mut ring);
            let (records, destroyed) = ring.into_parts();
            snapshot = Snapshot { revision, records, destroyed };
        }
        Ok(snapshot)
    }

    async fn commit(&self, expected: Revision, _: &Change<String>) -> Result<Commit, Unreachable> {
        self.2.lock().unwrap().get_or_insert(expected.next());
        Err(Unreachable)
    }
}

/// k1 is active, k2 staged, k3 retired; the request is lost, and the ring is found like this.
fn found_like(after: fn(&mut Keyring<String>)) -> RotationService<Others, StrictSingleActive> {
    let records = [
        record("k1", KeyStatus::Active),
        record("k2", KeyStatus::Inactive),
        record("k3", KeyStatus::Retired),
    ];
    let store = Others(InMemoryKeyProvider::from_records(records), after, Mutex::new(None));
    RotationService::new(store, StrictSingleActive)
}

fn rotate(ring: &mut Keyring<String>, to: &str, when: u64) {
    drop(ring.rotate_to(to, at(when)).unwrap());
}

fn retire(ring: &mut Keyring<String>, name: &str, when: u64) {
    drop(ring.entry::<Inactive>(name).unwrap().retire(at(when)));
}

fn destroy(ring: &mut Keyring<String>, name: &str, when: u64) {
    drop(ring.entry::<Retired>(name).unwrap().destroy(at(when)));
}

fn add(ring: &mut Keyring<String>, name: &str) {
    drop(ring.add(staged(name), at(10)).unwrap());
}

#[test]
fn a_lost_change_is_told_from_what_others_did_by_what_is_found() {
    type After = fn(&mut Keyring<String>);
    let rotations: [(bool, After); 5] = [
        (true, |ring| rotate(ring, "k2", 20)),
        (true, |ring| {
            rotate(ring, "k2", 20);
            rotate(ring, "k1", 30);
        }),
        (false, |ring| rotate(ring, "k2", 21)),
        (false, |ring| add(ring, "k9")),
        (false, |ring| retire(ring, "k2", 20)),
    ];
    for (n, (expected, after)) in rotations.into_iter().enumerate() {
        let outcome = block_on(found_like(after).rotate_to("k2", at(20))).unwrap();
        assert_eq!(matches!(outcome, Outcome::Done(_)), expected, "rotation {n}");
    }
    let retirements: [(bool, After); 3] = [
        (true, |ring| retire(ring, "k2", 20)),
        (false, |ring| retire(ring, "k2", 21)),
        (false, |ring| rotate(ring, "k2", 20)),
    ];
    for (n, (expected, after)) in retirements.into_iter().enumerate() {
        let outcome = block_on(found_like(after).retire("k2", at(20))).unwrap();
        assert_eq!(matches!(outcome, Outcome::Done(_)), expected, "retirement {n}");
    }
    let destructions: [(bool, After); 3] = [
        (true, |ring| destroy(ring, "k3", 20)),
        (false, |ring| destroy(ring, "k3", 21)),
        (false, |ring| add(ring, "k9")),
    ];
    for (n, (expected, after)) in destructions.into_iter().enumerate() {
        let outcome = block_on(found_like(after).destroy("k3", at(20))).unwrap();
        assert_eq!(matches!(outcome, Outcome::Done(_)), expected, "destruction {n}");
    }
    let additions: [(bool, After); 4] = [
        (true, |ring| add(ring, "k4")),
        (true, |ring| {
            add(ring, "k4");
            retire(ring, "k4", 20);
            destroy(ring, "k4", 20);
        }),
        (false, |ring| add(ring, "k9")),
        (false, |ring| rotate(ring, "k2", 20)),
    ];
    for (n, (expected, after)) in additions.into_iter().enumerate() {
        let outcome = block_on(found_like(after).add(staged("k4"), at(10))).unwrap();
        assert_eq!(matches!(outcome, Outcome::Done(_)), expected, "addition {n}");
    }
}

#[test]
fn a_stale_reading_says_nothing_about_a_lost_change() {
    // After the lost commit, a replica answers that is behind the revision that was seen.
    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    let store = Others(InMemoryKeyProvider::from_records(records), |_| {}, Mutex::new(None));
    struct Behind(Others);
    impl KeyProvider for Behind {
        type Material = String;
        type Error = Unreachable;
        async fn load(&self) -> Result<Snapshot<String>, Unreachable> {
            let mut snapshot = self.0.load().await?;
            if self.0.2.lock().unwrap().is_some() {
                snapshot.revision = Revision::EMPTY;
            }
            Ok(snapshot)
        }
        async fn commit(
            &self,
            seen: Revision,
            change: &Change<String>,
        ) -> Result<Commit, Unreachable> {
            self.0.commit(seen, change).await
        }
    }
    let service = RotationService::new(Behind(store), StrictSingleActive);
    let error = block_on(service.rotate_to("k2", at(20))).unwrap_err();
    assert!(matches!(error, RotationError::OutcomeUnknown { .. }), "{error}");
}

#[test]
fn of_two_lost_answers_the_latest_is_told() {
    #[derive(Debug)]
    struct Numbered(u32);
    impl std::fmt::Display for Numbered {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "failure {}", self.0)
        }
    }
    impl std::error::Error for Numbered {}
    struct Failing(InMemoryKeyProvider<String>, Mutex<u32>);
    impl KeyProvider for Failing {
        type Material = String;
        type Error = Numbered;
        async fn load(&self) -> Result<Snapshot<String>, Numbered> {
            Ok(self.0.load().await.unwrap())
        }
        async fn commit(&self, _: Revision, _: &Change<String>) -> Result<Commit, Numbered> {
            let mut count = self.1.lock().unwrap();
            *count += 1;
            Err(Numbered(*count))
        }
    }
    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    let store = Failing(InMemoryKeyProvider::from_records(records), Mutex::new(0));
    let error = block_on(RotationService::new(store, StrictSingleActive).rotate_to("k2", at(20)));
    let Err(RotationError::OutcomeUnknown { source, .. }) = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "failure 2");
}

/// A store that may only be read says so once, and is neither asked again nor read again.
#[test]
fn a_refusal_is_the_last_word() {
    struct ReadOnly(InMemoryKeyProvider<String>, Mutex<Vec<&'static str>>);
    impl KeyProvider for ReadOnly {
        type Material = String;
        type Error = Unreachable;
        async fn load(&self) -> Result<Snapshot<String>, Unreachable> {
            self.1.lock().unwrap().push("load");
            Ok(self.0.load().await.unwrap())
        }
        async fn commit(&self, _: Revision, _: &Change<String>) -> Result<Commit, Unreachable> {
            self.1.lock().unwrap().push("commit");
            Err(Unreachable)
        }
        fn is_refusal(_: &Unreachable) -> bool {
            true
        }
    }

    // Behind a pointer, both kinds of error stay what they are.
    assert!(!<&Faulty as KeyProvider>::is_refusal(&Unreachable));
    assert!(!<Box<Faulty> as KeyProvider>::is_refusal(&Unreachable));
    assert!(!<Arc<Faulty> as KeyProvider>::is_refusal(&Unreachable));

    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    let store = Arc::new(ReadOnly(InMemoryKeyProvider::from_records(records), Mutex::default()));
    let service = RotationService::new(Arc::new(Box::new(&store)), StrictSingleActive);

    let error = block_on(service.rotate_to("k2", at(20))).unwrap_err();
    assert!(
        matches!(&error, RotationError::Rejected { id, source: Unreachable } if id.as_str() == "k2")
    );
    assert_eq!(*store.1.lock().unwrap(), ["load", "commit"]);
    assert_eq!(block_on(service.state()).unwrap().active().id.as_str(), "k1");
}
