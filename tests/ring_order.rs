//! The promised order: the active key; the demoted ones, latest first; the staged ones in the order
//! of their coming; the retired ones and then the revoked ones, latest first.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use key_rotation::key::Destruction;
use key_rotation::{
    Apart, Inactive, Key, KeyId, KeyRecord, KeyStatus, Keyring, Retired, Revoked, Times, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn key(name: &str) -> Key<Inactive, u8> {
    Key::new(id(name), 1, at(1))
}

/// Whatever is made of a ring has its order, whoever lists it.
fn has_order(ring: &Keyring<u8>, promised: &[&str]) {
    let listed = |ids: Vec<String>| assert_eq!(ids, promised);
    listed(ring.iter().map(|key| key.id().to_string()).collect());
    listed(ring.into_iter().map(|key| key.id().to_string()).collect());
    listed(ring.state().keys().map(|key| key.id.to_string()).collect());
    listed(ring.fork().iter().map(|key| key.id().to_string()).collect());
    listed(ring.map(|_, _| ()).iter().map(|key| key.id().to_string()).collect());
    let pairs: Keyring<u8, Apart<u8>> =
        ring.try_split(|_, m| Ok::<_, ()>(*m), |_, m| Ok(*m)).unwrap();
    listed(pairs.iter().map(|key| key.id().to_string()).collect());

    let mut asked = Vec::new();
    let left = ring.map_or_leave(|key, material| {
        asked.push(key.id.to_string());
        Ok(*material)
    });
    listed(left.unwrap().iter().map(|key| key.id().to_string()).collect());
    listed(asked);

    // The lists of one status are parts of it, and so are the rights to decrypt.
    let by_status = [ring.active().id()]
        .into_iter()
        .chain(ring.inactive().map(Key::id))
        .chain(ring.retired().map(Key::id))
        .chain(ring.revoked().map(Key::id));
    listed(by_status.map(KeyId::to_string).collect());
    let decrypts = ring.iter().filter(|key| key.status().can_decrypt());
    let decrypts: Vec<String> = decrypts.map(|key| key.id().to_string()).collect();
    let rights = |ids: Vec<String>| assert_eq!(ids, decrypts);
    rights(ring.decryption_keys().map(|key| key.id().to_string()).collect());
    let reader = ring.decryption_only();
    rights(reader.decryption_keys().map(|key| key.id().to_string()).collect());
    let module = ring.export_for_crypto();
    rights(module.decryption_keys().map(|key| key.id().to_string()).collect());

    // Also after it was stored and loaded.
    let (records, destroyed) = ring.fork().into_parts();
    listed(records.iter().map(|record| record.info.id.to_string()).collect());
    let again = Keyring::from_parts(records, destroyed).unwrap();
    listed(again.iter().map(|key| key.id().to_string()).collect());
}

#[test]
fn keys_are_listed_in_the_promised_order() {
    let mut ring = Keyring::new(key("a").activate(at(1)));
    for name in ["z", "b", "y", "c", "x", "r1", "r2", "r3", "v1", "v2", "v3"] {
        let _ = ring.add(key(name), at(1)).unwrap();
    }
    let _ = ring.rotate_to("b", at(10)).unwrap();
    let _ = ring.rotate_to("c", at(20)).unwrap();
    for (name, millis) in [("r2", 30), ("r1", 50), ("r3", 40)] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(millis));
    }
    for (name, millis) in [("v2", 30), ("v1", 50), ("v3", 40)] {
        let _ = ring.entry::<Inactive>(name).unwrap().revoke(at(millis));
    }
    has_order(&ring, &["c", "b", "a", "z", "y", "x", "r1", "r3", "r2", "v1", "v3", "v2"]);

    // What is restored counts as retired from then on.
    let _ = ring.entry::<Revoked>("v3").unwrap().restore(at(45));
    let _ = ring.entry::<Retired>("r3").unwrap().revoke(at(35));
    has_order(&ring, &["c", "b", "a", "z", "y", "x", "r1", "v3", "r2", "v1", "r3", "v2"]);
    // What is active again is listed by when it was demoted last.
    let _ = ring.rotate_to("a", at(60)).unwrap();
    let _ = ring.rotate_to("b", at(70)).unwrap();
    has_order(&ring, &["b", "a", "c", "z", "y", "x", "r1", "v3", "r2", "v1", "r3", "v2"]);
}

