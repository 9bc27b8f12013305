//! Random sequences of operations on the ring and on a naive model of it: after each, there is
//! exactly one active key, no id is lost or duplicated, and the ring says what the model says. Of
//! symmetric keys and of pairs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use KeyStatus::{
    Active as IsActive, Inactive as IsInactive, Retired as IsRetired, Revoked as IsRevoked,
};
use compare::compare;
use key_rotation::error::EntryError;
use key_rotation::key::{Rotation, RotationDecision};
use key_rotation::policy::{Fleet, Refusal};
use key_rotation::ring::TakenBy;
use key_rotation::{
    Apart, Halves, Inactive, Key, KeyId, KeyInfo, KeyStatus, Keyring, Retired, Revoked,
    RotationPolicy, Same, Times, Timestamp,
};
use napkin::{Model, Row};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[path = "model/compare.rs"]
mod compare;
#[path = "model/napkin.rs"]
mod napkin;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add {
        id: u8,
        created: u64,
        added: u64,
    },
    RotateIn {
        id: u8,
        created: u64,
        at: u64,
    },
    RotateTo(u8, u64),
    Activate(u8, u64),
    Retire(u8, u64),
    Revoke(u8, u64),
    Restore(u8, u64),
    Destroy(u8, u64),
    /// Refuses the keys whose bit is set.
    Enforce(u16),
    Reload,
    Fork,
    Map,
}

const SEQUENCES: u32 = 512;
const IDS: u8 = 10;

fn operation() -> impl Strategy<Value = Operation> {
    // Few ids, so that they meet; few times, so that clocks are behind and times are equal.
    let id = || 0..IDS;
    let at = || 0..30_u64;
    let of = |make: fn(u8, u64) -> Operation| (id(), at()).prop_map(move |(id, at)| make(id, at));
    prop_oneof![
        6 => (id(), at(), at()).prop_map(|(id, created, added)| Operation::Add { id, created, added }),
        1 => (id(), at(), at()).prop_map(|(id, created, at)| Operation::RotateIn { id, created, at }),
        3 => of(Operation::RotateTo),
        2 => of(Operation::Activate),
        3 => of(Operation::Retire),
        4 => of(Operation::Revoke),
        4 => of(Operation::Restore),
        2 => of(Operation::Destroy),
        2 => (0..1_u16 << IDS).prop_map(Operation::Enforce),
        1 => Just(Operation::Reload),
        1 => Just(Operation::Fork),
        1 => Just(Operation::Map),
    ]
}

/// How the keys of a ring keep their halves.
trait Kind: Halves<u8, Decrypting = u8> + Sized {
    const NAME: &str;
    fn key(id: KeyId, n: u8, created: Timestamp) -> Key<Inactive, u8, Self>;
    /// The decrypting half of the key with this encrypting half.
    fn public_of(n: u8) -> u8;
    /// Stores the ring and loads it, if it can be stored.
    fn reload(ring: &Keyring<u8, Self>) -> Option<Keyring<u8, Self>>;
    fn map(ring: &Keyring<u8, Self>) -> Keyring<u8, Self>;
    /// Also compares what can be made of the ring.
    fn also(ring: &Keyring<u8, Self>, model: &Model);
}

impl Kind for Same {
    const NAME: &str = "symmetric keys";

    fn key(id: KeyId, n: u8, created: Timestamp) -> Key<Inactive, u8> {
        Key::new(id, n, created)
    }

    fn public_of(n: u8) -> u8 {
        n
    }

    fn reload(ring: &Keyring<u8>) -> Option<Keyring<u8>> {
        let (records, destroyed) = ring.fork().into_parts();
        Some(Keyring::from_parts(records, destroyed).unwrap())
    }

    fn map(ring: &Keyring<u8>) -> Keyring<u8> {
        ring.map(|_, material| *material)
    }

