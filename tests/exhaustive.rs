//! Every sequence of operations over four keys, breadth first, on the real ring, of symmetric keys
//! and of pairs, and on the real service: each state that can be reached is reached once, and the
//! invariants hold in all of them.
//!
//! A state is what a ring looks like when times are replaced by their order, so sequences that
//! differ in times alone are one. The depth is bounded, and stated by the test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::{BTreeSet, HashMap};

use key_rotation::audit::{Grounds, Provenance};
use key_rotation::error::{EntryError, RotationError};
use key_rotation::key::{Destruction, Retirement, RotationDecision};
use key_rotation::ring::TakenBy;
use key_rotation::store::{Change, Commit, Loaded, Proposal, Revision};
use key_rotation::{
    Apart, DecryptionKeyError, Halves, InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider,
    KeyRecord, KeyStatus, Keyring, Outcome, Retired, Revoked, RotationService, Same,
    StrictSingleActive, Timestamp,
};
use pollster::block_on;

const IDS: [&str; 4] = ["k1", "k2", "k3", "k4"];
/// Long enough for every state: the next depth finds no other.
const DEPTH: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add(usize),
    RotateIn(usize),
    RotateTo(usize),
    Retire(usize),
    Revoke(usize),
    Restore(usize),
    Destroy(usize),
}

use Operation::{Add, Destroy, Restore, Retire, Revoke, RotateIn, RotateTo};

const OF_RINGS: [fn(usize) -> Operation; 7] =
    [Add, RotateIn, RotateTo, Retire, Revoke, Restore, Destroy];
/// The service does not revoke or restore.
const OF_SERVICES: [fn(usize) -> Operation; 4] = [Add, RotateTo, Retire, Destroy];

/// What a key is in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fact {
    Unknown,
    Active,
    Staged,
    Demoted,
    Retired { used: bool },
    Revoked { used: bool },
    Destroyed,
}

/// The fact of each key, and the promised order of those that the ring has.
type State = ([Fact; 4], Vec<usize>);

/// How the keys of a ring keep their halves.
trait Kind: Halves<&'static str, Decrypting = &'static str> + Sized {
    const NAME: &str;
    fn key(number: usize, created: Timestamp) -> Key<Inactive, &'static str, Self>;
    /// What the key of this number decrypts with.
    fn half(number: usize) -> &'static str;
    /// The ring after it was stored and loaded, if it can be.
    fn reload(ring: &Ring<Self>) -> Option<Ring<Self>>;
}

type Ring<D> = Keyring<&'static str, D>;

impl Kind for Same {
    const NAME: &str = "a ring of symmetric keys";

    fn key(number: usize, created: Timestamp) -> Key<Inactive, &'static str> {
        Key::new(id(number), IDS[number], created)
    }

    fn half(number: usize) -> &'static str {
        IDS[number]
    }

    fn reload(ring: &Ring<Self>) -> Option<Ring<Self>> {
        let (records, destroyed) = ring.fork().into_parts();
        Some(Keyring::from_parts(records, destroyed).unwrap())
    }
}

const PUBLIC: [&str; 4] = ["public of k1", "public of k2", "public of k3", "public of k4"];

impl Kind for Apart<&'static str> {
    const NAME: &str = "a ring of pairs";

    fn key(number: usize, created: Timestamp) -> Key<Inactive, &'static str, Self> {
        Key::new_pair(id(number), IDS[number], PUBLIC[number], created)
    }

    fn half(number: usize) -> &'static str {
        PUBLIC[number]
    }

    fn reload(_: &Ring<Self>) -> Option<Ring<Self>> {
        None
    }
}

fn at(step: usize) -> Timestamp {
    Timestamp::from_unix_millis(1_000 + u64::try_from(step).unwrap())
}

fn id(number: usize) -> KeyId {
    KeyId::from_static(IDS[number])
}

fn state_of<D: Kind>(ring: &Ring<D>) -> State {
    let number = |id: &KeyId| IDS.iter().position(|known| *known == id.as_str()).unwrap();
    let mut facts = [Fact::Unknown; 4];
    for tombstone in ring.destroyed() {
        facts[number(&tombstone.id)] = Fact::Destroyed;
    }
    let mut order = Vec::new();
    for key in ring {
        let n = number(key.id());
        assert_eq!(facts[n], Fact::Unknown, "{} is there twice", key.id());
        let used = key.info().used;
        facts[n] = match key.status() {
            KeyStatus::Active => Fact::Active,
            KeyStatus::Inactive if used => Fact::Demoted,
            KeyStatus::Inactive => Fact::Staged,
            KeyStatus::Retired => Fact::Retired { used },
            KeyStatus::Revoked => Fact::Revoked { used },
        };
        order.push(n);
    }
    (facts, order)
}

