//! The service over a store that fails, races and loses answers: what became of a change is found
//! out by sending it again, and by nothing else, or said not to be known.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use key_rotation::error::RotationError;
use key_rotation::key::{Rotation, RotationDecision};
use key_rotation::store::{
    Change, Commit, CommitError, Events, History, Loaded, Proposal, Revision,
};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, KeyRecord, KeyRef, KeyStatus, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;
use support::{loaded, proposal};

#[path = "lost_answers/injected.rs"]
mod injected;
#[path = "support/store.rs"]
mod support;

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

/// What happens to one sending.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The store answers.
    None,
    /// The request is lost.
    Request,
    /// The store does what it is asked, and the answer is lost.
    Answer,
    /// Somebody else activates k3 before the request arrives; then the answer is lost.
    RaceThenLost,
    /// Somebody else activates k3 first, and the store answers.
    Race,
    /// Nothing is written, and the store says so.
    NotWritten,
    /// The store may not be written to, and says so.
    Refused,
}

/// The store is out of reach. The number tells one failure from another.
#[derive(Debug, PartialEq)]
struct Unreachable(usize);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection reset")
    }
}

impl std::error::Error for Unreachable {}

/// A store at whose commits what the script says happens. When it is at its end, the store answers.
struct Faulty {
    store: InMemoryKeyProvider<String>,
    commits: Mutex<VecDeque<Fault>>,
    /// The revision that each sending would make.
    sent: Mutex<Vec<Revision>>,
    can_be_read: bool,
}

impl Faulty {
    /// k1 is active, k2 and k3 are staged.
    fn new(commits: &[Fault]) -> Arc<Self> {
        let inactive = KeyStatus::Inactive;
        let records =
            [record("k1", KeyStatus::Active), record("k2", inactive), record("k3", inactive)];
        Self::over(InMemoryKeyProvider::from_records(records), commits)
    }

    fn over(store: InMemoryKeyProvider<String>, commits: &[Fault]) -> Arc<Self> {
        let commits = Mutex::new(commits.iter().copied().collect());
        Arc::new(Self { store, commits, sent: Mutex::default(), can_be_read: true })
    }

    fn active(&self) -> String {
        loaded(&self.store).into_keyring().unwrap().active().id().to_string()
    }

    fn sendings(&self) -> Vec<Revision> {
        self.sent.lock().unwrap().clone()
    }

    fn commits(&self) -> u64 {
        loaded(&self.store).revision.number
    }
}

impl KeyProvider for Faulty {
    type Material = String;
    type Error = Unreachable;

    async fn load(&self, seen: Revision) -> Result<Loaded<String>, Unreachable> {
        if !self.can_be_read {
            return Err(Unreachable(0));
        }
        Ok(self.store.load(seen).await.unwrap())
    }

    async fn commit(&self, sent: &Proposal<String>) -> Result<Commit, CommitError<Unreachable>> {
        let fault = self.commits.lock().unwrap().pop_front().unwrap_or(Fault::None);
        let number = {
            let mut all = self.sent.lock().unwrap();
            all.push(sent.next);
            all.len()
        };
        if matches!(fault, Fault::Race | Fault::RaceThenLost) {
            let rotation = Rotation::new(id("k1"), id("k3"), at(15), false);
            let theirs = proposal(sent.expected, Change::Activate(rotation));
            assert_eq!(self.store.commit(&theirs).await, Ok(Commit::Committed));
        }
        match fault {
            Fault::Request => return Err(CommitError::Unknown(Unreachable(number))),
            Fault::NotWritten => return Err(CommitError::NotWritten(Unreachable(number))),
            Fault::Refused => return Err(CommitError::Refused(Unreachable(number))),
            Fault::None | Fault::Answer | Fault::RaceThenLost | Fault::Race => {}
        }
        let answer = self.store.commit(sent).await;
        match fault {
            Fault::Answer | Fault::RaceThenLost => Err(CommitError::Unknown(Unreachable(number))),
            _ => answer.map_err(|error| error.map(|never| match never {})),
        }
    }
}

