//! How a ring is made, and what it shows: lookups, views, lists and its state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use key_rotation::error::{EntryError, Violation};
use key_rotation::key::{Destruction, RotationDecision};
use key_rotation::{
    Active, DecryptionKeyError, Inactive, Key, KeyId, KeyRecord, KeyRef, KeyStatus, Keyring,
    Retired, Revoked, Times, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn staged(name: &str, created: u64) -> Key<Inactive, String> {
    Key::new(id(name), format!("material of {name}"), at(created))
}

/// k1 is active since 10; k2 and k3 are staged.
fn ring() -> Keyring<String> {
    let mut ring = Keyring::new(staged("k1", 10).activate(at(10)));
    for name in ["k2", "k3"] {
        let _ = ring.add(staged(name, 10), at(10)).unwrap();
    }
    ring
}

fn ids(ring: &Keyring<String>) -> Vec<&str> {
    ring.iter().map(|key| key.id().as_str()).collect()
}

#[test]
fn a_ring_of_one_key_encrypts_and_decrypts_with_it() {
    let ring = Keyring::new(staged("k1", 10).activate(at(20)));
    assert_eq!(ring.len(), 1);
    assert_eq!(ring.encryption_key().material(), "material of k1");
    assert_eq!(ring.decryption_key("k1").unwrap().material(), "material of k1");
    assert_eq!(ring.active().times().activated_at, Some(at(20)));
    let nothing = ring.inactive().count() + ring.retired().count() + ring.revoked().count();
    assert_eq!(nothing + ring.destroyed().count() + ring.unprepared().count(), 0);
}

#[test]
fn a_builder_takes_keys_of_every_status() {
    let ring = Keyring::builder(staged("a", 1).activate(at(5)))
        .staged(staged("s", 1))
        .previous(staged("p", 1))
        .retired(staged("r", 1).retire(at(3)))
        .revoked(staged("v", 1).revoke(at(4)))
        .destroyed(Destruction::new(id("x"), at(2)))
        .build()
        .unwrap();
    assert_eq!(ids(&ring), ["a", "p", "s", "r", "v"]);
    assert_eq!(ring.len(), 5);
    let names = |keys: Vec<&KeyId>| keys.into_iter().map(KeyId::to_string).collect::<Vec<_>>();
    assert_eq!(names(ring.inactive().map(Key::id).collect()), ["p", "s"]);
    assert_eq!(names(ring.retired().map(Key::id).collect()), ["r"]);
    assert_eq!(names(ring.revoked().map(Key::id).collect()), ["v"]);
    assert_eq!(ring.destroyed().collect::<Vec<_>>(), [&Destruction::new(id("x"), at(2))]);
}

#[test]
fn a_previous_key_is_demoted_and_not_staged_also_if_nobody_knows_when_it_was_active() {
    let ring = Keyring::builder(staged("a", 1).activate(at(5)))
        .staged(staged("s", 1))
        .previous(staged("unknown", 1))
        .previous(staged("known", 1).activate(at(2)).deactivate(at(5)))
        // It was active, whatever it is called here.
        .staged(staged("demoted", 1).activate(at(2)).deactivate(at(4)))
        .build()
        .unwrap();
    assert_eq!(ids(&ring), ["a", "known", "demoted", "unknown", "s"]);
    let waits = ring.inactive().filter(|key| key.info().is_staged());
    assert_eq!(waits.map(|key| key.id().as_str()).collect::<Vec<_>>(), ["s"]);
    assert!(ring.decryption_key("unknown").unwrap().is_superseded());
    assert!(!ring.decryption_key("s").unwrap().is_superseded());
    // It may be activated again, and that is what the receipt says.
    let rotation = ring.fork().entry::<Inactive>("unknown").unwrap().activate(at(9));
    assert!(rotation.reactivated);
}

#[test]
fn a_builder_that_is_given_an_id_in_two_places_says_so() {
    type Add = fn(
        key_rotation::ring::KeyringBuilder<String>,
    ) -> key_rotation::ring::KeyringBuilder<String>;
    let places: [Add; 4] = [
        |builder| builder.staged(staged("t", 1)),
        |builder| builder.previous(staged("t", 1)),
        |builder| builder.retired(staged("t", 1).retire(at(2))),
        |builder| builder.revoked(staged("t", 1).revoke(at(2))),
    ];
    let tombstone = || Destruction::new(id("t"), at(2));
    let duplicate = [Violation::DuplicateKeyId { id: id("t") }];
    let destroyed = [Violation::DestroyedKeyId { id: id("t") }];
    let begin = |name| Keyring::builder(staged(name, 1).activate(at(1)));
    for first in places {
        assert!(first(begin("a")).build().is_ok());
        let with_active = first(begin("t")).build().unwrap_err();
        assert_eq!(with_active.violations(), duplicate);
        for second in places {
            let twice = second(first(begin("a"))).build().unwrap_err();
            assert_eq!(twice.violations(), duplicate);
        }
        // Whichever comes first.
        let before = first(begin("a").destroyed(tombstone())).build().unwrap_err();
        let after = first(begin("a")).destroyed(tombstone()).build().unwrap_err();
        assert_eq!((before.violations(), after.violations()), (&destroyed[..], &destroyed[..]));
    }
    let active = begin("t").destroyed(tombstone()).build().unwrap_err();
    assert_eq!(active.violations(), destroyed);
    let twice = begin("a").destroyed(tombstone()).destroyed(tombstone()).build().unwrap_err();
    assert_eq!(twice.violations(), duplicate);
}

#[test]
fn with_previous_makes_demoted_keys_that_are_superseded_and_never_staged() {
    let ring = Keyring::with_previous(
        (id("2026"), "new"),
        [(id("2025"), "old"), (id("2024"), "older")],
        at(50),
    )
    .unwrap();
    let order: Vec<_> = ring.iter().map(|key| key.id().as_str()).collect();
    assert_eq!(order, ["2026", "2025", "2024"]);
    let times = Times { created_at: None, added_at: Some(at(50)), ..Times::default() };
    assert_eq!(*ring.active().times(), Times { activated_at: Some(at(50)), ..times });
    for name in ["2025", "2024"] {
        let Some(KeyRef::Inactive(key)) = ring.get(name) else { panic!("{name}") };
        assert_eq!(*key.times(), Times { deactivated_at: Some(at(50)), ..times });
        assert!(key.info().used && !key.info().is_staged());
        assert!(ring.decryption_key(name).unwrap().is_superseded());
    }
    assert_eq!(*ring.encryption_key().material(), "new");
    assert_eq!(*ring.decryption_key("2024").unwrap().material(), "older");
}

#[test]
fn with_previous_of_an_empty_list_is_a_ring_of_one() {
    let ring = Keyring::with_previous((id("k1"), 1), [], at(50)).unwrap();
    assert_eq!((ring.len(), *ring.encryption_key().material()), (1, 1));
}

#[test]
fn with_previous_refuses_an_id_that_stands_there_twice() {
    let twice = |active, previous: [&str; 2]| {
        let previous = previous.map(|name| (id(name), ()));
        Keyring::with_previous((id(active), ()), previous, at(5)).unwrap_err()
    };
    let duplicate = |name| [Violation::DuplicateKeyId { id: id(name) }];
    assert_eq!(twice("a", ["a", "b"]).violations(), duplicate("a"));
    assert_eq!(twice("a", ["b", "b"]).violations(), duplicate("b"));
    assert_eq!(
        twice("a", ["b", "b"]).to_string(),
        "the records do not make a keyring: key id `b` stands there more than once: remove all but one"
    );
}

#[test]
fn a_ring_is_walked_by_reference_in_the_order_of_its_list() {
    let mut ring = ring();
    let _ = ring.rotate_to("k3", at(20)).unwrap();
    let mut walked = Vec::new();
    for key in &ring {
        walked.push((key.id().to_string(), key.status()));
    }
    let listed: Vec<_> = ring.iter().map(|key| (key.id().to_string(), key.status())).collect();
    assert_eq!(walked, listed);
    assert_eq!(walked.len(), 3);
    assert_eq!(walked.first(), Some(&("k3".to_owned(), KeyStatus::Active)));
}

#[test]
fn a_lookup_says_the_status_in_the_type() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let _ = ring.entry::<Inactive>("k3").unwrap().revoke(at(20));
    let _ = ring.add(staged("k4", 10), at(10)).unwrap();
    assert!(matches!(ring.get("k1"), Some(KeyRef::Active(key)) if key.id() == "k1"));
    assert!(matches!(ring.get("k2"), Some(KeyRef::Retired(key)) if key.id() == "k2"));
    assert!(matches!(ring.get("k3"), Some(KeyRef::Revoked(key)) if key.id() == "k3"));
    assert!(matches!(ring.get("k4"), Some(KeyRef::Inactive(key)) if key.id() == "k4"));
    assert!(ring.get("k5").is_none());
}

