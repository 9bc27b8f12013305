//! What is done through a service and a store, for any material.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use key_rotation::error::{ChangeMismatch, RotationError};
use key_rotation::key::{Revocation, Rotation, RotationDecision};
use key_rotation::policy::Refusal;
use key_rotation::store::{Change, Commit, CommitError, Loaded, Proposal, Revision};
use key_rotation::{
    InMemoryKeyProvider, Inactive, KeyInfo, KeyProvider, KeyRef, KeyStatus, Outcome,
    RotationPolicy, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use super::scenarios::Scenario;
use super::specimen::{Forge, Places, Specimen, at, id};
use super::support::{loaded, proposal};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a service runs the lifecycle", lifecycle::<M>),
        ("a service refuses", refusals::<M>),
        ("a service meets an empty and a damaged store", damaged_stores::<M>),
        ("a service loses its races", lost_races::<M>),
        ("a store loses its answers", lost_answers::<M>),
        ("a store fails", failures::<M>),
        ("a snapshot is changed, and refuses to be", snapshots::<M>),
    ]
}

/// What happens at a commit.
enum Event<M> {
    /// Somebody else is faster.
    Rival(Change<M>),
    /// Somebody else is faster, and the answer is lost.
    SilentRival(Change<M>),
    /// The change is written, and the answer lost.
    LostAnswer,
    /// Nothing is written.
    Failure,
}

/// A store in memory at whose commits something happens.
struct Eventful<M> {
    store: InMemoryKeyProvider<M>,
    events: Mutex<VecDeque<Event<M>>>,
}

impl<M: Specimen> Eventful<M> {
    fn new(store: InMemoryKeyProvider<M>) -> Self {
        Self { store, events: Mutex::default() }
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event<M>>> {
        self.events.lock().unwrap()
    }
}

#[derive(Debug)]
struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is out of reach")
    }
}

impl std::error::Error for OutOfReach {}

impl<M: Specimen> KeyProvider for Eventful<M> {
    type Material = M;
    type Error = OutOfReach;

    async fn load(&self, seen: Revision) -> Result<Loaded<M>, OutOfReach> {
        self.store.load(seen).await.map_err(|_| OutOfReach)
    }

    async fn commit(&self, sent: &Proposal<M>) -> Result<Commit, CommitError<OutOfReach>> {
        let event = self.events().pop_front();
        if let Some(Event::Rival(rival) | Event::SilentRival(rival)) = &event {
            let theirs = proposal(sent.expected, rival.clone());
            assert_eq!(self.store.commit(&theirs).await, Ok(Commit::Committed));
        }
        if let Some(Event::Failure) = event {
            return Err(CommitError::Unknown(OutOfReach));
        }
        let answer = self.store.commit(sent).await;
        let answer = answer.map_err(|error| error.map(|never| match never {}));
        match event {
            Some(Event::LostAnswer | Event::SilentRival(_)) => {
                Err(CommitError::Unknown(OutOfReach))
            }
            _ => answer,
        }
    }
}

type Service<M, R = StrictSingleActive> = RotationService<Eventful<M>, R>;

/// A service over a store with the keys of [`Forge::ring`].
fn stocked<'s, M: Specimen>(
    forge: &Forge<M>,
    store: &'s Eventful<M>,
) -> (RotationService<&'s Eventful<M>, StrictSingleActive>, Places) {
    let service = RotationService::new(store, StrictSingleActive);
    let first = forge.key("former");
    let mut places = Places::default();
    places.note(&first);
    let ring = block_on(service.bootstrap(first, at(2))).unwrap();
    places.are_those_of(&ring);
    for name in ["active", "staged", "retired", "destroyed"] {
        let key = forge.key(name);
        places.note(&key);
        // By reference, so that two hold it for a while.
        assert!(matches!(block_on(service.add(&key, at(2))).unwrap(), Outcome::Done(_)));
    }
    done(block_on(service.rotate_to("active", at(3))));
    done(block_on(service.retire("retired", at(4))));
    done(block_on(service.retire("destroyed", at(4))));
    done(block_on(service.destroy("destroyed", at(5))));
    places.are_those_of(&block_on(service.keyring()).unwrap());
    (service, places)
}

fn receipt<T: fmt::Debug, E: fmt::Debug>(outcome: Result<Outcome<T>, E>) -> T {
    match outcome.unwrap() {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost to {now}"),
    }
}

fn done<T: fmt::Debug, E: fmt::Debug>(outcome: Result<Outcome<T>, E>) {
    drop(receipt(outcome));
}

fn lost<T: fmt::Debug, E: fmt::Debug>(outcome: Result<Outcome<T>, E>) {
    assert!(matches!(outcome.unwrap(), Outcome::LostRace { .. }));
}