    fn also(ring: &Keyring<u8>, model: &Model) {
        let split = |_: &KeyInfo, n: &u8| Ok::<_, ()>(*n);
        let pairs = ring.try_split(split, |_, n| Ok(<Apart<u8>>::public_of(*n)));
        compare(&pairs.unwrap(), model);
    }
}

impl Kind for Apart<u8> {
    const NAME: &str = "pairs";

    fn key(id: KeyId, n: u8, created: Timestamp) -> Key<Inactive, u8, Self> {
        Key::new_pair(id, n, Self::public_of(n), created)
    }

    fn public_of(n: u8) -> u8 {
        !n
    }

    fn reload(_: &Keyring<u8, Self>) -> Option<Keyring<u8, Self>> {
        None
    }

    fn map(ring: &Keyring<u8, Self>) -> Keyring<u8, Self> {
        ring.fork()
    }

    fn also(_: &Keyring<u8, Self>, _: &Model) {}
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(number: u8) -> KeyId {
    // Some ids are inline, some are not.
    let long = "-".repeat(usize::from(number % 3) * 15);
    KeyId::try_from(format!("key{long}{number}")).unwrap()
}

/// Refuses the keys whose bit is set.
struct Mask(u16);

impl Mask {
    fn refuses(&self, id: &str) -> bool {
        let number: u16 = id.trim_start_matches("key").trim_start_matches('-').parse().unwrap();
        self.0 >> number & 1 == 1
    }
}

impl RotationPolicy for Mask {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        if self.refuses(key.id.as_str()) { Err(Refusal::new("its bit is set")) } else { Ok(()) }
    }
}

/// What an entry of this status must answer when there is none.
fn refusal(model: &Model, name: &str, expected: KeyStatus) -> Option<EntryError> {
    let id = || name.parse().unwrap();
    match (model.find(name), model.destroyed.get(name)) {
        (Some(row), _) if row.status == expected => None,
        (Some(row), _) => Some(EntryError::WrongStatus { id: id(), expected, found: row.status }),
        (None, Some(at)) => Some(EntryError::KeyDestroyed { id: id(), at: *at }),
        (None, None) => Some(EntryError::KeyNotFound { id: name.into() }),
    }
}

/// A row for a key that is new to the ring, or what has its id.
fn newcomer(model: &Model, id: u8, n: u8, created: u64, added: u64) -> Result<Row, TakenBy> {
    let name = self::id(id).to_string();
    if let Some(row) = model.find(&name) {
        return Err(TakenBy::Key(row.status));
    }
    if let Some(at) = model.destroyed.get(&name) {
        return Err(TakenBy::Tombstone { at: *at });
    }
    let times =
        Times { created_at: Some(at(created)), added_at: Some(at(added)), ..Times::default() };
    Ok(Row { id: name, status: IsInactive, times, used: false, n })
}