#[test]
fn the_promised_order_holds_within_one_millisecond() {
    let mut ring = Keyring::new(key("a").activate(at(1)));
    for name in ["b", "c", "d", "r1", "r2", "r3", "v1", "v2", "v3", "z", "y"] {
        let _ = ring.add(key(name), at(1)).unwrap();
    }
    for name in ["c", "b", "d"] {
        let _ = ring.rotate_to(name, at(1)).unwrap();
    }
    for name in ["r2", "r1", "r3"] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(1));
    }
    for name in ["v2", "v1", "v3"] {
        let _ = ring.entry::<Inactive>(name).unwrap().revoke(at(1));
    }
    let promised = ["d", "b", "c", "a", "z", "y", "r3", "r1", "r2", "v3", "v1", "v2"];
    has_order(&ring, &promised);

    // And goes on after a load, as if there had been none.
    let (records, destroyed) = ring.into_parts();
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    let _ = ring.rotate_to("a", at(1)).unwrap();
    let _ = ring.add(key("x"), at(1)).unwrap();
    let _ = ring.entry::<Revoked>("v1").unwrap().restore(at(1));
    let _ = ring.entry::<Retired>("r1").unwrap().revoke(at(1));
    let promised = ["a", "d", "b", "c", "z", "y", "x", "v1", "r3", "r2", "r1", "v3", "v2"];
    has_order(&ring, &promised);
}

#[test]
fn staged_keys_come_in_the_order_of_their_coming_and_not_of_their_times() {
    let mut ring = Keyring::new(key("a").activate(at(1)));
    for (name, created, added) in [("x", 9, 5), ("y", 3, 7), ("z", 6, 2)] {
        let _ = ring.add(Key::new(id(name), 1, at(created)), at(added)).unwrap();
    }
    has_order(&ring, &["a", "x", "y", "z"]);
}

/// Unknown is later than nothing: what nobody can date comes last among its like.
#[test]
fn a_key_whose_time_is_unknown_comes_after_those_that_are_dated() {
    let record =
        |name, status, times: Times| KeyRecord::new(id(name), status, at(1), 1).with_times(times);
    let none = Times::default();
    let ring = Keyring::from_records([
        record("v1", KeyStatus::Revoked, none),
        record("v2", KeyStatus::Revoked, Times { revoked_at: Some(at(5)), ..none }),
        record("r1", KeyStatus::Retired, none),
        record("r2", KeyStatus::Retired, Times { retired_at: Some(at(5)), ..none }),
        record("d1", KeyStatus::Inactive, none),
        record("d2", KeyStatus::Inactive, Times { activated_at: Some(at(2)), ..none }),
        record("d3", KeyStatus::Inactive, Times { deactivated_at: Some(at(5)), ..none }),
        record("a", KeyStatus::Active, none),
    ]);
    has_order(&ring.unwrap(), &["a", "d3", "d2", "d1", "r2", "r1", "v2", "v1"]);
}

#[test]
fn tombstones_are_listed_latest_first() {
    let mut ring = Keyring::new(key("a").activate(at(1)));
    for (name, millis) in [("x", 40), ("y", 50), ("z", 50), ("w", 45)] {
        let _ = ring.add(key(name), at(1)).unwrap();
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(20));
        let _ = ring.entry::<Retired>(name).unwrap().destroy(at(millis));
    }
    let expected = [("z", 50), ("y", 50), ("w", 45), ("x", 40)];
    let expected = expected.map(|(name, millis)| Destruction::new(id(name), at(millis)));
    assert_eq!(ring.destroyed().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(ring.state().destroyed(), expected);
    let (records, destroyed) = ring.into_parts();
    assert_eq!(destroyed, expected);
    let mut again = Keyring::from_parts(records, destroyed).unwrap();
    let _ = again.add(key("k"), at(1)).unwrap();
    let _ = again.entry::<Inactive>("k").unwrap().revoke(at(20));
    let _ = again.entry::<Revoked>("k").unwrap().destroy(at(50));
    let listed: Vec<_> = again.destroyed().map(|tombstone| tombstone.id.as_str()).collect();
    assert_eq!(listed, ["k", "z", "y", "w", "x"]);
}
