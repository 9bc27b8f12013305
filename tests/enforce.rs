//! What a policy does to a ring that enforces it: marks that refuse, go along, and lose nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::BTreeSet;

use key_rotation::policy::{Fleet, Refusal, days, hours, minutes};
use key_rotation::{
    Apart, Cryptoperiods, DecryptionKeyError, Inactive, Key, KeyId, KeyInfo, Keyring, Retired,
    Revoked, RotationPolicy, StrictSingleActive, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn key(name: &str) -> Key<Inactive, String> {
    Key::new(id(name), format!("material of {name}"), at(1))
}

/// k1 is active, k2 staged, k3 demoted, k4 retired and k5 revoked.
fn ring() -> Keyring<String> {
    let mut ring = Keyring::new(key("k3").activate(at(10)));
    for name in ["k1", "k2", "k4", "k5"] {
        let _ = ring.add(key(name), at(10)).unwrap();
    }
    let _ = ring.rotate_to("k1", at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k4").unwrap().retire(at(30));
    let _ = ring.entry::<Inactive>("k5").unwrap().revoke(at(40));
    ring
}

/// Refuses to decrypt with these keys.
struct Refuses<const N: usize>([&'static str; N]);

impl<const N: usize> RotationPolicy for Refuses<N> {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        if self.0.contains(&key.id.as_str()) {
            return Err(reason(&key.id, now));
        }
        Ok(())
    }
}

fn reason(id: &KeyId, now: Timestamp) -> Refusal {
    Refusal::new(format!("{id} was found in a log")).until(now.saturating_add(days(1)))
}

fn not_allowed(name: &str, now: Timestamp) -> DecryptionKeyError {
    DecryptionKeyError::NotAllowed { id: id(name), reason: reason(&id(name), now) }
}

/// The ring answers for these keys that the policy refuses them, and for the others what it did.
fn refuses(ring: &Keyring<String>, names: &[&str], now: Timestamp) {
    for name in ["k1", "k2", "k3", "k4"] {
        let expected = if names.contains(&name) { Err(not_allowed(name, now)) } else { Ok(name) };
        let module = ring.export_for_crypto();
        let reader = ring.decryption_only();
        for answer in
            [ring.decryption_key(name), module.decryption_key(name), reader.decryption_key(name)]
        {
            let answer = answer.map(|key| key.material().trim_start_matches("material of "));
            assert_eq!(answer, expected);
        }
    }
    let order = ["k1", "k3", "k2", "k4"].into_iter().filter(|name| !names.contains(name));
    let order: Vec<_> = order.collect();
    let listed = |ids: Vec<&str>| assert_eq!(ids, order);
    listed(ring.decryption_keys().map(|key| key.id().as_str()).collect());
    listed(ring.export_for_crypto().decryption_keys().map(|key| key.id().as_str()).collect());
    let reader = ring.decryption_only();
    listed(reader.decryption_keys().map(|key| key.id().as_str()).collect());
    let state = ring.state();
    let refused: BTreeSet<_> = state.refused().iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(refused, names.iter().copied().collect());
}

#[test]
fn a_key_that_the_policy_refuses_is_not_allowed_until_it_is_enforced_with_another_answer() {
    let mut ring = ring();
    refuses(&ring, &[], at(0));
    ring.enforce(&Refuses(["k4", "k3"]), at(50));
    refuses(&ring, &["k3", "k4"], at(50));
    assert_eq!(
        ring.decryption_key("k4").unwrap_err().to_string(),
        "key `k4` may not decrypt: k4 was found in a log (allowed from 1970-01-02T00:00:00.050Z)"
    );
    // Each call judges all keys anew.
    ring.enforce(&Refuses(["k2", "k4"]), at(60));
    refuses(&ring, &["k2", "k4"], at(60));
    let policy: &dyn RotationPolicy = &Refuses([]);
    ring.enforce(policy, at(70));
    refuses(&ring, &[], at(70));
}

#[test]
fn the_active_key_is_refused_too_and_encrypts_all_the_same() {
    let mut ring = ring();
    ring.enforce(&Refuses(["k1"]), at(50));
    refuses(&ring, &["k1"], at(50));
    assert_eq!(ring.encryption_key().id(), "k1");
    ring.enforce(&Refuses(["k1", "k2", "k3", "k4"]), at(51));
    refuses(&ring, &["k1", "k2", "k3", "k4"], at(51));
    ring.enforce(&StrictSingleActive, at(52));
    refuses(&ring, &[], at(52));
}

#[test]
fn other_answers_stay_what_they_are() {
    let mut ring = ring();
    let _ = ring.add(key("k6"), at(10)).unwrap();
    let _ = ring.entry::<Inactive>("k6").unwrap().retire(at(20));
    let tombstone = ring.entry::<Retired>("k6").unwrap().destroy(at(30));
    ring.enforce(&Refuses(["k1", "k5", "k6", "k9"]), at(50));
    assert!(matches!(
        ring.decryption_key("k5"),
        Err(DecryptionKeyError::KeyRevoked { at: Some(when), .. }) if when == at(40)
    ));
    assert!(ring.salvage_key("k5").is_ok());
    let destroyed = DecryptionKeyError::KeyDestroyed { id: tombstone.id, at: at(30) };
    assert_eq!(ring.decryption_key("k6").unwrap_err(), destroyed);
    let not_found = DecryptionKeyError::KeyNotFound { id: "k9".into() };
    assert_eq!(ring.decryption_key("k9").unwrap_err(), not_found);
    refuses(&ring, &["k1"], at(50));
}

#[test]
fn a_policy_is_asked_once_about_each_key_that_may_decrypt() {
    use std::cell::RefCell;
    struct Asked(RefCell<Vec<KeyInfo>>);
    impl RotationPolicy for Asked {
        fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
            panic!("nothing is activated")
        }
        fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
            assert_eq!(now, at(50));
            self.0.borrow_mut().push(key.clone());
            Ok(())
        }
    }
    let mut ring = ring();
    let asked = Asked(RefCell::default());
    ring.enforce(&asked, at(50));
    let mut asked = asked.0.into_inner();
    asked.sort_by(|a, b| a.id.cmp(&b.id));
    let expected = ["k1", "k2", "k3", "k4"].map(|name| ring.get(name).unwrap().info());
    assert_eq!(asked, expected);
}

#[test]
fn the_marks_go_along_when_the_active_key_changes() {
    let mut ring = ring();
    ring.enforce(&Refuses(["k1", "k2"]), at(50));
    // The active key becomes inactive, and the staged one active.
    let _ = ring.rotate_to("k2", at(60)).unwrap();
    assert_eq!(ring.encryption_key().id(), "k2");
    for name in ["k1", "k2"] {
        assert_eq!(ring.decryption_key(name).unwrap_err(), not_allowed(name, at(50)));
    }
    assert!(ring.decryption_key("k3").is_ok());
    // A key that was added since then has not been judged.
    let _ = ring.rotate_in(key("k6"), at(70)).unwrap();
    assert!(ring.decryption_key("k6").is_ok());
    let _ = ring.rotate_to("k3", at(80)).unwrap();
    assert!(ring.decryption_key("k6").is_ok() && ring.decryption_key("k3").is_ok());
    for name in ["k1", "k2"] {
        assert_eq!(ring.decryption_key(name).unwrap_err(), not_allowed(name, at(50)));
    }
    let refused: Vec<_> = ring.decryption_keys().map(|key| key.id().to_string()).collect();
    assert_eq!(refused, ["k3", "k6", "k4"]);
}

#[test]
fn a_key_that_is_retired_stays_refused_and_one_that_is_revoked_or_destroyed_is_that() {
    let mut ring = ring();
    ring.enforce(&Refuses(["k2", "k3", "k4"]), at(50));
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(60));
    assert_eq!(ring.decryption_key("k2").unwrap_err(), not_allowed("k2", at(50)));
    let _ = ring.entry::<Inactive>("k3").unwrap().revoke(at(60));
    let revoked = DecryptionKeyError::KeyRevoked { id: id("k3"), at: Some(at(60)) };
    assert_eq!(ring.decryption_key("k3").unwrap_err(), revoked);
    let _ = ring.entry::<Retired>("k4").unwrap().destroy(at(60));
    let destroyed = DecryptionKeyError::KeyDestroyed { id: id("k4"), at: at(60) };
    assert_eq!(ring.decryption_key("k4").unwrap_err(), destroyed);
    let reader = ring.decryption_only();
    assert_eq!(reader.decryption_key("k3").unwrap_err(), revoked);
    // What is restored is refused as before, until the policy has judged it anew.
    let _ = ring.entry::<Revoked>("k3").unwrap().restore(at(70));
    assert_eq!(ring.decryption_key("k3").unwrap_err(), not_allowed("k3", at(50)));
    let refused = ["k2", "k3"].map(|name| (id(name), reason(&id(name), at(50))));
    assert_eq!(ring.state().refused(), refused);
    ring.enforce(&Refuses(["k2"]), at(80));
    assert!(ring.decryption_key("k3").is_ok());
}