fn lifecycle<M: Specimen>(forge: &Forge<M>) {
    let store = Eventful::new(InMemoryKeyProvider::new());
    let (service, places) = stocked(forge, &store);

    // A second start: the store's ring counts, and the key is not needed.
    let ring = block_on(service.bootstrap(forge.key("another"), at(6))).unwrap();
    places.are_those_of(&ring);
    let before = ring;
    for name in ["staged", "former", "active"] {
        let decision = receipt(block_on(service.rotate_to(name, at(7))));
        assert!(matches!(decision, RotationDecision::Rotated(_)));
        places.are_those_of(&block_on(service.keyring()).unwrap());
    }
    let decision = receipt(block_on(service.rotate_to("active", at(8))));
    assert!(matches!(decision, RotationDecision::AlreadyActive { .. }));
    block_on(service.validate()).unwrap();
    assert!(block_on(service.state()).unwrap().to_string().contains("destroyed"));
    // What was loaded before is what it was.
    places.are_those_of(&before);

    done(block_on(service.retire("former", at(9))));
    done(block_on(service.destroy("former", at(9))));
    done(block_on(service.destroy("retired", at(9))));
    let ring = block_on(service.keyring()).unwrap();
    assert_eq!(ring.len(), 2);
    places.are_those_of(&ring);
}

/// Allows no activation.
struct Frozen;

impl RotationPolicy for Frozen {
    fn may_activate(
        &self,
        _key: &KeyInfo,
        _: &key_rotation::policy::Fleet,
        _at: Timestamp,
    ) -> Result<(), Refusal> {
        Err(Refusal::new("rotation is frozen"))
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }
}

fn refusals<M: Specimen>(forge: &Forge<M>) {
    let store = Eventful::new(InMemoryKeyProvider::new());
    let (service, places) = stocked(forge, &store);
    for taken in ["active", "staged", "retired", "destroyed"] {
        let error = block_on(service.add(forge.key(taken), at(6))).unwrap_err();
        assert!(matches!(error, RotationError::KeyIdTaken(_)));
    }
    for name in ["retired", "destroyed", "missing"] {
        let error = block_on(service.rotate_to(name, at(6))).unwrap_err();
        assert!(matches!(error, RotationError::Entry(_)));
    }
    let error = block_on(service.retire("active", at(6))).unwrap_err();
    assert!(matches!(error, RotationError::Entry(_)));
    let error = block_on(service.destroy("staged", at(6))).unwrap_err();
    assert!(matches!(error, RotationError::Entry(_)));

    let frozen = RotationService::new(&store, Frozen);
    let error = block_on(frozen.rotate_to("staged", at(6))).unwrap_err();
    assert!(matches!(error, RotationError::Refused { .. }));
    places.are_those_of(&block_on(service.keyring()).unwrap());
}

fn damaged_stores<M: Specimen>(forge: &Forge<M>) {
    let empty: Service<M> =
        RotationService::new(Eventful::new(InMemoryKeyProvider::new()), StrictSingleActive);
    assert!(matches!(block_on(empty.keyring()), Err(RotationError::EmptyStore)));
    let refused = block_on(empty.add(forge.key("k"), at(2)));
    assert!(matches!(refused, Err(RotationError::EmptyStore)));

    let damaged = InMemoryKeyProvider::from_records([
        forge.record("a", KeyStatus::Active),
        forge.record("b", KeyStatus::Active),
        forge.record("b", KeyStatus::Retired),
    ]);
    let damaged: Service<M> = RotationService::new(Eventful::new(damaged), StrictSingleActive);
    let first = forge.key("k");
    let refused = block_on(damaged.bootstrap(&first, at(2)));
    assert!(matches!(refused, Err(RotationError::InvalidKeyring { .. })));
    assert!(matches!(block_on(damaged.keyring()), Err(RotationError::InvalidKeyring { .. })));
    assert!(matches!(block_on(damaged.validate()), Err(RotationError::InvalidKeyring { .. })));
    assert!(matches!(block_on(damaged.state()), Err(RotationError::InvalidKeyring { .. })));
}

fn lost_races<M: Specimen>(forge: &Forge<M>) {
    let rival_of = |change| VecDeque::from([Event::Rival(change)]);

    // For the first key: whoever won, the store's ring is what one gets.
    let store = Eventful::new(InMemoryKeyProvider::new());
    let theirs = forge.key("theirs").activate(at(2));
    let records = vec![KeyRef::from(&theirs).to_record()];
    *store.events() = rival_of(Change::Create { records, destroyed: vec![] });
    let service = RotationService::new(&store, StrictSingleActive);
    let ring = block_on(service.bootstrap(forge.key("ours"), at(2))).unwrap();
    let mut places = Places::default();
    places.note(&theirs);
    places.are_those_of(&ring);

    // For each change after that.
    let store = Eventful::new(InMemoryKeyProvider::new());
    let (service, mut places) = stocked(forge, &store);
    let rival = |n: u64| {
        let key = forge.key(&format!("rival-{n}"));
        let change = Change::Add(KeyRef::from(&key).to_record());
        (key, change)
    };
    let mut rivals = 0..;
    let mut set_rival = || {
        let (key, change) = rival(rivals.next().unwrap());
        places.note(&key);
        *store.events() = rival_of(change);
    };
    let ours = forge.key("ours");
    set_rival();
    lost(block_on(service.add(&ours, at(6))));
    set_rival();
    lost(block_on(service.rotate_to("staged", at(6))));
    set_rival();
    lost(block_on(service.retire("staged", at(6))));
    set_rival();
    lost(block_on(service.destroy("retired", at(6))));
    places.are_those_of(&block_on(service.keyring()).unwrap());

    *store.events() =
        rival_of(Change::Activate(Rotation::new(id("active"), id("former"), at(7), true)));
    lost(block_on(service.rotate_to("staged", at(7))));
    let ring = block_on(service.keyring()).unwrap();
    assert_eq!(ring.active().id(), &id("former"));
    places.are_those_of(&ring);
}