fn rotate(store: &Arc<Faulty>) -> Result<Outcome<RotationDecision>, RotationError<Unreachable>> {
    block_on(RotationService::new(Arc::clone(store), StrictSingleActive).rotate_to("k2", at(20)))
}

#[test]
fn a_store_out_of_reach_is_its_own_error_and_never_not_found() {
    let store = InMemoryKeyProvider::from_records([record("k1", KeyStatus::Active)]);
    let (commits, sent) = (Mutex::default(), Mutex::default());
    let store = Arc::new(Faulty { store, commits, sent, can_be_read: false });
    let error = rotate(&store).unwrap_err();
    assert!(matches!(error, RotationError::Provider(Unreachable(0))));
    assert_eq!(error.to_string(), "the key store could not be read");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection reset");
    assert!(store.sendings().is_empty());
}

#[test]
fn a_change_whose_answer_or_request_is_lost_is_sent_again_and_written_once() {
    for script in [
        &[Fault::Answer][..],
        &[Fault::Request],
        &[Fault::Answer; 4],
        &[Fault::Request; 4],
        &[Fault::Request, Fault::Answer, Fault::Request, Fault::Answer],
        // What a later sending is told is about that sending, and not about the first.
        &[Fault::Answer, Fault::NotWritten, Fault::Refused],
    ] {
        let store = Faulty::new(script);
        assert!(matches!(rotate(&store).unwrap(), Outcome::Done(RotationDecision::Rotated(_))));
        assert_eq!((store.active().as_str(), store.commits()), ("k2", 2), "{script:?}");
        let sendings = store.sendings();
        assert_eq!(sendings.len(), script.len() + 1, "{script:?}");
        assert!(sendings.windows(2).all(|pair| pair.first() == pair.last()), "{sendings:?}");
    }
}

#[test]
fn a_lost_race_is_an_outcome_with_the_state_that_won_whether_or_not_the_answer_arrives() {
    for script in [&[Fault::Race][..], &[Fault::RaceThenLost], &[Fault::Request, Fault::Race]] {
        let store = Faulty::new(script);
        let Outcome::LostRace { now } = rotate(&store).unwrap() else {
            panic!("{script:?}: not lost")
        };
        assert_eq!(now.active().id.as_str(), "k3", "{script:?}");
        assert_eq!(now, loaded(&store.store).into_keyring().unwrap().state());
    }
}

#[test]
fn what_no_sending_tells_is_said_to_be_unknown() {
    let rest = [Fault::Request; 4];
    for (first, active) in [(Fault::Request, "k1"), (Fault::Answer, "k2")] {
        let store = Faulty::new(&[&[first][..], &rest].concat());
        let error = rotate(&store).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is not known whether the change of key `k2` of ring `memory` was stored: look at \
             the state or the history before trying again"
        );
        let RotationError::OutcomeUnknown { source, .. } = error else { panic!("{error}") };
        assert_eq!(source, Unreachable(5), "of several failures, the latest is told");
        assert_eq!((store.active().as_str(), store.sendings().len()), (active, 5));
    }
    // A refusal of a later sending is no answer to the first.
    for later in [Fault::Refused, Fault::NotWritten] {
        let store = Faulty::new(&[Fault::Answer, later, later, later, later]);
        let error = rotate(&store).unwrap_err();
        assert!(matches!(error, RotationError::OutcomeUnknown { .. }), "{error}");
        assert_eq!(store.active(), "k2");
    }
}

#[test]
fn a_store_that_has_written_nothing_is_not_asked_again() {
    for fault in [Fault::Refused, Fault::NotWritten] {
        let store = Faulty::new(&[fault]);
        let error = rotate(&store).unwrap_err();
        match (fault, &error) {
            (Fault::Refused, RotationError::Rejected { ring, id: Some(id), .. })
            | (Fault::NotWritten, RotationError::NotWritten { ring, id: Some(id), .. }) => {
                assert_eq!((ring.as_str(), id.as_str()), ("memory", "k2"));
            }
            _ => panic!("{fault:?}: {error:?}"),
        }
        assert_eq!((store.sendings().len(), store.active().as_str()), (1, "k1"));
    }
}