#[test]
fn an_entry_of_another_status_says_what_it_is() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let _ = ring.entry::<Inactive>("k3").unwrap().revoke(at(20));
    let _ = ring.add(staged("k4", 10), at(10)).unwrap();
    let statuses = [
        ("k1", KeyStatus::Active),
        ("k2", KeyStatus::Retired),
        ("k3", KeyStatus::Revoked),
        ("k4", KeyStatus::Inactive),
    ];
    for (name, found) in statuses {
        let asked = [
            (KeyStatus::Active, ring.entry::<Active>(name).map(drop)),
            (KeyStatus::Inactive, ring.entry::<Inactive>(name).map(drop)),
            (KeyStatus::Retired, ring.entry::<Retired>(name).map(drop)),
            (KeyStatus::Revoked, ring.entry::<Revoked>(name).map(drop)),
        ];
        for (expected, answer) in asked {
            let wrong = EntryError::WrongStatus { id: id(name), expected, found };
            assert_eq!(answer, if expected == found { Ok(()) } else { Err(wrong) });
        }
    }
    assert_eq!(
        ring.rotate_to("k2", at(30)).unwrap_err().to_string(),
        "key `k2` is retired, and this needs a key that is inactive"
    );
    assert_eq!(ring.entry::<Active>("k1").unwrap().key().id().as_str(), "k1");
    assert_eq!(ring.entry::<Retired>("k2").unwrap().key().times().retired_at, Some(at(20)));
}