/// Carries an operation out on both, and answers whether it was accepted.
fn step<D: Kind>(
    ring: &mut Keyring<u8, D>,
    model: &mut Model,
    operation: Operation,
    n: u8,
) -> bool {
    let is = |rotation: Rotation, asked_at, id: u8, expected: (String, Timestamp, bool)| {
        assert_eq!(rotation.asked_at, asked_at);
        assert_eq!((rotation.from.to_string(), rotation.at, rotation.reactivated), expected);
        assert_eq!(rotation.to, self::id(id));
    };
    match operation {
        Operation::Add { id, created, added } => {
            let answer = ring.add(D::key(self::id(id), n, at(created)), at(added));
            match (answer, newcomer(model, id, n, created, added)) {
                (Ok(receipt), Ok(row)) => {
                    assert_eq!((receipt.id, receipt.at), (self::id(id), at(added)));
                    model.staged.push(row);
                    return true;
                }
                (Err(error), Err(taken_by)) => {
                    assert_eq!(error.taken_by(), taken_by);
                    let key = error.into_key();
                    assert_eq!(key.decryption_key().material(), &D::public_of(n));
                    assert_eq!(key.times().added_at, None);
                }
                (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
            }
            false
        }
        Operation::RotateIn { id, created, at: asked } => {
            let answer = ring.rotate_in(D::key(self::id(id), n, at(created)), at(asked));
            match (answer, newcomer(model, id, n, created, asked)) {
                (Ok(rotation), Ok(row)) => {
                    is(rotation, at(asked), id, model.activate(row, at(asked)));
                    return true;
                }
                (Err(error), Err(taken_by)) => assert_eq!(error.taken_by(), taken_by),
                (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
            }
            false
        }
        Operation::RotateTo(id, asked) if model.active.id == self::id(id).as_str() => {
            let activated_at = model.active.times.activated_at;
            let expected = RotationDecision::AlreadyActive { id: self::id(id), activated_at };
            assert_eq!(ring.rotate_to(self::id(id).as_str(), at(asked)), Ok(expected));
            false
        }
        Operation::RotateTo(id, asked) | Operation::Activate(id, asked) => {
            let name = self::id(id);
            let answer = match operation {
                Operation::Activate(..) => {
                    let entry = ring.entry::<Inactive>(name.as_str());
                    entry.map(|entry| entry.activate(at(asked)))
                }
                _ => ring.rotate_to(name.as_str(), at(asked)).map(|decision| match decision {
                    RotationDecision::Rotated(rotation) => rotation,
                    already @ RotationDecision::AlreadyActive { .. } => panic!("{already:?}"),
                }),
            };
            match (answer, refusal(model, name.as_str(), IsInactive)) {
                (Ok(rotation), None) => {
                    let next = model.take(name.as_str());
                    is(rotation, at(asked), id, model.activate(next, at(asked)));
                    true
                }
                (answer, expected) => {
                    assert_eq!(answer.err(), expected);
                    false
                }
            }
        }
        Operation::Retire(id, asked) => {
            let name = self::id(id);
            let entry = ring.entry::<Inactive>(name.as_str());
            let answer = entry.map(|entry| entry.retire(at(asked)));
            let expected = refusal(model, name.as_str(), IsInactive);
            settle(
                answer.map(|r| (r.id, r.at, r.asked_at)),
                expected,
                &name,
                asked,
                |name, asked| model.retire(name, asked),
            )
        }
        Operation::Revoke(id, asked) => {
            let name = self::id(id);
            let of = model.find(name.as_str()).map(|row| row.status);
            if of == Some(IsRetired) {
                let entry = ring.entry::<Retired>(name.as_str()).unwrap();
                let receipt = entry.revoke(at(asked));
                assert_eq!(receipt.at, model.revoke(name.as_str(), at(asked)));
                return true;
            }
            let entry = ring.entry::<Inactive>(name.as_str());
            let answer = entry.map(|entry| entry.revoke(at(asked)));
            let expected = refusal(model, name.as_str(), IsInactive);
            settle(
                answer.map(|r| (r.id, r.at, r.asked_at)),
                expected,
                &name,
                asked,
                |name, asked| model.revoke(name, asked),
            )
        }
        Operation::Restore(id, asked) => {
            let name = self::id(id);
            let entry = ring.entry::<Revoked>(name.as_str());
            let answer = entry.map(|entry| entry.restore(at(asked)));
            let expected = refusal(model, name.as_str(), IsRevoked);
            settle(
                answer.map(|r| (r.id, r.at, r.asked_at)),
                expected,
                &name,
                asked,
                |name, asked| model.retire(name, asked),
            )
        }
        Operation::Destroy(id, asked) => {
            let name = self::id(id);
            let of = model.find(name.as_str()).map(|row| row.status);
            if of == Some(IsRevoked) {
                let entry = ring.entry::<Revoked>(name.as_str()).unwrap();
                let receipt = entry.destroy(at(asked));
                assert_eq!(receipt.at, model.destroy(name.as_str(), at(asked)));
                return true;
            }
            let entry = ring.entry::<Retired>(name.as_str());
            let answer = entry.map(|entry| entry.destroy(at(asked)));
            let expected = refusal(model, name.as_str(), IsRetired);
            settle(
                answer.map(|r| (r.id, r.at, r.asked_at)),
                expected,
                &name,
                asked,
                |name, asked| model.destroy(name, asked),
            )
        }
        Operation::Enforce(mask) => {
            ring.enforce(&Mask(mask), at(0));
            let decrypts = model.rows().into_iter().filter(|row| row.status.can_decrypt());
            let refused = decrypts.filter(|row| Mask(mask).refuses(&row.id));
            model.refused = refused.map(|row| row.id).collect();
            true
        }
        Operation::Reload => {
            let Some(loaded) = D::reload(ring) else { return false };
            *ring = loaded;
            // What a policy refuses is not stored: it is asked again.
            model.refused.clear();
            true
        }
        Operation::Fork => {
            *ring = ring.fork();
            true
        }
        Operation::Map => {
            *ring = D::map(ring);
            true
        }
    }
}

/// Compares the answer of an entry with what the model says, and answers whether it was accepted.
fn settle(
    answer: Result<(KeyId, Timestamp, Timestamp), EntryError>,
    expected: Option<EntryError>,
    name: &KeyId,
    asked: u64,
    change: impl FnOnce(&str, Timestamp) -> Timestamp,
) -> bool {
    match (answer, expected) {
        (Ok(receipt), None) => {
            let at = change(name.as_str(), at(asked));
            assert_eq!(receipt, (name.clone(), at, self::at(asked)));
            true
        }
        (answer, expected) => {
            assert_eq!(answer.err(), expected);
            false
        }
    }
}

fn run<D: Kind>() {
    // How often each operation was accepted, and refused.
    let counts = RefCell::new(BTreeMap::<String, [u32; 2]>::new());
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // A slow machine, or valgrind, asks for fewer.
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = SEQUENCES;
    }
    let cases = config.cases;
    let sequences = prop::collection::vec(operation(), 0..80);
    let done = TestRunner::new(config).run(&sequences, |operations| {
        let times =
            Times { created_at: Some(at(5)), activated_at: Some(at(6)), ..Times::default() };
        let first = Row { id: id(0).to_string(), status: IsActive, times, used: true, n: 0 };
        let mut ring = Keyring::new(D::key(id(0), 0, at(5)).activate(at(6)));
        let mut model = Model {
            active: first,
            demoted: vec![],
            staged: vec![],
            retired: vec![],
            revoked: vec![],
            destroyed: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        compare(&ring, &model);
        for (n, operation) in (1_u8..).zip(operations) {
            let accepted = step(&mut ring, &mut model, operation, n);
            compare(&ring, &model);
            let printed = format!("{operation:?}");
            let name = printed.split(['(', ' ']).next().unwrap().to_owned();
            counts.borrow_mut().entry(name).or_default()[usize::from(!accepted)] += 1;
        }
        D::also(&ring, &model);
        Ok(())
    });
    done.unwrap();
    let counts = counts.into_inner();
    let operations: u32 = counts.values().flatten().sum();
    println!("{}: {cases} sequences of {operations} operations", D::NAME);
    for (name, [accepted, refused]) in &counts {
        println!("  {name}: {accepted} accepted, {refused} refused");
        let is_enough = |count: u32| count > 50 || cases < SEQUENCES;
        let cannot_be_refused = ["Enforce", "Reload", "Fork", "Map"].contains(&name.as_str());
        assert!(is_enough(*refused) || cannot_be_refused, "{name} is hardly ever refused");
        let cannot_be_accepted = name == "Reload" && D::NAME == "pairs";
        assert!(is_enough(*accepted) || cannot_be_accepted, "{name} is hardly ever accepted");
    }
    assert!((counts.len() == 12 && operations > 15_000) || cases < SEQUENCES);
}

#[test]
fn a_ring_of_symmetric_keys_says_what_the_model_says() {
    run::<Same>();
}

#[test]
fn a_ring_of_pairs_says_what_the_model_says() {
    run::<Apart<u8>>();
}
