//! Any sequence of operations on a ring, beside a map of statuses.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use key_rotation::key::RotationDecision;
use key_rotation::{
    Inactive, Key, KeyId, KeyStatus, Keyring, Retired, Revoked, StrictSingleActive, Timestamp,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    Add(u8),
    RotateTo(u8),
    Retire(u8),
    Revoke(u8),
    Restore(u8),
    Destroy(u8),
    Store,
    Fork,
    Enforce,
}

fuzz_target!(|input: Vec<(Operation, u8)>| {
    let at = |millis: u8| Timestamp::from_unix_millis(millis.into());
    let id = |number: u8| KeyId::from(u32::from(number));
    let mut ring = Keyring::new(Key::new(id(0), 0, at(0)).activate(at(0)));
    let mut model = BTreeMap::from([(0_u8, Some(KeyStatus::Active))]);
    let status = |model: &BTreeMap<u8, Option<KeyStatus>>, n: &u8| model.get(n).copied();
    for (operation, now) in input {
        match operation {
            Operation::Add(n) => {
                let added = ring.add(Key::new(id(n), n, at(now)), at(now));
                assert_eq!(added.is_ok(), status(&model, &n).is_none());
                model.entry(n).or_insert(Some(KeyStatus::Inactive));
            }
            Operation::RotateTo(n) => match ring.rotate_to(id(n).as_str(), at(now)) {
                Ok(RotationDecision::Rotated(rotation)) => {
                    assert_eq!(status(&model, &n), Some(Some(KeyStatus::Inactive)));
                    let from: u8 = rotation.from.as_str().parse().unwrap();
                    assert_eq!(
                        model.insert(from, Some(KeyStatus::Inactive)),
                        Some(Some(KeyStatus::Active))
                    );
                    model.insert(n, Some(KeyStatus::Active));
                }
                Ok(_) => assert_eq!(status(&model, &n), Some(Some(KeyStatus::Active))),
                Err(_) => assert!(!matches!(
                    status(&model, &n),
                    Some(Some(KeyStatus::Active | KeyStatus::Inactive))
                )),
            },
            Operation::Retire(n) => {
                let retired =
                    ring.entry::<Inactive>(id(n).as_str()).map(|entry| entry.retire(at(now)));
                let is_legal = status(&model, &n) == Some(Some(KeyStatus::Inactive));
                assert_eq!(retired.is_ok(), is_legal);
                if is_legal {
                    model.insert(n, Some(KeyStatus::Retired));
                }
            }
            Operation::Revoke(n) => {
                let revoked = match status(&model, &n) {
                    Some(Some(KeyStatus::Inactive)) => {
                        ring.entry::<Inactive>(id(n).as_str()).map(|entry| entry.revoke(at(now)))
                    }
                    _ => ring.entry::<Retired>(id(n).as_str()).map(|entry| entry.revoke(at(now))),
                };
                let is_legal = matches!(
                    status(&model, &n),
                    Some(Some(KeyStatus::Inactive | KeyStatus::Retired))
                );
                assert_eq!(revoked.is_ok(), is_legal);
                if is_legal {
                    model.insert(n, Some(KeyStatus::Revoked));
                }
            }
            Operation::Restore(n) => {
                let restored =
                    ring.entry::<Revoked>(id(n).as_str()).map(|entry| entry.restore(at(now)));
                let is_legal = status(&model, &n) == Some(Some(KeyStatus::Revoked));
                assert_eq!(restored.is_ok(), is_legal);
                if is_legal {
                    model.insert(n, Some(KeyStatus::Retired));
                }
            }
            Operation::Destroy(n) => {
                let gone = match status(&model, &n) {
                    Some(Some(KeyStatus::Revoked)) => {
                        ring.entry::<Revoked>(id(n).as_str()).map(|entry| entry.destroy(at(now)))
                    }
                    _ => ring.entry::<Retired>(id(n).as_str()).map(|entry| entry.destroy(at(now))),
                };
                let is_legal = matches!(
                    status(&model, &n),
                    Some(Some(KeyStatus::Retired | KeyStatus::Revoked))
                );
                assert_eq!(gone.is_ok(), is_legal);
                if is_legal {
                    model.insert(n, None);
                }
            }
            Operation::Store => {
                let (records, tombstones) = ring.into_parts();
                ring = Keyring::from_parts(records, tombstones).unwrap();
            }
            Operation::Fork => ring = ring.fork(),
            Operation::Enforce => ring.enforce(&StrictSingleActive, at(now)),
        }
        assert_eq!(ring.iter().filter(|key| key.status() == KeyStatus::Active).count(), 1);
    }
    for (n, status) in &model {
        let found = ring.get(id(*n).as_str()).map(|key| key.status());
        assert_eq!(found, *status);
        let decrypts = ring.decryption_key(id(*n).as_str()).is_ok();
        assert_eq!(decrypts, status.is_some_and(KeyStatus::can_decrypt));
    }
    assert_eq!(ring.len() + ring.destroyed().count(), model.len());
});