#[test]
fn an_unknown_id_is_not_found_and_a_destroyed_one_is_destroyed() {
    let mut ring = ring();
    let not_found = DecryptionKeyError::KeyNotFound { id: "k9".into() };
    assert_eq!(ring.decryption_key("k9").unwrap_err(), not_found);
    let no_entry = EntryError::KeyNotFound { id: "k9".into() };
    assert_eq!(ring.entry::<Inactive>("k9").unwrap_err(), no_entry);
    assert_eq!(ring.salvage_key("k9").unwrap_err(), no_entry);
    assert_eq!(ring.rotate_to("k9", at(30)).unwrap_err(), no_entry);

    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let tombstone = ring.entry::<Retired>("k2").unwrap().destroy(at(30));
    assert_eq!(tombstone, Destruction::new(id("k2"), at(30)));
    assert_eq!(
        ring.decryption_key("k2").unwrap_err(),
        DecryptionKeyError::KeyDestroyed { id: id("k2"), at: at(30) }
    );
    let destroyed = EntryError::KeyDestroyed { id: id("k2"), at: at(30) };
    assert_eq!(ring.entry::<Inactive>("k2").unwrap_err(), destroyed);
    assert_eq!(ring.salvage_key("k2").unwrap_err(), destroyed);
    assert_eq!(ring.rotate_to("k2", at(40)).unwrap_err(), destroyed);
    assert!(ring.get("k2").is_none());
    assert_eq!(ring.len(), 2);
    assert_eq!(ring.destroyed().collect::<Vec<_>>(), [&tombstone]);
}