/// The rules of the lifecycle, written once more and without the library.
fn expected(fact: Fact, operation: Operation) -> Option<Fact> {
    match (operation, fact) {
        (Add(_), Fact::Unknown) => Some(Fact::Staged),
        (RotateIn(_), Fact::Unknown) => Some(Fact::Active),
        (RotateTo(_), Fact::Staged | Fact::Demoted) => Some(Fact::Active),
        (Retire(_), Fact::Staged) => Some(Fact::Retired { used: false }),
        (Retire(_), Fact::Demoted) => Some(Fact::Retired { used: true }),
        (Revoke(_), Fact::Staged) => Some(Fact::Revoked { used: false }),
        (Revoke(_), Fact::Demoted) => Some(Fact::Revoked { used: true }),
        (Revoke(_), Fact::Retired { used }) => Some(Fact::Revoked { used }),
        (Restore(_), Fact::Revoked { used }) => Some(Fact::Retired { used }),
        (Destroy(_), Fact::Retired { .. } | Fact::Revoked { .. }) => Some(Fact::Destroyed),
        _ => None,
    }
}

fn subject(operation: Operation) -> usize {
    match operation {
        Add(n) | RotateIn(n) | RotateTo(n) | Retire(n) | Revoke(n) | Restore(n) | Destroy(n) => n,
    }
}

/// Whether the state after an operation is the one that the rules demand.
fn check(before: &State, operation: Operation, after: &State) {
    let n = subject(operation);
    let Some(fact) = expected(before.0[n], operation) else {
        assert_eq!(before, after, "{operation:?} is refused and changes something");
        return;
    };
    let mut facts = before.0;
    facts[n] = fact;
    if fact == Fact::Active {
        let active = before.0.iter().position(|fact| *fact == Fact::Active).unwrap();
        facts[active] = Fact::Demoted;
    }
    assert_eq!(after.0, facts, "after {operation:?} in {before:?}");

    // The active key; those that were, the latest first; the staged; the retired and the revoked,
    // the latest first.
    let group = |n: &usize| match after.0[*n] {
        Fact::Active => 0,
        Fact::Demoted => 1,
        Fact::Staged => 2,
        Fact::Retired { .. } => 3,
        _ => 4,
    };
    assert!(after.1.is_sorted_by_key(group), "{after:?}");
    let newest_of = |which: usize| after.1.iter().find(|n| group(n) == which);
    match operation {
        RotateIn(_) | RotateTo(_) => assert_eq!(newest_of(1), before.1.first(), "{after:?}"),
        Retire(_) | Restore(_) => assert_eq!(newest_of(3), Some(&n), "{after:?}"),
        Revoke(_) => assert_eq!(newest_of(4), Some(&n), "{after:?}"),
        Add(_) => {
            assert_eq!(after.1.iter().rfind(|n| group(n) == 2), Some(&n), "{after:?}");
        }
        Destroy(_) => {}
    }
    let rest = |order: &[usize]| -> Vec<usize> {
        order.iter().copied().filter(|n| before.0[*n] == after.0[*n]).collect()
    };
    assert_eq!(rest(&before.1), rest(&after.1), "the others keep their order");
}

/// What holds in every state.
fn check_state<D: Kind>(ring: &Ring<D>, state: &State) {
    let actives = state.0.iter().filter(|fact| **fact == Fact::Active).count();
    assert_eq!(actives, 1, "{state:?}");
    assert_eq!(ring.len(), state.1.len());
    assert_eq!(*ring.encryption_key().material(), ring.active().id().as_str());
    let reader = ring.decryption_only();
    for (n, fact) in state.0.iter().enumerate() {
        for answer in [ring.decryption_key(IDS[n]), reader.decryption_key(IDS[n])] {
            match (fact, answer) {
                (Fact::Unknown, Err(DecryptionKeyError::KeyNotFound { .. }))
                | (Fact::Revoked { .. }, Err(DecryptionKeyError::KeyRevoked { .. }))
                | (Fact::Destroyed, Err(DecryptionKeyError::KeyDestroyed { .. })) => {}
                (Fact::Unknown | Fact::Revoked { .. } | Fact::Destroyed, found) => {
                    panic!("{found:?} in {state:?}")
                }
                (_, found) => {
                    let found = found.unwrap();
                    assert_eq!(*found.material(), D::half(n));
                    let superseded = matches!(fact, Fact::Demoted | Fact::Retired { used: true });
                    assert_eq!(found.is_superseded(), superseded);
                }
            }
        }
        let salvaged = ring.salvage_key(IDS[n]).map(|key| *key.material()).ok();
        let is_revoked = matches!(fact, Fact::Revoked { .. });
        assert_eq!(salvaged, is_revoked.then_some(D::half(n)));
    }
}

