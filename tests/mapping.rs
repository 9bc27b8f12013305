//! The same ring over other material: whole, or with keys that are left unprepared.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use key_rotation::error::EntryError;
use key_rotation::ring::{Reason, TakenBy};
use key_rotation::{
    DecryptionKeyError, Inactive, Key, KeyId, KeyStatus, Keyring, Retired, Revoked, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

/// a is active, d demoted, s and t are staged, r is retired, v revoked, x destroyed.
fn ring() -> Keyring<String> {
    let key = |name: &str| Key::new(id(name), format!("material of {name}"), at(1));
    let mut ring = Keyring::new(key("d").activate(at(2)));
    for name in ["a", "s", "t", "r", "v", "x"] {
        let _ = ring.add(key(name), at(3)).unwrap();
    }
    let _ = ring.rotate_to("a", at(4)).unwrap();
    let _ = ring.entry::<Inactive>("r").unwrap().retire(at(5));
    let _ = ring.entry::<Inactive>("v").unwrap().revoke(at(6));
    let _ = ring.entry::<Inactive>("x").unwrap().retire(at(7));
    let _ = ring.entry::<Retired>("x").unwrap().destroy(at(8));
    ring
}

const ORDER: [&str; 6] = ["a", "d", "s", "t", "r", "v"];

fn reason() -> Reason {
    Reason::new("the blob is torn")
}

/// Prepares a length, and fails for these keys.
fn leave(ring: &Keyring<String>, torn: &[&str]) -> Keyring<usize> {
    ring.map_or_leave(|key, material| {
        if torn.contains(&key.id.as_str()) { Err(reason()) } else { Ok(material.len()) }
    })
    .unwrap()
}

#[test]
fn mapping_changes_the_material_and_nothing_else() {
    let ring = ring();
    let mut asked = Vec::new();
    let mapped = ring.map(|key, material| {
        assert_eq!(*key, ring.get(key.id.as_str()).unwrap().info());
        assert_eq!(*material, format!("material of {}", key.id));
        asked.push(key.id.to_string());
        format!("{material}, mapped")
    });
    assert_eq!(asked, ORDER);
    assert_eq!(mapped.state(), ring.state());
    assert_eq!(mapped.encryption_key().material(), "material of a, mapped");
    for name in ["a", "d", "s", "t", "r"] {
        let key = mapped.decryption_key(name).unwrap();
        assert_eq!(*key.material(), format!("material of {name}, mapped"));
        assert_eq!(key.is_superseded(), name == "d");
    }
    assert_eq!(mapped.salvage_key("v").unwrap().material(), "material of v, mapped");
}

#[test]
fn mapping_stops_at_the_first_error_and_harms_nothing() {
    let ring = ring();
    let before = ring.state();
    for (n, fails_at) in (1..).zip(ORDER) {
        let mut calls = 0;
        let failed = ring.try_map(|key, _| {
            calls += 1;
            if key.id == fails_at { Err(format!("cannot unwrap {}", key.id)) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err(), format!("cannot unwrap {fails_at}"));
        assert_eq!(calls, n);
    }
    assert_eq!(ring.state(), before);
}

#[test]
fn a_key_that_cannot_be_prepared_is_left_and_harms_no_other() {
    let ring = ring();
    for torn in ["d", "s", "r", "v"] {
        let mut left = leave(&ring, &[torn]);
        let unprepared = DecryptionKeyError::Unprepared { id: id(torn), reason: reason() };
        assert_eq!(left.decryption_key(torn).unwrap_err(), unprepared);
        assert_eq!(
            unprepared.to_string(),
            format!("key `{torn}` could not be prepared: the blob is torn; have it prepared again")
        );
        let no_entry = EntryError::Unprepared { id: id(torn), reason: reason() };
        assert_eq!(left.entry::<Inactive>(torn).unwrap_err(), no_entry);
        assert_eq!(left.rotate_to(torn, at(20)).unwrap_err(), no_entry);
        assert_eq!(left.salvage_key(torn).unwrap_err(), no_entry);
        assert!(left.get(torn).is_none());

        // It is a key of the ring all the same: it counts, is listed, and has its id.
        assert_eq!(left.len(), ring.len());
        let info = ring.get(torn).unwrap().info();
        assert_eq!(left.unprepared().collect::<Vec<_>>(), [(&info, &reason())]);
        let state = left.state();
        assert_eq!(state.unprepared(), [(id(torn), reason())]);
        let names = |ids: Vec<&KeyId>| ids.into_iter().map(KeyId::to_string).collect::<Vec<_>>();
        assert_eq!(names(state.keys().map(|key| &key.id).collect()), ORDER);
        let key = Key::new(id(torn), 0, at(9));
        let taken = left.add(key, at(9)).unwrap_err().taken_by();
        assert_eq!(taken, TakenBy::Key(ring.get(torn).unwrap().status()));

        let others: Vec<_> = ORDER.into_iter().filter(|name| *name != torn).collect();
        assert_eq!(names(left.iter().map(|key| key.id()).collect()), others);
        for name in others.iter().filter(|name| **name != "v") {
            assert_eq!(left.decryption_key(name).unwrap().material(), &"material of a".len());
        }
        assert_eq!(left.encryption_key().id(), "a");
        let reader = left.decryption_only();
        assert_eq!(reader.decryption_key(torn).unwrap_err(), unprepared);
        assert_eq!(reader.salvage_key(torn).unwrap_err(), no_entry);
        assert_eq!(reader.len(), ring.len());
    }
}

#[test]
fn keys_that_are_left_keep_their_place_and_their_reasons() {
    let left = ring()
        .map_or_leave(|key, _| match key.status {
            KeyStatus::Active => Ok(()),
            status => Err(Reason::new(format_args!("it is {status}"))),
        })
        .unwrap();
    let listed: Vec<_> =
        left.unprepared().map(|(key, reason)| format!("{}: {reason}", key.id)).collect();
    assert_eq!(
        listed,
        [
            "d: it is inactive",
            "s: it is inactive",
            "t: it is inactive",
            "r: it is retired",
            "v: it is revoked"
        ]
    );
    assert_eq!((left.len(), left.iter().count()), (6, 1));
    assert!(left.state().to_string().contains(
        "s    inactive   1970-01-01T00:00:00.003Z  staged; not prepared: it is inactive"
    ));
    // What is left goes along, and is not asked for again.
    let mut asked = 0;
    for again in [left.fork(), left.map(|_, ()| asked += 1)] {
        assert_eq!(again.state(), left.state());
    }
    assert_eq!(asked, 1);
}

#[test]
fn a_ring_with_keys_that_were_left_changes_as_any_ring() {
    let mut left = leave(&ring(), &["s", "r"]);
    let _ = left.rotate_to("t", at(20)).unwrap();
    let _ = left.entry::<Inactive>("a").unwrap().revoke(at(30));
    let _ = left.entry::<Revoked>("v").unwrap().destroy(at(30));
    let _ = left.rotate_in(Key::new(id("n"), 0, at(40)), at(40)).unwrap();
    assert_eq!(left.len(), 6);
    let order: Vec<_> = left.state().keys().map(|key| key.id.to_string()).collect();
    assert_eq!(order, ["n", "t", "d", "s", "r", "a"]);
    // A ring that is stored is the one that has all the material: what is left has no record.
    let (records, destroyed) = left.into_parts();
    let ids: Vec<_> = records.iter().map(|record| record.info.id.as_str()).collect();
    assert_eq!((ids, destroyed.len()), (vec!["n", "t", "d", "a"], 2));
}

#[test]
fn without_the_active_key_there_is_no_ring_and_what_was_made_comes_back() {
    let ring = ring();
    let places = RefCell::new(BTreeMap::new());
    let error = ring
        .map_or_leave(|key, material| match key.id.as_str() {
            "a" | "t" => Err(Reason::new(format_args!("{} is torn", key.id))),
            name => {
                let made = Box::new(material.len());
                places.borrow_mut().insert(name.to_owned(), std::ptr::from_ref(&*made));
                Ok(made)
            }
        })
        .unwrap_err();
    assert_eq!((error.id().as_str(), error.reason().as_str()), ("a", "a is torn"));
    assert_eq!(
        error.to_string(),
        "the active key `a` could not be prepared: a is torn; without it nothing encrypts"
    );
    let made = error.into_made().into_iter();
    let made: BTreeMap<_, _> = made.map(|(id, made)| (id.to_string(), made)).collect();
    assert_eq!(made.keys().collect::<Vec<_>>(), ["d", "r", "s", "v"]);
    for (name, made) in made {
        assert_eq!((**made, Arc::strong_count(&made)), (13, 1));
        assert_eq!(places.borrow().get(&name), Some(&std::ptr::from_ref(&**made)));
    }
}

#[test]
fn what_was_made_stays_where_it_is_whatever_is_done_with_the_ring_then() {
    let mut left = ring().map_or_leave(|_, _| Ok([7_u8; 64])).unwrap();
    let places = |ring: &Keyring<[u8; 64]>| -> BTreeMap<String, *const [u8; 64]> {
        let rights = ring.decryption_keys();
        rights.map(|key| (key.id().to_string(), std::ptr::from_ref(key.material()))).collect()
    };
    let before = places(&left);
    assert_eq!(before.len(), 5);
    let _ = left.rotate_to("s", at(20)).unwrap();
    let _ = left.entry::<Inactive>("a").unwrap().retire(at(30));
    assert_eq!(places(&left), before);
    assert_eq!(places(&left.fork()), before);
    let (records, destroyed) = left.into_parts();
    // Nobody but the ring has it.
    assert!(records.iter().all(|record| Arc::strong_count(&record.material) == 1));
    assert_eq!(places(&Keyring::from_parts(records, destroyed).unwrap()), before);
}