#[test]
fn a_revoked_key_decrypts_nothing_and_salvages() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().revoke(at(20));
    let error = ring.decryption_key("k2").unwrap_err();
    assert_eq!(error, DecryptionKeyError::KeyRevoked { id: id("k2"), at: Some(at(20)) });
    assert_eq!(
        error.to_string(),
        "key `k2` was revoked at 1970-01-01T00:00:00.020Z: it is not trusted, so do not use what \
         it decrypts; a job that seals data again may salvage with it"
    );
    assert!(ring.decryption_keys().all(|key| key.id() != "k2"));
    assert!(ring.export_for_crypto().decryption_key("k2").is_err());
    let key = ring.salvage_key("k2").unwrap();
    assert_eq!((key.id().as_str(), key.material().as_str()), ("k2", "material of k2"));
    // It is a key of the ring all the same.
    assert_eq!((ring.len(), ids(&ring)), (3, vec!["k1", "k3", "k2"]));
    assert_eq!(ring.revoked().map(|key| key.id().as_str()).collect::<Vec<_>>(), ["k2"]);
}

#[test]
fn only_a_revoked_key_salvages() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let statuses =
        [("k1", KeyStatus::Active), ("k2", KeyStatus::Retired), ("k3", KeyStatus::Inactive)];
    for (name, found) in statuses {
        let expected = KeyStatus::Revoked;
        let wrong = EntryError::WrongStatus { id: id(name), expected, found };
        assert_eq!(ring.salvage_key(name).unwrap_err(), wrong);
    }
    let _ = ring.entry::<Retired>("k2").unwrap().revoke(at(30));
    assert_eq!(ring.salvage_key("k2").unwrap().material(), "material of k2");
    let _ = ring.entry::<Revoked>("k2").unwrap().restore(at(40));
    assert!(ring.salvage_key("k2").is_err() && ring.decryption_key("k2").is_ok());
}

#[test]
fn a_key_that_was_revoked_nobody_knows_when_says_so() {
    let record = |name, status| KeyRecord::new(id(name), status, at(1), ());
    let records = [record("a", KeyStatus::Active), record("v", KeyStatus::Revoked)];
    let ring = Keyring::from_records(records).unwrap();
    let error = ring.decryption_key("v").unwrap_err();
    assert_eq!(error, DecryptionKeyError::KeyRevoked { id: id("v"), at: None });
    assert!(error.to_string().starts_with("key `v` was revoked: it is not trusted"), "{error}");
}

#[test]
fn a_crypto_module_sees_what_decrypts_and_can_encrypt_with_one() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k3").unwrap().retire(at(30));
    let _ = ring.add(staged("k4", 10), at(10)).unwrap();
    let _ = ring.entry::<Inactive>("k4").unwrap().revoke(at(30));
    let keys = ring.export_for_crypto();
    assert_eq!(keys.active_key_id().as_str(), "k2");
    assert_eq!(keys.encryption_key().material(), "material of k2");
    assert_eq!(keys.decryption_key("k1").unwrap().material(), "material of k1");
    assert_eq!(keys.decryption_key("k3").unwrap().status(), KeyStatus::Retired);
    assert!(matches!(keys.decryption_key("k4"), Err(DecryptionKeyError::KeyRevoked { .. })));
    assert!(matches!(keys.decryption_key("k9"), Err(DecryptionKeyError::KeyNotFound { .. })));
    let ids: Vec<_> = keys.decryption_keys().map(|key| key.id().as_str()).collect();
    assert_eq!(ids, ["k2", "k1", "k3"]);
    // It outlives the view, as long as the ring is there.
    let key = { ring.export_for_crypto() }.encryption_key();
    assert_eq!(key.id().as_str(), "k2");
}