/// Explores from a first key, and answers the states and how many transitions there are.
fn explore<D: Kind>(
    operations: &[fn(usize) -> Operation],
    apply: impl Fn(Ring<D>, Operation, usize) -> Ring<D>,
) -> (HashMap<State, Ring<D>>, usize) {
    let start = Keyring::new(D::key(0, at(0)).activate(at(0)));
    let mut seen = HashMap::from([(state_of(&start), start)]);
    let mut frontier: Vec<State> = seen.keys().cloned().collect();
    let mut transitions = 0;
    for step in 1..=DEPTH {
        let mut next = Vec::new();
        for before in frontier {
            for operation in operations.iter().flat_map(|of| (0..IDS.len()).map(of)) {
                transitions += 1;
                let ring = apply(seen[&before].fork(), operation, step);
                let after = state_of(&ring);
                check(&before, operation, &after);
                check_state(&ring, &after);
                if let Some(again) = D::reload(&ring) {
                    assert_eq!(state_of(&again), after, "what is stored and loaded is another");
                }
                if !seen.contains_key(&after) {
                    seen.insert(after.clone(), ring);
                    next.push(after);
                }
            }
        }
        if next.is_empty() {
            println!(
                "{}: {} states, {transitions} transitions, no new one after {step} operations",
                D::NAME,
                seen.len()
            );
            return (seen, transitions);
        }
        frontier = next;
    }
    panic!("{DEPTH} operations do not reach every state");
}

