//! The ring for those who only read: made of a ring or of what was published, and never changed.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use KeyStatus::{Active, Inactive, Retired, Revoked};
use key_rotation::error::{EntryError, TimeConflict, Violation};
use key_rotation::key::Destruction;
use key_rotation::policy::Refusal;
use key_rotation::{
    DecryptionKeyError, DecryptionKeyring, Key, KeyId, KeyInfo, KeyRecord, KeyStatus, Keyring,
    RotationPolicy, StrictSingleActive, Times, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn record(name: &str, status: KeyStatus) -> KeyRecord<String> {
    KeyRecord::new(id(name), status, at(10), format!("public of {name}"))
}

fn dated(name: &str, status: KeyStatus, millis: u64) -> KeyRecord<String> {
    let when = |of| (status == of).then_some(at(millis));
    record(name, status).with_times(Times {
        activated_at: when(Active),
        deactivated_at: when(Inactive),
        retired_at: when(Retired),
        revoked_at: when(Revoked),
        ..Times::default()
    })
}

fn reader(records: Vec<KeyRecord<String>>) -> DecryptionKeyring<String> {
    DecryptionKeyring::from_parts(records, [Destruction::new(id("x"), at(50))]).unwrap()
}

fn ids(reader: &DecryptionKeyring<String>) -> Vec<&str> {
    reader.decryption_keys().map(|key| key.id().as_str()).collect()
}

#[test]
fn a_reader_may_have_no_key_at_all() {
    let reader = DecryptionKeyring::<String>::from_parts([], []).unwrap();
    assert!(reader.is_empty());
    assert_eq!((reader.len(), reader.decryption_keys().count()), (0, 0));
    let not_found = DecryptionKeyError::KeyNotFound { id: "k1".into() };
    assert_eq!(reader.decryption_key("k1").unwrap_err(), not_found);
    // Nor if every key is destroyed.
    let reader = self::reader(vec![]);
    assert!(reader.is_empty());
    let destroyed = DecryptionKeyError::KeyDestroyed { id: id("x"), at: at(50) };
    assert_eq!(reader.decryption_key("x").unwrap_err(), destroyed);
}

#[test]
fn a_reader_needs_no_active_key_and_has_at_most_one() {
    let none = reader(vec![record("b", Inactive), record("c", Retired)]);
    assert_eq!((none.len(), ids(&none)), (2, vec!["b", "c"]));
    let one = reader(vec![record("b", Inactive), record("a", Active)]);
    assert_eq!((one.len(), ids(&one)), (2, vec!["a", "b"]));
    assert!(!one.decryption_key("a").unwrap().is_superseded());
    assert!(one.decryption_key("b").unwrap().is_superseded());

    let two = vec![record("a", Active), record("b", Active)];
    let error = DecryptionKeyring::from_parts(two, []).unwrap_err();
    let ids = vec![id("a"), id("b")];
    assert_eq!(error.violations(), [Violation::MultipleActiveKeys { ids }]);
}

#[test]
fn the_border_is_that_of_a_ring() {
    let records = vec![
        record("twice", Inactive),
        record("twice", Revoked),
        record("x", Retired),
        dated("late", Active, 5).with_times(Times {
            created_at: Some(at(9)),
            activated_at: Some(at(5)),
            ..Times::default()
        }),
    ];
    let tombstone = Destruction::new(id("x"), at(50));
    let violations = [
        Violation::DuplicateKeyId { id: id("twice") },
        Violation::DestroyedKeyId { id: id("x") },
        Violation::InconsistentTimes {
            id: id("late"),
            conflict: TimeConflict::BeforeCreation { event: key_rotation::error::Event::Activated },
        },
    ];
    let read = DecryptionKeyring::from_parts(records.clone(), [tombstone.clone()]).unwrap_err();
    let ring = Keyring::from_parts(records, [tombstone]).unwrap_err();
    assert_eq!((read.violations(), ring.violations()), (&violations[..], &violations[..]));
}

#[test]
fn lookups_answer_as_those_of_a_ring() {
    let reader = reader(vec![
        record("a", Active),
        record("i", Inactive),
        record("s", Inactive).staged(),
        dated("r", Retired, 20),
        dated("v", Revoked, 30),
        record("w", Revoked),
    ]);
    assert_eq!(reader.len(), 6);
    for (name, status, superseded) in
        [("a", Active, false), ("i", Inactive, true), ("s", Inactive, false), ("r", Retired, true)]
    {
        let key = reader.decryption_key(name).unwrap();
        assert_eq!((key.id().as_str(), key.status()), (name, status));
        assert_eq!(
            (key.is_superseded(), key.material()),
            (superseded, &format!("public of {name}"))
        );
        assert_eq!(
            reader.salvage_key(name).unwrap_err(),
            EntryError::WrongStatus { id: id(name), expected: Revoked, found: status }
        );
    }
    for (name, when) in [("v", Some(at(30))), ("w", None)] {
        let revoked = DecryptionKeyError::KeyRevoked { id: id(name), at: when };
        assert_eq!(reader.decryption_key(name).unwrap_err(), revoked);
        let salvage = reader.salvage_key(name).unwrap();
        let expected = (name, &format!("public of {name}"));
        assert_eq!((salvage.id().as_str(), salvage.material()), expected);
    }
    let destroyed = EntryError::KeyDestroyed { id: id("x"), at: at(50) };
    assert_eq!(reader.salvage_key("x").unwrap_err(), destroyed);
    let not_found = EntryError::KeyNotFound { id: "k9".into() };
    assert_eq!(reader.salvage_key("k9").unwrap_err(), not_found);
    let longer = "k".repeat(KeyId::MAX_LEN + 1);
    assert!(matches!(reader.decryption_key(&longer), Err(DecryptionKeyError::KeyNotFound { .. })));
}

#[test]
fn the_order_is_that_of_a_ring() {
    let records = vec![
        dated("v", Revoked, 30),
        dated("r1", Retired, 20),
        record("s2", Inactive).staged(),
        dated("d1", Inactive, 20),
        record("s1", Inactive).staged(),
        dated("a", Active, 40),
        dated("r2", Retired, 30),
        dated("d2", Inactive, 30),
        dated("d3", Inactive, 30),
    ];
    let ring = Keyring::from_records(records.clone()).unwrap();
    let promised: Vec<_> = ring.decryption_keys().map(|key| key.id().to_string()).collect();
    assert_eq!(promised, ["a", "d2", "d3", "d1", "s2", "s1", "r2", "r1"]);
    assert_eq!(ids(&reader(records)), promised);
    assert_eq!(ids(&ring.decryption_only()), promised);
}

#[test]
fn a_reader_that_was_made_of_a_ring_is_what_the_ring_was_then() {
    let key = |name: &str| Key::new(id(name), format!("public of {name}"), at(10));
    let mut ring = Keyring::new(key("k1").activate(at(10)));
    let _ = ring.add(key("k2"), at(10)).unwrap();
    let before = ring.decryption_only();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let _ = ring.entry::<key_rotation::Inactive>("k1").unwrap().revoke(at(30));
    let after = ring.decryption_only();
    assert_eq!((ids(&before), ids(&after)), (vec!["k1", "k2"], vec!["k2"]));
    assert!(!before.decryption_key("k1").unwrap().is_superseded());
    let here = before.decryption_key("k2").unwrap();
    let there = ring.decryption_key("k2").unwrap();
    assert!(std::ptr::eq(here.material(), there.material()));
    assert_eq!((here.status(), there.status()), (Inactive, Active));
    let owned = here.to_owned();
    drop((before, ring));
    assert_eq!(owned.as_key().material(), "public of k2");
}

/// Refuses to decrypt with this key.
struct Refuses(&'static str);

impl RotationPolicy for Refuses {
    fn may_activate(
        &self,
        _: &KeyInfo,
        _: &key_rotation::policy::Fleet,
        _: Timestamp,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        if key.id == self.0 { Err(Refusal::new("it leaked").until(now)) } else { Ok(()) }
    }
}

#[test]
fn a_reader_enforces_a_policy_of_its_own() {
    let mut reader = reader(vec![
        record("a", Active),
        record("i", Inactive),
        record("r", Retired),
        record("v", Revoked),
    ]);
    for refused in ["a", "i", "r"] {
        reader.enforce(&Refuses(refused), at(60));
        for name in ["a", "i", "r"] {
            let reason = Refusal::new("it leaked").until(at(60));
            let not_allowed = DecryptionKeyError::NotAllowed { id: id(name), reason };
            let expected = if name == refused { Err(not_allowed) } else { Ok(()) };
            assert_eq!(reader.decryption_key(name).map(drop), expected);
        }
        assert!(!ids(&reader).contains(&refused));
        assert_eq!((reader.len(), ids(&reader).len()), (4, 2));
    }
    // A revoked key is that, whatever the policy says.
    reader.enforce(&Refuses("v"), at(60));
    assert!(matches!(reader.decryption_key("v"), Err(DecryptionKeyError::KeyRevoked { .. })));
    assert!(reader.salvage_key("v").is_ok());
    let policy: &dyn RotationPolicy = &StrictSingleActive;
    reader.enforce(policy, at(70));
    assert_eq!(ids(&reader), ["a", "i", "r"]);
}