#[test]
fn a_fork_shares_the_material_and_goes_its_own_way() {
    let mut ring = ring();
    let mut fork = ring.fork();
    assert_eq!(fork.state(), ring.state());
    for name in ["k1", "k2", "k3"] {
        let [here, there] =
            [&ring, &fork].map(|ring| ring.decryption_key(name).unwrap().material());
        assert!(std::ptr::eq(here, there), "{name}");
    }
    let _ = fork.rotate_to("k2", at(20)).unwrap();
    let _ = fork.add(staged("k4", 20), at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k2").unwrap().revoke(at(30));
    assert_eq!((ids(&ring), ids(&fork)), (vec!["k1", "k3", "k2"], vec!["k2", "k1", "k3", "k4"]));
}

#[test]
fn the_state_has_the_keys_without_material_and_the_tombstones() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k3").unwrap().retire(at(30));
    let _ = ring.entry::<Retired>("k3").unwrap().destroy(at(40));
    let state = ring.state();
    assert_eq!(*state.active(), ring.active().info());
    let infos: Vec<_> = ring.iter().map(|key| key.info()).collect();
    assert_eq!(state.keys().cloned().collect::<Vec<_>>(), infos);
    assert_eq!(state.destroyed(), [Destruction::new(id("k3"), at(40))]);
    assert!(state.unprepared().is_empty() && state.refused().is_empty());
}

#[test]
fn the_state_prints_as_a_table() {
    let record = |name, status| KeyRecord::new(id(name), status, at(0), ());
    let mut ring = Keyring::from_parts(
        [
            record("2026-q3", KeyStatus::Active),
            record("imported", KeyStatus::Inactive),
            record("q4", KeyStatus::Inactive).staged(),
        ],
        [Destruction::new(id("2026-q1"), at(86_400_000))],
    )
    .unwrap();
    let _ = ring.rotate_to("q4", at(2_000)).unwrap();
    let _ = ring.entry::<Inactive>("2026-q3").unwrap().revoke(at(3_000));
    let _ = ring.add(Key::new(id("next"), (), at(1_000)), at(4_000)).unwrap();
    assert_eq!(
        ring.state().to_string(),
        "\
key       status     since
q4        active     1970-01-01T00:00:02.000Z
imported  inactive   unknown
next      inactive   1970-01-01T00:00:04.000Z  staged
2026-q3   revoked    1970-01-01T00:00:03.000Z
2026-q1   destroyed  1970-01-02T00:00:00.000Z
"
    );
}

#[test]
fn receipts_print_as_one_line() {
    let mut ring = ring();
    let lines = [
        ring.add(staged("k4", 10), at(11)).unwrap().to_string(),
        ring.rotate_to("k2", at(20)).unwrap().to_string(),
        ring.rotate_to("k1", at(30)).unwrap().to_string(),
        ring.rotate_to("k1", at(40)).unwrap().to_string(),
        ring.entry::<Inactive>("k2").unwrap().retire(at(50)).to_string(),
        ring.entry::<Retired>("k2").unwrap().revoke(at(60)).to_string(),
        ring.entry::<Revoked>("k2").unwrap().restore(at(55)).to_string(),
        ring.entry::<Retired>("k2").unwrap().destroy(at(70)).to_string(),
    ];
    assert_eq!(
        lines,
        [
            "key `k4` was added at 1970-01-01T00:00:00.011Z",
            "key `k2` became active at 1970-01-01T00:00:00.020Z, in the place of key `k1`",
            "key `k1` became active again at 1970-01-01T00:00:00.030Z, in the place of key `k2`",
            "key `k1` is active already, since 1970-01-01T00:00:00.030Z",
            "key `k2` was retired at 1970-01-01T00:00:00.050Z",
            "key `k2` was revoked at 1970-01-01T00:00:00.060Z",
            "key `k2` was restored as retired at 1970-01-01T00:00:00.060Z, and never encrypts \
             again (asked for at 1970-01-01T00:00:00.055Z, which is earlier than what the key \
             carried)",
            "key `k2` was destroyed at 1970-01-01T00:00:00.070Z",
        ]
    );
}

#[test]
fn an_active_key_of_unknown_age_is_active_already_without_a_time() {
    let record = KeyRecord::new(id("k1"), KeyStatus::Active, at(1), ());
    let mut ring = Keyring::from_records([record.with_times(Times::default())]).unwrap();
    let decision = ring.rotate_to("k1", at(20)).unwrap();
    let expected = RotationDecision::AlreadyActive { id: id("k1"), activated_at: None };
    assert_eq!(decision, expected);
    assert_eq!(decision.to_string(), "key `k1` is active already");
}