#[test]
fn the_marks_go_along_with_every_ring_that_is_made_of_it() {
    let mut ring = ring();
    ring.enforce(&Refuses(["k1", "k4"]), at(50));
    refuses(&ring.fork(), &["k1", "k4"], at(50));
    refuses(&ring.map(|_, material| material.clone()), &["k1", "k4"], at(50));
    let left = ring.map_or_leave(|_, material| Ok(material.clone())).unwrap();
    refuses(&left, &["k1", "k4"], at(50));
    let pairs: Keyring<u8, Apart<u8>> =
        ring.try_split(|_, _| Ok::<_, ()>(1), |_, _| Ok(2)).unwrap();
    for (name, refused) in [("k1", true), ("k2", false), ("k3", false), ("k4", true)] {
        let answer = pairs.decryption_key(name).map(|key| *key.material());
        assert_eq!(answer, if refused { Err(not_allowed(name, at(50))) } else { Ok(2) });
        let reader = pairs.decryption_only();
        assert_eq!(reader.decryption_key(name).map(|key| *key.material()), answer);
    }
    // And another answer to one of them is none to the others.
    let mut fork = ring.fork();
    fork.enforce(&StrictSingleActive, at(60));
    refuses(&fork, &[], at(60));
    refuses(&ring, &["k1", "k4"], at(50));
}