fn lost_answers<M: Specimen>(forge: &Forge<M>) {
    let store = Eventful::new(InMemoryKeyProvider::new());
    store.events().push_back(Event::LostAnswer);
    // The bootstrap and every later change of the five keys find out that they are done.
    let (service, mut places) = stocked(forge, &store);
    let key = forge.key("added");
    places.note(&key);
    let lose_answer = || store.events().push_back(Event::LostAnswer);
    lose_answer();
    done(block_on(service.add(&key, at(2))));
    lose_answer();
    done(block_on(service.rotate_to("added", at(6))));
    lose_answer();
    done(block_on(service.retire("staged", at(6))));
    lose_answer();
    done(block_on(service.destroy("retired", at(6))));
    places.are_those_of(&block_on(service.keyring()).unwrap());

    // Somebody else was faster, and not even that is answered.
    let rival = forge.key("rival");
    places.note(&rival);
    let change = Change::Add(KeyRef::from(&rival).to_record());
    store.events().push_back(Event::SilentRival(change));
    lost(block_on(service.rotate_to("former", at(7))));
    places.are_those_of(&block_on(service.keyring()).unwrap());
}

fn failures<M: Specimen>(forge: &Forge<M>) {
    let store = Eventful::new(InMemoryKeyProvider::new());
    let (service, places) = stocked(forge, &store);
    let fail = |times| (0..times).for_each(|_| store.events().push_back(Event::Failure));

    // Once: the change is sent again.
    fail(1);
    done(block_on(service.rotate_to("staged", at(6))));
    // Each time: nobody knows.
    fail(5);
    let error = block_on(service.add(forge.key("k"), at(6))).unwrap_err();
    assert!(matches!(error, RotationError::OutcomeUnknown { .. }));
    fail(5);
    let error = block_on(service.rotate_to("former", at(7))).unwrap_err();
    assert!(matches!(error, RotationError::OutcomeUnknown { .. }));
    places.are_those_of(&block_on(service.keyring()).unwrap());

    let empty = Eventful::new(InMemoryKeyProvider::new());
    (0..5).for_each(|_| empty.events().push_back(Event::Failure));
    let service = RotationService::new(&empty, StrictSingleActive);
    let error = block_on(service.bootstrap(forge.key("k"), at(2))).unwrap_err();
    assert!(matches!(error, RotationError::OutcomeUnknown { .. }));
}

fn snapshots<M: Specimen>(forge: &Forge<M>) {
    let store = Eventful::new(InMemoryKeyProvider::new());
    let (_, places) = stocked(forge, &store);
    let snapshot = loaded(&store);
    places.are_those_in(&snapshot.records);
    let mut copy = snapshot.clone();
    drop(snapshot);
    places.are_those_in(&copy.records);

    let revision = copy.revision;
    let stale = Change::Add(forge.record("new", KeyStatus::Inactive));
    let old = proposal(Revision::EMPTY, stale.clone());
    assert_eq!(copy.apply(&old).unwrap(), Commit::Conflict);
    let records = vec![forge.record("new", KeyStatus::Active)];
    let refused = copy.apply(&proposal(revision, Change::Create { records, destroyed: vec![] }));
    assert!(matches!(refused, Err(ChangeMismatch::NotEmpty { .. })));
    let taken = Change::Add(forge.record("active", KeyStatus::Inactive));
    let refused = copy.apply(&proposal(revision, taken));
    assert!(matches!(refused, Err(ChangeMismatch::KeyIdTaken { .. })));
    let added = copy.apply(&proposal(revision, stale.clone())).unwrap();
    assert_eq!(added, Commit::Committed);
    // What is left of a key, and a new blob of one: what they replace is wiped.
    for change in [
        Change::Rewrap {
            id: id("new"),
            material: forge.record("other", KeyStatus::Inactive).material,
        },
        Change::Revoke {
            revocation: Revocation::new(id("retired"), at(8)),
            material: Some(forge.record("half", KeyStatus::Inactive).material),
        },
    ] {
        assert_eq!(copy.apply(&proposal(copy.revision, change)).unwrap(), Commit::Committed);
    }
    let mut ring = copy.into_keyring().unwrap();
    let _ = ring.entry::<Inactive>("new").unwrap().activate(at(9));
    assert_eq!(ring.active().id(), &id("new"));
}
