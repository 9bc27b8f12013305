//! Every sequence of operations over four keys, breadth first, on the real ring and on the real
//! service: each state that can be reached is reached once, and the invariants hold in all of them.
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

use key_rotation::{
    ChangeMismatch, DecryptionKeyError, Destruction, EntryError, InMemoryKeyProvider, Inactive,
    Key, KeyId, KeyRecord, KeyStatus, Keyring, Outcome, Retired, RotationDecision, RotationError,
    RotationService, StrictSingleActive, TakenBy, Timestamp,
};
use pollster::block_on;

const IDS: [&str; 4] = ["k1", "k2", "k3", "k4"];
/// Long enough for every state: the next depth finds no other.
const DEPTH: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add(usize),
    RotateTo(usize),
    Retire(usize),
    Destroy(usize),
}

fn operations() -> impl Iterator<Item = Operation> {
    (0..IDS.len()).flat_map(|n| {
        [Operation::Add(n), Operation::RotateTo(n), Operation::Retire(n), Operation::Destroy(n)]
    })
}

/// What a key is in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fact {
    Unknown,
    Active,
    Staged,
    OnceActive,
    Retired { once_active: bool },
    Destroyed,
}

/// The fact of each key, and the promised order of those that the ring has.
type State = ([Fact; 4], Vec<usize>);

type Parts = (Vec<KeyRecord<&'static str>>, Vec<Destruction>);

fn at(step: usize) -> Timestamp {
    Timestamp::from_unix_millis(1_000 + u64::try_from(step).unwrap())
}

fn id(number: usize) -> KeyId {
    KeyId::from_static(IDS[number])
}

fn key(number: usize, step: usize) -> Key<Inactive, &'static str> {
    Key::new(id(number), IDS[number], at(step))
}

fn first() -> Keyring<&'static str> {
    Keyring::new(key(0, 0).activate(at(0)))
}

fn state_of(ring: &Keyring<&'static str>) -> State {
    let number = |id: &KeyId| IDS.iter().position(|known| *known == id.as_str()).unwrap();
    let mut facts = [Fact::Unknown; 4];
    for tombstone in ring.destroyed() {
        facts[number(&tombstone.id)] = Fact::Destroyed;
    }
    let mut order = Vec::new();
    for key in ring.iter() {
        let n = number(key.id());
        assert_eq!(facts[n], Fact::Unknown, "{} is there twice", key.id());
        let once_active = key.activated_at().is_some();
        facts[n] = match key.status() {
            KeyStatus::Active => Fact::Active,
            KeyStatus::Inactive if once_active => Fact::OnceActive,
            KeyStatus::Inactive => Fact::Staged,
            KeyStatus::Retired => Fact::Retired { once_active },
        };
        order.push(n);
    }
    (facts, order)
}

/// The rules of the lifecycle, written once more and without the library.
fn expected(fact: Fact, operation: Operation) -> Option<Fact> {
    match (operation, fact) {
        (Operation::Add(_), Fact::Unknown) => Some(Fact::Staged),
        (Operation::RotateTo(_), Fact::Staged | Fact::OnceActive) => Some(Fact::Active),
        (Operation::Retire(_), Fact::Staged) => Some(Fact::Retired { once_active: false }),
        (Operation::Retire(_), Fact::OnceActive) => Some(Fact::Retired { once_active: true }),
        (Operation::Destroy(_), Fact::Retired { .. }) => Some(Fact::Destroyed),
        _ => None,
    }
}