#[test]
fn a_lost_answer_is_found_out_for_every_kind_of_change() {
    block_on(async {
        let store = Faulty::over(InMemoryKeyProvider::new(), &[Fault::Answer]);
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let ring = service.bootstrap(staged("k1"), at(20)).await.unwrap();
        assert_eq!(ring.active().id().as_str(), "k1");

        for fault in [Fault::Answer, Fault::Request] {
            let name = if fault == Fault::Answer { "k2" } else { "k3" };
            let lose = || store.commits.lock().unwrap().push_back(fault);
            let why = || "a ticket".parse().unwrap();
            lose();
            assert_eq!(done(service.add(staged(name), at(20)).await.unwrap()).id, id(name));
            lose();
            let _ = done(service.rotate_to(name, at(30)).await.unwrap());
            let _ = done(service.rotate_to("k1", at(30)).await.unwrap());
            lose();
            let _ = done(service.rewrap(name, "anew".to_owned(), at(31)).await.unwrap());
            lose();
            let _ = done(service.revoke(name, why(), at(32)).await.unwrap());
            lose();
            let _ = done(service.restore(name, why(), at(33)).await.unwrap());
            lose();
            assert_eq!(done(service.destroy(name, at(50)).await.unwrap()).at, at(50));
        }
        let state = service.state().await.unwrap();
        assert_eq!((state.keys().count(), state.destroyed().len()), (1, 2));
        store.commits.lock().unwrap().push_back(Fault::Answer);
        let closed = done(service.close("the end".parse().unwrap(), at(60)).await.unwrap());
        assert_eq!(closed.active, id("k1"));
        let error = service.keyring().await.unwrap_err();
        assert!(matches!(error, RotationError::Closed { at: since, .. } if since == at(60)));
    });
}

#[test]
fn a_bootstrap_that_loses_its_race_uses_the_ring_that_won() {
    // The store is seen empty, and filled before the first key arrives.
    struct Late(InMemoryKeyProvider<String>);
    impl KeyProvider for Late {
        type Material = String;
        type Error = std::convert::Infallible;
        async fn load(&self, seen: Revision) -> Result<Loaded<String>, Self::Error> {
            self.0.load(seen).await
        }
        async fn commit(
            &self,
            sent: &Proposal<String>,
        ) -> Result<Commit, CommitError<Self::Error>> {
            let theirs = KeyRef::from(&staged("theirs").activate(at(15))).to_record();
            let create = Change::Create { records: vec![theirs], destroyed: vec![] };
            let _ = self.0.commit(&proposal(Revision::EMPTY, create)).await?;
            self.0.commit(sent).await
        }
    }
    let service = RotationService::new(Late(InMemoryKeyProvider::new()), StrictSingleActive);
    let ring = block_on(service.bootstrap(staged("mine"), at(20))).unwrap();
    assert_eq!(ring.active().id().as_str(), "theirs");
    assert_eq!(ring.len(), 1);
}

/// Two rotations there and back carry the same times. Neither is taken for the other.
#[test]
fn a_rotation_that_never_happened_is_not_taken_for_an_earlier_one_of_the_same_time() {
    block_on(async {
        let lost = [&[Fault::None, Fault::None][..], &[Fault::Request; 5]].concat();
        let store = Faulty::new(&lost);
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        // A host whose clock is behind: its rotations count as of the latest time carried.
        let _ = done(service.rotate_to("k2", at(1000)).await.unwrap());
        let _ = done(service.rotate_to("k1", at(500)).await.unwrap());
        // k2 carries that time already when all sendings of this change are lost.
        let error = service.rotate_to("k2", at(600)).await.unwrap_err();
        assert!(matches!(error, RotationError::OutcomeUnknown { .. }), "{error}");
        let Events::Since(events) = store.store.history(Revision::EMPTY).await.unwrap() else {
            panic!("everything comes after the beginning")
        };
        assert_eq!(events.len(), 2);
    });
}