/// On the ring itself. What is refused is refused with the right error.
fn on_ring<D: Kind>(mut ring: Ring<D>, operation: Operation, step: usize) -> Ring<D> {
    let fact = state_of(&ring).0[subject(operation)];
    let is_legal = expected(fact, operation).is_some();
    let entry_error = |error: EntryError| match (&error, fact) {
        (EntryError::KeyNotFound { .. }, Fact::Unknown)
        | (EntryError::KeyDestroyed { .. }, Fact::Destroyed) => assert!(!is_legal),
        (EntryError::WrongStatus { found, .. }, _) => {
            let status = match fact {
                Fact::Active => KeyStatus::Active,
                Fact::Staged | Fact::Demoted => KeyStatus::Inactive,
                Fact::Retired { .. } => KeyStatus::Retired,
                Fact::Revoked { .. } => KeyStatus::Revoked,
                Fact::Unknown | Fact::Destroyed => panic!("{error:?}"),
            };
            assert_eq!((*found, is_legal), (status, false));
        }
        other => panic!("{other:?}"),
    };
    let is_taken = |taken_by: TakenBy, key: Key<Inactive, &'static str, D>| {
        let by_tombstone = matches!(taken_by, TakenBy::Tombstone { .. });
        assert!(!is_legal && by_tombstone == (fact == Fact::Destroyed));
        assert_eq!(*key.id(), id(subject(operation)), "the key comes back");
    };
    match operation {
        Add(n) => match ring.add(D::key(n, at(step)), at(step)) {
            Ok(receipt) => assert!(is_legal && receipt.id == id(n)),
            Err(taken) => is_taken(taken.taken_by(), taken.into_key()),
        },
        RotateIn(n) => match ring.rotate_in(D::key(n, at(step)), at(step)) {
            Ok(rotation) => assert!(is_legal && rotation.to == id(n) && !rotation.reactivated),
            Err(taken) => is_taken(taken.taken_by(), taken.into_key()),
        },
        RotateTo(n) => match ring.rotate_to(IDS[n], at(step)) {
            Ok(RotationDecision::Rotated(rotation)) => {
                assert!(is_legal && rotation.reactivated == (fact == Fact::Demoted));
            }
            Ok(RotationDecision::AlreadyActive { .. }) => assert_eq!(fact, Fact::Active),
            Err(error) => entry_error(error),
        },
        Retire(n) => match ring.entry::<Inactive>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.retire(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
        Revoke(n) if matches!(fact, Fact::Retired { .. }) => {
            let receipt = ring.entry::<Retired>(IDS[n]).unwrap().revoke(at(step));
            assert_eq!(receipt.id, id(n));
        }
        Revoke(n) => match ring.entry::<Inactive>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.revoke(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
        Restore(n) => match ring.entry::<Revoked>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.restore(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
        Destroy(n) if matches!(fact, Fact::Revoked { .. }) => {
            let receipt = ring.entry::<Revoked>(IDS[n]).unwrap().destroy(at(step));
            assert_eq!(receipt.id, id(n));
        }
        Destroy(n) => match ring.entry::<Retired>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.destroy(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
    }
    ring
}

/// On the service over a store: what it says is done is what the store has then.
fn on_service(ring: Ring<Same>, operation: Operation, step: usize) -> Ring<Same> {
    let fact = state_of(&ring).0[subject(operation)];
    let is_legal = expected(fact, operation).is_some();
    let (records, destroyed) = ring.into_parts();
    let service = RotationService::new(stored(records, destroyed), StrictSingleActive);
    let done = block_on(async {
        match operation {
            Add(n) => service.add(Same::key(n, at(step)), at(step)).await.map(is_done),
            RotateTo(n) => match service.rotate_to(IDS[n], at(step)).await {
                Ok(Outcome::Done(RotationDecision::AlreadyActive { .. })) => Ok(false),
                other => other.map(is_done),
            },
            Retire(n) => service.retire(IDS[n], at(step)).await.map(is_done),
            Destroy(n) => service.destroy(IDS[n], at(step)).await.map(is_done),
            RotateIn(_) | Revoke(_) | Restore(_) => panic!("not of services"),
        }
    });
    match done {
        Ok(done) => assert_eq!(done, is_legal),
        Err(RotationError::Entry(_) | RotationError::KeyIdTaken(_)) => assert!(!is_legal),
        Err(other) => panic!("{other:?}"),
    }
    block_on(service.keyring()).unwrap()
}

fn is_done<T>(outcome: Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

/// A store that holds this: what was destroyed is added, retired and destroyed in it.
fn stored(
    records: Vec<KeyRecord<&'static str>>,
    destroyed: Vec<Destruction>,
) -> InMemoryKeyProvider<&'static str> {
    let store = InMemoryKeyProvider::from_records(records);
    let Ok(Loaded::Ring(snapshot)) = block_on(store.load(Revision::EMPTY)) else { panic!() };
    let mut expected = snapshot.revision;
    let mut commit = |change| {
        let next = expected.next(1).unwrap();
        let (actor, at) = ("test".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let provenance = Provenance { actor, grounds: Grounds::Ordinary, at };
        let proposal = Proposal { expected, next, change, provenance, valid_until: None };
        assert_eq!(block_on(store.commit(&proposal)), Ok(Commit::Committed));
        expected = next;
    };
    // The latest first, so that they come back in this order.
    for Destruction { id, at, .. } in destroyed.into_iter().rev() {
        let epoch = Timestamp::UNIX_EPOCH;
        let record = KeyRecord::new(id.clone(), KeyStatus::Inactive, epoch, "gone");
        commit(Change::Add(record));
        let retirement = Retirement::new(id.clone(), epoch);
        commit(Change::Retire { retirement, material: None });
        commit(Change::Destroy(Destruction::new(id, at)));
    }
    store
}

fn names<D: Kind>(states: &HashMap<State, Ring<D>>) -> BTreeSet<String> {
    states.keys().map(|state| format!("{state:?}")).collect()
}

#[test]
fn every_state_of_four_keys_is_sound_on_rings_of_both_kinds() {
    let (symmetric, transitions) = explore::<Same>(&OF_RINGS, on_ring);
    let (pairs, transitions_of_pairs) = explore::<Apart<_>>(&OF_RINGS, on_ring);
    assert_eq!(names(&symmetric), names(&pairs));
    assert_eq!(transitions, transitions_of_pairs);
    // The states are closed, so their number is a fact: seven operations on four keys in each.
    assert_eq!((symmetric.len(), transitions), (1_970, 1_970 * 7 * 4));
}

#[test]
fn every_state_of_four_keys_that_a_service_reaches_is_sound() {
    let (on_ring, transitions) = explore::<Same>(&OF_SERVICES, on_ring);
    let (on_service, transitions_of_service) = explore::<Same>(&OF_SERVICES, on_service);
    assert_eq!(names(&on_ring), names(&on_service));
    assert_eq!(transitions, transitions_of_service);
    assert_eq!((on_ring.len(), transitions), (860, 860 * 4 * 4));
}