fn subject(operation: Operation) -> usize {
    match operation {
        Operation::Add(n)
        | Operation::RotateTo(n)
        | Operation::Retire(n)
        | Operation::Destroy(n) => n,
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
    if let Operation::RotateTo(_) = operation {
        let active = before.0.iter().position(|fact| *fact == Fact::Active).unwrap();
        facts[active] = Fact::OnceActive;
    }
    assert_eq!(after.0, facts, "after {operation:?} in {before:?}");

    // The active key; those that were, the latest first; the staged; the retired, the latest first.
    let group = |n: &usize| match after.0[*n] {
        Fact::Active => 0,
        Fact::OnceActive => 1,
        Fact::Staged => 2,
        _ => 3,
    };
    assert!(after.1.is_sorted_by_key(group), "{after:?}");
    let newest_of = |which: usize| after.1.iter().find(|n| group(n) == which);
    match operation {
        Operation::RotateTo(_) => assert_eq!(newest_of(1), before.1.first(), "{after:?}"),
        Operation::Retire(_) => assert_eq!(newest_of(3), Some(&n), "{after:?}"),
        Operation::Add(_) => {
            assert_eq!(after.1.iter().rfind(|n| group(n) == 2), Some(&n), "{after:?}");
        }
        Operation::Destroy(_) => {}
    }
    let rest = |order: &[usize], facts: &[Fact; 4]| -> Vec<usize> {
        order
            .iter()
            .copied()
            .filter(|n| facts[*n] == after.0[*n] && facts[*n] == before.0[*n])
            .collect()
    };
    assert_eq!(
        rest(&before.1, &before.0),
        rest(&after.1, &before.0),
        "the others keep their order"
    );
}

/// What holds in every state.
fn check_state(ring: &Keyring<&'static str>, state: &State) {
    let actives = state.0.iter().filter(|fact| **fact == Fact::Active).count();
    assert_eq!(actives, 1, "{state:?}");
    assert_eq!(ring.len(), state.1.len());
    assert_eq!(*ring.encryption_key().material(), ring.active().id().as_str());
    for (n, fact) in state.0.iter().enumerate() {
        match (fact, ring.decryption_key(IDS[n])) {
            (Fact::Unknown, Err(DecryptionKeyError::KeyNotFound { .. }))
            | (Fact::Destroyed, Err(DecryptionKeyError::KeyDestroyed { .. })) => {}
            (Fact::Unknown | Fact::Destroyed, found) => panic!("{found:?} in {state:?}"),
            (_, found) => {
                let found = found.unwrap();
                assert_eq!(*found.material(), IDS[n]);
                assert_eq!(found.is_current(), *fact == Fact::Active);
            }
        }
    }
}

/// Explores from a first key, and answers how many states and transitions there are.
fn explore(apply: impl Fn(Parts, Operation, usize) -> Parts) -> (HashMap<State, Parts>, usize) {
    let start = first();
    let mut seen = HashMap::from([(state_of(&start), start.into_parts())]);
    let mut frontier: Vec<State> = seen.keys().cloned().collect();
    let mut transitions = 0;
    for step in 1..=DEPTH {
        let mut next = Vec::new();
        for before in frontier {
            for operation in operations() {
                transitions += 1;
                let parts = apply(seen[&before].clone(), operation, step);
                let ring = Keyring::from_parts(parts.0.clone(), parts.1.clone()).unwrap();
                let after = state_of(&ring);
                check(&before, operation, &after);
                check_state(&ring, &after);
                let (records, tombstones) = ring.into_parts();
                let again = Keyring::from_parts(records, tombstones).unwrap();
                assert_eq!(state_of(&again), after, "a ring that is stored and loaded is another");
                if !seen.contains_key(&after) {
                    seen.insert(after.clone(), parts);
                    next.push(after);
                }
            }
        }
        if next.is_empty() {
            println!("no new state after {step} operations");
            return (seen, transitions);
        }
        frontier = next;
    }
    panic!("{DEPTH} operations do not reach every state");
}

/// On the ring itself. What is refused is refused with the right error.
fn on_ring((records, destroyed): Parts, operation: Operation, step: usize) -> Parts {
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    let fact = state_of(&ring).0[subject(operation)];
    let is_legal = expected(fact, operation).is_some();
    let entry_error = |error: EntryError| match (&error, fact) {
        (EntryError::KeyNotFound { .. }, Fact::Unknown)
        | (EntryError::KeyDestroyed { .. }, Fact::Destroyed) => {}
        (EntryError::WrongStatus { found, .. }, _) => {
            let status = match fact {
                Fact::Active => KeyStatus::Active,
                Fact::Staged | Fact::OnceActive => KeyStatus::Inactive,
                _ => KeyStatus::Retired,
            };
            assert_eq!(*found, status);
        }
        other => panic!("{other:?}"),
    };
    match operation {
        Operation::Add(n) => match ring.add(key(n, step)) {
            Ok(receipt) => assert!(is_legal && receipt.id == id(n)),
            Err(taken) => {
                let by_tombstone = matches!(taken.taken_by(), TakenBy::Tombstone { .. });
                assert!(!is_legal && by_tombstone == (fact == Fact::Destroyed));
                assert_eq!(*taken.into_key().id(), id(n), "the key comes back");
            }
        },
        Operation::RotateTo(n) => match ring.rotate_to(IDS[n], at(step)) {
            Ok(RotationDecision::Rotated(rotation)) => {
                assert!(is_legal && rotation.reactivated == (fact == Fact::OnceActive));
            }
            Ok(RotationDecision::AlreadyActive { .. }) => assert_eq!(fact, Fact::Active),
            Err(error) => entry_error(error),
        },
        Operation::Retire(n) => match ring.entry::<Inactive>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.retire(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
        Operation::Destroy(n) => match ring.entry::<Retired>(IDS[n]) {
            Ok(entry) => assert_eq!((is_legal, entry.destroy(at(step)).id), (true, id(n))),
            Err(error) => entry_error(error),
        },
    }
    ring.into_parts()
}

/// On the service over a store: what it says is done is what the store has then.
fn on_service(parts: Parts, operation: Operation, step: usize) -> Parts {
    let (records, destroyed) = parts;
    let before = state_of(&Keyring::from_parts(records.clone(), destroyed.clone()).unwrap());
    let is_legal = expected(before.0[subject(operation)], operation).is_some();
    let service = RotationService::new(stored(records, destroyed), StrictSingleActive);
    let done = block_on(async {
        match operation {
            Operation::Add(n) => service.add(key(n, step)).await.map(is_done),
            Operation::RotateTo(n) => match service.rotate_to(IDS[n], at(step)).await {
                Ok(Outcome::Done(RotationDecision::AlreadyActive { .. })) => Ok(false),
                other => other.map(is_done),
            },
            Operation::Retire(n) => service.retire(IDS[n], at(step)).await.map(is_done),
            Operation::Destroy(n) => service.destroy(IDS[n], at(step)).await.map(is_done),
        }
    });
    match done {
        Ok(done) => assert_eq!(done, is_legal),
        Err(RotationError::Entry(_) | RotationError::KeyIdTaken(_)) => assert!(!is_legal),
        Err(other) => panic!("{other:?}"),
    }
    block_on(service.keyring()).unwrap().into_parts()
}

fn is_done<T>(outcome: Outcome<T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

/// A store that holds this: what was destroyed is added, retired and destroyed in it.
fn stored(
    records: Vec<KeyRecord<&'static str>>,
    destroyed: Vec<Destruction>,
) -> InMemoryKeyProvider<&'static str> {
    use key_rotation::{Change, Commit, KeyProvider, Retirement, Revision};
    let store = InMemoryKeyProvider::from_records(records);
    let mut revision = Revision::new(1);
    let mut commit = |change| {
        let answer: Result<Commit, ChangeMismatch> = block_on(store.commit(revision, &change));
        let Ok(Commit::Committed(next)) = answer else { panic!("{answer:?}") };
        revision = next;
    };
    // The latest first, so that they come back in this order.
    for Destruction { id, at } in destroyed.into_iter().rev() {
        let epoch = Timestamp::UNIX_EPOCH;
        commit(Change::Add(KeyRecord::new(id.clone(), KeyStatus::Inactive, epoch, "gone")));
        commit(Change::Retire(Retirement::new(id.clone(), epoch)));
        commit(Change::Destroy(Destruction::new(id, at)));
    }
    store
}

#[test]
fn every_state_of_four_keys_is_sound_on_the_ring_and_on_the_service() {
    let (on_ring, transitions) = explore(on_ring);
    println!("ring: {} states, {transitions} transitions", on_ring.len());
    let (on_service, transitions) = explore(on_service);
    println!("service: {} states, {transitions} transitions", on_service.len());
    let states = |all: &HashMap<State, Parts>| -> BTreeSet<String> {
        all.keys().map(|state| format!("{state:?}")).collect()
    };
    assert_eq!(states(&on_ring), states(&on_service));
    assert_eq!(on_ring.len(), 860, "the states are closed, so their number is a fact");
}
