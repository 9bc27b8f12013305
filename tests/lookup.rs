//! Lookups in rings of many keys, and of ids of every length.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use key_rotation::error::EntryError;
use key_rotation::{
    DecryptionKeyError, Inactive, Key, KeyId, KeyRef, KeyStatus, Keyring, Retired, Revoked, Times,
    Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// A ring over these ids, whose material says which it is. The first is active.
fn ring(ids: &[String]) -> Keyring<usize> {
    let key = |n: usize| Key::new(ids[n].parse().unwrap(), n, at(1));
    let mut ring = Keyring::new(key(0).activate(at(2)));
    for n in 1..ids.len() {
        let _ = ring.add(key(n), at(1)).unwrap();
    }
    ring
}

/// Ids of this length that differ in one byte, wherever it is, and this one.
fn alike(len: usize) -> Vec<String> {
    let changed = |position: usize| {
        let mut id = vec![b'a'; len];
        if let Some(byte) = id.get_mut(position) {
            *byte = b'b';
        }
        String::from_utf8(id).unwrap()
    };
    (0..=len).map(changed).collect()
}

#[test]
fn ids_of_every_length_are_told_apart_by_every_byte() {
    for len in 1..=KeyId::MAX_LEN {
        let ids = alike(len);
        // Every other one, so that the rest are misses that differ in one byte from two hits.
        let (there, absent): (Vec<_>, Vec<_>) =
            ids.iter().cloned().enumerate().partition(|(n, _)| n % 2 == 0);
        let (there, absent) = (
            there.into_iter().map(|(_, id)| id).collect::<Vec<_>>(),
            absent.into_iter().map(|(_, id)| id).collect::<Vec<_>>(),
        );
        for active in 0..there.len() {
            let mut ring = ring(&there);
            let _ = ring.rotate_to(&there[active], at(3)).unwrap();
            for (n, id) in there.iter().enumerate() {
                let key = ring.decryption_key(id).unwrap();
                let is_active = key.status() == KeyStatus::Active;
                assert_eq!((*key.material(), is_active), (n, n == active), "{id}");
            }
            for id in &absent {
                assert!(ring.get(id).is_none(), "{id}");
                assert!(matches!(ring.rotate_to(id, at(4)), Err(EntryError::KeyNotFound { .. })));
            }
            assert_eq!(ring.active().id().as_str(), there[active]);
            if len > 20 && active > 2 {
                break;
            }
        }
    }
}

#[test]
fn a_destroyed_key_is_remembered_whatever_the_length_of_its_id() {
    for len in 1..=KeyId::MAX_LEN {
        let [id, active] = [b'a', b'b'].map(|byte| String::from_utf8(vec![byte; len]).unwrap());
        let mut ring = ring(&[active, id.clone()]);
        let _ = ring.entry::<Inactive>(&id).unwrap().retire(at(3));
        let tombstone = ring.entry::<Retired>(&id).unwrap().destroy(at(4));
        assert_eq!(ring.state().destroyed(), std::slice::from_ref(&tombstone));
        let error = ring.decryption_key(&id).unwrap_err();
        assert_eq!(error, DecryptionKeyError::KeyDestroyed { id: tombstone.id, at: at(4) });
        assert!(matches!(
            ring.decryption_key(&format!("{id}a")),
            Err(DecryptionKeyError::KeyNotFound { .. })
        ));
    }
}

#[test]
fn one_byte_more_or_less_is_another_id() {
    for len in 1..=KeyId::MAX_LEN {
        let [id, active] = [b'a', b'b'].map(|byte| String::from_utf8(vec![byte; len]).unwrap());
        let ring = ring(&[active.clone(), id.clone()]);
        for other in [&id, &active].map(|id| [id[1..].to_owned(), format!("{id}{}", &id[..1])]) {
            for other in other {
                assert!(matches!(
                    ring.fork().rotate_to(&other, at(3)),
                    Err(EntryError::KeyNotFound { .. })
                ));
                assert!(ring.get(&other).is_none(), "{len}");
                assert!(matches!(
                    ring.decryption_key(&other),
                    Err(DecryptionKeyError::KeyNotFound { .. })
                ));
            }
        }
    }
}

#[test]
fn among_many_keys_each_is_found_whatever_happened_to_the_others() {
    let ids: Vec<String> = (0..3000)
        .map(|n| match n % 3 {
            0 => format!("{n}"),
            1 => format!("2026-q4-{n:06}"),
            _ => format!("6f1d2c3b-0000-4000-8000-{n:012}"),
        })
        .collect();
    let mut ring = ring(&ids);
    let mut expected = vec![Some(KeyStatus::Inactive); ids.len()];
    expected[0] = Some(KeyStatus::Active);
    let (mut active, mut clock) = (0, 10);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..9000 {
        clock += 1;
        // An xorshift: any order that is not that of insertion.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let n = (random >> 8) as usize % ids.len();
        let id = &ids[n];
        match (random >> 40 & 3, expected[n]) {
            (0 | 1, Some(KeyStatus::Inactive)) => {
                let _ = ring.rotate_to(id, at(clock)).unwrap();
                expected[active] = Some(KeyStatus::Inactive);
                expected[n] = Some(KeyStatus::Active);
                active = n;
            }
            (2, Some(KeyStatus::Inactive)) => {
                let _ = ring.entry::<Inactive>(id).unwrap().retire(at(clock));
                expected[n] = Some(KeyStatus::Retired);
            }
            (3, Some(KeyStatus::Inactive)) => {
                let _ = ring.entry::<Inactive>(id).unwrap().revoke(at(clock));
                expected[n] = Some(KeyStatus::Revoked);
            }
            (0, Some(KeyStatus::Retired)) => {
                let _ = ring.entry::<Retired>(id).unwrap().revoke(at(clock));
                expected[n] = Some(KeyStatus::Revoked);
            }
            (0 | 1, Some(KeyStatus::Revoked)) => {
                let _ = ring.entry::<Revoked>(id).unwrap().restore(at(clock));
                expected[n] = Some(KeyStatus::Retired);
            }
            (3, Some(KeyStatus::Retired)) => {
                let _ = ring.entry::<Retired>(id).unwrap().destroy(at(clock));
                expected[n] = None;
            }
            (3, Some(KeyStatus::Revoked)) => {
                let _ = ring.entry::<Revoked>(id).unwrap().destroy(at(clock));
                expected[n] = None;
            }
            _ => {}
        }
    }
    let is_as_expected = |ring: &Keyring<usize>| {
        for (n, status) in expected.iter().enumerate() {
            let found = ring.get(&ids[n]);
            assert_eq!(found.map(|key| key.status()), *status, "{}", ids[n]);
            match (found, ring.decryption_key(&ids[n])) {
                (None, Err(error)) => {
                    assert!(matches!(error, DecryptionKeyError::KeyDestroyed { .. }), "{error}");
                }
                (Some(KeyRef::Revoked(key)), Err(error)) => {
                    assert!(matches!(error, DecryptionKeyError::KeyRevoked { .. }), "{error}");
                    assert_eq!(*key.salvage_key().material(), n);
                }
                (Some(_), Ok(key)) => assert_eq!(*key.material(), n),
                (found, answer) => panic!("{found:?}: {answer:?}"),
            }
        }
        assert_eq!(ring.iter().count(), ring.len());
        assert_eq!(ring.len(), expected.iter().flatten().count());
        let latest_first = |times: Vec<Option<Timestamp>>| times.is_sorted_by(|a, b| a >= b);
        let demoted = ring.inactive().filter(|key| !key.info().is_staged());
        assert!(latest_first(demoted.map(|key| key.times().deactivated_at).collect()));
        assert!(latest_first(ring.retired().map(|key| key.times().retired_at).collect()));
        assert!(latest_first(ring.revoked().map(|key| key.times().revoked_at).collect()));
        let staged = ring.inactive().filter(|key| key.info().is_staged());
        assert!(staged.map(|key| *key.decryption_key().material()).is_sorted());
    };
    for status in [KeyStatus::Inactive, KeyStatus::Retired, KeyStatus::Revoked] {
        assert!(ring.iter().filter(|key| key.status() == status).count() > 100, "{status}");
    }
    assert!(ring.destroyed().count() > 100);
    is_as_expected(&ring);
    is_as_expected(&ring.fork());
    is_as_expected(&ring.map(|_, n| *n));
    let (records, destroyed) = ring.into_parts();
    is_as_expected(&Keyring::from_parts(records, destroyed).unwrap());
}

#[test]
fn what_is_found_carries_the_times_of_the_key() {
    let ids = ["2026-q3", "2026-q4"].map(String::from);
    let mut ring = ring(&ids);
    let _ = ring.rotate_to(&ids[1], at(3)).unwrap();
    let first = Times {
        created_at: Some(at(1)),
        activated_at: Some(at(2)),
        deactivated_at: Some(at(3)),
        ..Times::default()
    };
    let second = Times {
        created_at: Some(at(1)),
        added_at: Some(at(1)),
        activated_at: Some(at(3)),
        ..Times::default()
    };
    assert_eq!(ids.each_ref().map(|id| *ring.get(id).unwrap().times()), [first, second]);
}

#[test]
fn a_ring_remembers_where_a_key_is_after_its_neighbours_are_gone() {
    let ids: Vec<String> = (0..5).map(|n| format!("2026-q4-{n:06}")).collect();
    for gone in 1..5 {
        let mut ring = ring(&ids);
        let _ = ring.entry::<Inactive>(&ids[gone]).unwrap().retire(at(9));
        for (n, id) in ids.iter().enumerate() {
            match (ring.get(id), n) {
                (Some(KeyRef::Active(key)), 0) => assert_eq!(key.id().as_str(), id),
                (Some(KeyRef::Retired(key)), _) if n == gone => assert_eq!(key.id().as_str(), id),
                (Some(KeyRef::Inactive(key)), _) if n != gone => assert_eq!(key.id().as_str(), id),
                (found, _) => panic!("{id}: {found:?}"),
            }
        }
    }
}