#[test]
fn nothing_is_lost_by_it() {
    let mut ring = ring();
    let before = ring.fork();
    ring.enforce(&Refuses(["k1", "k2", "k3", "k4"]), at(50));
    assert_eq!(ring.len(), before.len());
    assert_eq!(ring.get("k4").map(|key| key.info()), before.get("k4").map(|key| key.info()));
    let infos = |ring: &Keyring<String>| ring.iter().map(|key| key.info()).collect::<Vec<_>>();
    assert_eq!(infos(&ring), infos(&before));
    // It is stored whole, and judged anew where it is loaded.
    let (records, destroyed) = ring.into_parts();
    let again = Keyring::from_parts(records, destroyed).unwrap();
    assert_eq!(again.state(), before.state());
    for key in again.decryption_keys() {
        let same = before.decryption_key(key.id().as_str()).unwrap().material();
        assert!(std::ptr::eq(key.material(), same));
    }
    refuses(&again, &[], at(0));
}

#[test]
fn a_grace_that_ends_is_enforced_from_its_end_on() {
    const POLICY: Cryptoperiods = Cryptoperiods::builder(hours(1), minutes(5))
        .grace(days(30))
        .data_lifetime(days(1))
        .build_static();
    let mut ring = ring();
    let ends = at(30).saturating_add(days(30));
    let last = ends.saturating_sub(std::time::Duration::from_millis(1));
    ring.enforce(&POLICY, last);
    assert!(ring.decryption_key("k4").is_ok());
    ring.enforce(&POLICY, ends);
    let Err(DecryptionKeyError::NotAllowed { reason, .. }) = ring.decryption_key("k4") else {
        panic!("the grace of k4 is over")
    };
    assert_eq!(reason.rule(), Some(key_rotation::policy::Rule::Grace));
    let allowed: Vec<_> = ring.decryption_keys().map(|key| key.id().as_str()).collect();
    assert_eq!(allowed, ["k1", "k3", "k2"]);
}

#[test]
fn the_state_prints_what_may_not_decrypt() {
    let mut ring = ring();
    ring.enforce(&Refuses(["k4"]), at(50));
    let text = ring.state().to_string();
    let line = text.lines().find(|line| line.starts_with("k4")).unwrap();
    assert_eq!(
        line,
        "k4   retired   1970-01-01T00:00:00.030Z  may not decrypt: k4 was found in a log (allowed \
         from 1970-01-02T00:00:00.050Z)"
    );
    assert_eq!(text.matches("may not decrypt").count(), 1);
}
