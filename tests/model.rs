//! Random sequences of operations on the ring and on a naive model of it: after each, there is
//! exactly one active key, no id is lost or duplicated, and the ring says what the model says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use KeyStatus::{Active as IsActive, Inactive as IsInactive, Retired as IsRetired};
use key_rotation::{
    DecryptionKeyError, EntryError, Inactive, Key, KeyId, KeyStatus, Keyring, Retired,
    RotationDecision, TakenBy, Timestamp,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Add(u8, u64),
    Rotate(u8, u64),
    Activate(u8, u64),
    Retire(u8, u64),
    Destroy(u8, u64),
    Reload,
    Fork,
    Map,
}

fn operation() -> impl Strategy<Value = Operation> {
    // Few ids, so that they meet; few times, so that clocks are behind and times are equal.
    let id = || 0..10_u8;
    let at = || 0..30_u64;
    prop_oneof![
        4 => (id(), at()).prop_map(|(id, at)| Operation::Add(id, at)),
        3 => (id(), at()).prop_map(|(id, at)| Operation::Rotate(id, at)),
        2 => (id(), at()).prop_map(|(id, at)| Operation::Activate(id, at)),
        2 => (id(), at()).prop_map(|(id, at)| Operation::Retire(id, at)),
        2 => (id(), at()).prop_map(|(id, at)| Operation::Destroy(id, at)),
        1 => Just(Operation::Reload),
        1 => Just(Operation::Fork),
        1 => Just(Operation::Map),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: String,
    status: KeyStatus,
    created: u64,
    activated: Option<u64>,
    since: u64,
    material: u8,
}

impl Row {
    fn latest(&self) -> u64 {
        self.created.max(self.since).max(self.activated.unwrap_or(0))
    }
}

/// The ring, as one would write it on a napkin: rows in the promised order within each status.
struct Model {
    active: Row,
    /// Latest first.
    once_active: Vec<Row>,
    staged: Vec<Row>,
    /// Latest first.
    retired: Vec<Row>,
    destroyed: Vec<(String, u64)>,
}

impl Model {
    fn rows(&self) -> Vec<Row> {
        let lists = [&self.once_active, &self.staged, &self.retired];
        std::iter::once(&self.active).chain(lists.into_iter().flatten()).cloned().collect()
    }

    fn find(&self, id: &str) -> Option<Row> {
        self.rows().into_iter().find(|row| row.id == id)
    }

    fn tombstone(&self, id: &str) -> Option<u64> {
        self.destroyed.iter().find(|(name, _)| name == id).map(|(_, at)| *at)
    }

    fn take_inactive(&mut self, id: &str) -> Row {
        for list in [&mut self.once_active, &mut self.staged] {
            if let Some(position) = list.iter().position(|row| row.id == id) {
                return list.remove(position);
            }
        }
        panic!("{id} is not inactive");
    }

    fn activate(&mut self, id: &str, at: u64) -> (String, u64, bool) {
        let mut next = self.take_inactive(id);
        let at = at.max(next.latest()).max(self.active.latest());
        let reactivated = next.activated.is_some();
        (next.status, next.activated, next.since) = (IsActive, Some(at), at);
        let mut previous = std::mem::replace(&mut self.active, next);
        (previous.status, previous.since) = (IsInactive, at);
        let from = previous.id.clone();
        self.once_active.insert(0, previous);
        (from, at, reactivated)
    }

    fn retire(&mut self, id: &str, at: u64) -> u64 {
        let mut row = self.take_inactive(id);
        let at = at.max(row.latest());
        (row.status, row.since) = (IsRetired, at);
        let later = |other: &Row| (other.since, other.activated) > (row.since, row.activated);
        let place =
            self.retired.iter().position(|other| !later(other)).unwrap_or(self.retired.len());
        self.retired.insert(place, row);
        at
    }

    fn destroy(&mut self, id: &str, at: u64) -> u64 {
        let position = self.retired.iter().position(|row| row.id == id).unwrap();
        let row = self.retired.remove(position);
        let at = at.max(row.latest());
        self.destroyed.push((row.id, at));
        at
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(number: u8) -> KeyId {
    // Some ids are inline, some are not.
    let long = "-".repeat(usize::from(number % 3) * 15);
    KeyId::try_from(format!("key{long}{number}")).unwrap()
}

/// What an entry of this status must answer when there is none.
fn refusal(model: &Model, name: &str, expected: KeyStatus) -> Option<EntryError> {
    let id = || name.parse().unwrap();
    match (model.find(name), model.tombstone(name)) {
        (Some(row), _) if row.status == expected => None,
        (Some(row), _) => Some(EntryError::WrongStatus { id: id(), expected, found: row.status }),
        (None, Some(millis)) => Some(EntryError::KeyDestroyed { id: id(), at: at(millis) }),
        (None, None) => Some(EntryError::KeyNotFound { id: name.into() }),
    }
}

fn step(ring: Keyring<u8>, model: &mut Model, operation: &Operation, n: u8) -> Keyring<u8> {
    let mut ring = ring;
    match *operation {
        Operation::Add(number, millis) => {
            let name = id(number);
            let found = model.find(name.as_str()).map(|row| TakenBy::Key(row.status));
            let tombstone = || {
                model.tombstone(name.as_str()).map(|millis| TakenBy::Tombstone { at: at(millis) })
            };
            match (ring.add(Key::new(name.clone(), n, at(millis))), found.or_else(tombstone)) {
                (Ok(receipt), None) => {
                    assert_eq!((receipt.id, receipt.at), (name.clone(), at(millis)));
                    model.staged.push(Row {
                        id: name.to_string(),
                        status: IsInactive,
                        created: millis,
                        activated: None,
                        since: millis,
                        material: n,
                    });
                }
                (Err(error), Some(taken_by)) => {
                    assert_eq!(error.taken_by(), taken_by);
                    assert_eq!(error.into_key().decryption_key().material(), &n);
                }
                (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
            }
        }
        Operation::Rotate(number, millis) if model.active.id == id(number).as_str() => {
            let expected = RotationDecision::AlreadyActive {
                id: id(number),
                activated_at: at(model.active.activated.unwrap()),
            };
            assert_eq!(ring.rotate_to(id(number).as_str(), at(millis)), Ok(expected));
        }
        Operation::Rotate(number, millis) | Operation::Activate(number, millis) => {
            let name = id(number);
            let rotate = |ring: &mut Keyring<u8>| match operation {
                Operation::Activate(..) => {
                    Ok(ring.entry::<Inactive>(name.as_str())?.activate(at(millis)))
                }
                _ => match ring.rotate_to(name.as_str(), at(millis))? {
                    RotationDecision::Rotated(rotation) => Ok(rotation),
                    already @ RotationDecision::AlreadyActive { .. } => panic!("{already:?}"),
                },
            };
            match (rotate(&mut ring), refusal(model, name.as_str(), IsInactive)) {
                (Ok(rotation), None) => {
                    let (from, millis, reactivated) = model.activate(name.as_str(), millis);
                    assert_eq!(rotation.from.as_str(), from);
                    assert_eq!(
                        (rotation.to, rotation.at, rotation.reactivated),
                        (name, at(millis), reactivated)
                    );
                }
                (answer, expected) => assert_eq!(answer.err(), expected),
            }
        }
        Operation::Retire(number, millis) => {
            let name = id(number);
            match refusal(model, name.as_str(), IsInactive) {
                None => {
                    let receipt = ring.entry::<Inactive>(name.as_str()).unwrap().retire(at(millis));
                    assert_eq!(receipt.at, at(model.retire(name.as_str(), millis)));
                }
                expected => assert_eq!(ring.entry::<Inactive>(name.as_str()).err(), expected),
            }
        }
        Operation::Destroy(number, millis) => {
            let name = id(number);
            match refusal(model, name.as_str(), IsRetired) {
                None => {
                    let receipt = ring.entry::<Retired>(name.as_str()).unwrap().destroy(at(millis));
                    assert_eq!(receipt.at, at(model.destroy(name.as_str(), millis)));
                }
                expected => assert_eq!(ring.entry::<Retired>(name.as_str()).err(), expected),
            }
        }
        Operation::Reload => {
            let (records, destroyed) = ring.into_parts();
            ring = Keyring::from_parts(records, destroyed).unwrap();
        }
        Operation::Fork => ring = ring.fork(),
        Operation::Map => ring = ring.map(|_, material| *material),
    }
    ring
}

fn compare(ring: &Keyring<u8>, model: &Model) {
    let rows: Vec<Row> = ring
        .iter()
        .map(|key| Row {
            id: key.id().to_string(),
            status: key.status(),
            created: key.created_at().as_unix_millis(),
            activated: key.activated_at().map(Timestamp::as_unix_millis),
            since: key.status_since().as_unix_millis(),
            material: *key.decryption_key().material(),
        })
        .collect();
    assert_eq!(rows, model.rows());
    assert_eq!(rows.iter().filter(|row| row.status == IsActive).count(), 1);
    assert_eq!(ring.len(), rows.len());
    assert_eq!(ring.inactive().count() + ring.retired().count() + 1, rows.len());
    assert_eq!(ring.encryption_key().id(), ring.active().id());

    let mut destroyed = model.destroyed.clone();
    destroyed.sort();
    let mut tombstones: Vec<_> =
        ring.destroyed().map(|row| (row.id.to_string(), row.at.as_unix_millis())).collect();
    tombstones.sort();
    assert_eq!(tombstones, destroyed);

    for number in 0..10 {
        let name = id(number);
        match (ring.decryption_key(name.as_str()), model.find(name.as_str())) {
            (Ok(key), Some(row)) => {
                assert_eq!((key.status(), *key.material()), (row.status, row.material));
                assert_eq!(key.is_current(), row.status == IsActive);
            }
            (Err(DecryptionKeyError::KeyDestroyed { at: when, .. }), None) => {
                assert_eq!(model.tombstone(name.as_str()).map(at), Some(when));
            }
            (Err(DecryptionKeyError::KeyNotFound { .. }), None) => {
                assert_eq!(model.tombstone(name.as_str()), None);
            }
            (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ring_says_what_the_model_says(operations in prop::collection::vec(operation(), 0..80)) {
        let first = Row {
            id: id(0).to_string(),
            status: IsActive,
            created: 5,
            activated: Some(6),
            since: 6,
            material: 0,
        };
        let mut ring = Keyring::new(Key::new(id(0), 0, at(5)).activate(at(6)));
        let mut model = Model {
            active: first,
            once_active: vec![],
            staged: vec![],
            retired: vec![],
            destroyed: vec![],
        };
        compare(&ring, &model);
        for (n, operation) in (1_u8..).zip(&operations) {
            ring = step(ring, &mut model, operation, n);
            compare(&ring, &model);
        }
    }
}
