//! The ring: lookups, transitions, order, receipts, and what stays as it was when something fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::{
    Active, DecryptionKeyError, Destruction, EntryError, Inactive, Key, KeyId, KeyInfo, KeyRef,
    KeyStatus, Keyring, Refusal, Retired, RotationDecision, RotationPolicy, TakenBy, Timestamp,
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
        let _ = ring.add(staged(name, 10)).unwrap();
    }
    ring
}

fn ids<M>(ring: &Keyring<M>) -> Vec<String> {
    ring.iter().map(|key| key.id().to_string()).collect()
}

#[test]
fn a_rotation_makes_one_key_active_and_the_other_inactive_at_the_same_time() {
    let mut ring = ring();
    let rotation = ring.entry::<Inactive>("k2").unwrap().activate(at(20));
    assert_eq!((rotation.from.as_str(), rotation.to.as_str()), ("k1", "k2"));
    assert_eq!((rotation.at, rotation.reactivated), (at(20), false));

    assert_eq!(ring.active().id().as_str(), "k2");
    assert_eq!(ring.active().activated_at(), Some(at(20)));
    let Some(KeyRef::Inactive(old)) = ring.get("k1") else { panic!("k1 is not inactive") };
    assert_eq!((old.activated_at(), old.status_since()), (Some(at(10)), at(20)));
    assert_eq!(ring.len(), 3);

    let back = ring.entry::<Inactive>("k1").unwrap().activate(at(30));
    assert!(back.reactivated);
    assert_eq!(ring.encryption_key().material(), "material of k1");
}

#[test]
fn rotating_to_the_active_key_is_an_outcome_and_changes_nothing() {
    let mut ring = ring();
    let before = ring.state();
    let decision = ring.rotate_to("k1", at(99)).unwrap();
    assert_eq!(decision, RotationDecision::AlreadyActive { id: id("k1"), activated_at: at(10) });
    assert_eq!(ring.state(), before);
}

#[test]
fn an_entry_of_another_status_says_what_it_is() {
    let mut ring = ring();
    let wrong = |expected, found, name| EntryError::WrongStatus { id: id(name), expected, found };
    assert_eq!(
        ring.entry::<Active>("k2").unwrap_err(),
        wrong(KeyStatus::Active, KeyStatus::Inactive, "k2")
    );
    assert_eq!(
        ring.entry::<Inactive>("k1").unwrap_err(),
        wrong(KeyStatus::Inactive, KeyStatus::Active, "k1")
    );
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    assert_eq!(
        ring.rotate_to("k2", at(30)).unwrap_err(),
        wrong(KeyStatus::Inactive, KeyStatus::Retired, "k2")
    );
    assert_eq!(
        ring.entry::<Active>("k2").unwrap_err().to_string(),
        "key `k2` is retired, and this needs a key that is active"
    );
    assert_eq!(ring.entry::<Active>("k1").unwrap().key().id().as_str(), "k1");
    assert_eq!(ring.entry::<Retired>("k2").unwrap().key().status_since(), at(20));
}

#[test]
fn an_entry_that_is_not_used_changes_nothing() {
    let mut ring = ring();
    let before = ring.state();
    drop(ring.entry::<Inactive>("k2").unwrap());
    assert_eq!(ring.state(), before);
}

#[test]
fn an_unknown_id_is_not_found_and_a_destroyed_one_is_destroyed() {
    let mut ring = ring();
    let error = ring.decryption_key("k9").unwrap_err();
    let DecryptionKeyError::KeyNotFound { id: shown } = &error else { panic!("{error}") };
    assert_eq!(shown.as_str(), "k9");
    assert!(matches!(ring.entry::<Inactive>("k9"), Err(EntryError::KeyNotFound { .. })));

    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let tombstone = ring.entry::<Retired>("k2").unwrap().destroy(at(30));
    assert_eq!(tombstone, Destruction::new(id("k2"), at(30)));
    assert_eq!(
        ring.decryption_key("k2").unwrap_err(),
        DecryptionKeyError::KeyDestroyed { id: id("k2"), at: at(30) }
    );
    let destroyed = EntryError::KeyDestroyed { id: id("k2"), at: at(30) };
    assert_eq!(ring.entry::<Inactive>("k2").unwrap_err(), destroyed);
    assert_eq!(ring.rotate_to("k2", at(40)).unwrap_err(), destroyed);
    assert!(ring.get("k2").is_none());
    assert_eq!(ring.len(), 2);
    assert_eq!(ring.destroyed().collect::<Vec<_>>(), [&tombstone]);
}

#[test]
fn an_id_is_never_used_twice_and_the_key_comes_back() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let taken = |ring: &mut Keyring<String>, name: &str| {
        let before = ring.state();
        let error = ring.add(Key::new(id(name), "the new one".to_owned(), at(50))).unwrap_err();
        assert_eq!(ring.state(), before);
        let taken_by = error.taken_by();
        let key = error.into_key();
        assert_eq!((key.id().as_str(), key.created_at()), (name, at(50)));
        assert_eq!(key.decryption_key().material(), "the new one");
        taken_by
    };
    assert_eq!(taken(&mut ring, "k1"), TakenBy::Key(KeyStatus::Active));
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Key(KeyStatus::Retired));
    assert_eq!(taken(&mut ring, "k3"), TakenBy::Key(KeyStatus::Inactive));

    let _ = ring.entry::<Retired>("k2").unwrap().destroy(at(60));
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Tombstone { at: at(60) });
    let (records, destroyed) = ring.into_parts();
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Tombstone { at: at(60) });
}

#[test]
fn a_clock_that_is_behind_cannot_write_a_ring_that_does_not_load() {
    let mut ring = ring();
    assert_eq!(ring.entry::<Inactive>("k2").unwrap().activate(at(100)).at, at(100));
    // The other key's times count as well: k3 itself carries nothing later than 10.
    assert_eq!(ring.entry::<Inactive>("k3").unwrap().activate(at(50)).at, at(100));
    assert_eq!(ring.entry::<Inactive>("k1").unwrap().retire(at(20)).at, at(100));
    assert_eq!(ring.entry::<Retired>("k1").unwrap().destroy(at(1)).at, at(100));
    let _ = ring.add(staged("k4", 500)).unwrap();
    assert_eq!(ring.entry::<Inactive>("k4").unwrap().activate(at(200)).at, at(500));
    assert_eq!(ring.get("k3").unwrap().status_since(), at(500));

    let before = ring.state();
    let (records, destroyed) = ring.into_parts();
    assert_eq!(Keyring::from_parts(records, destroyed).unwrap().state(), before);
}

#[test]
fn keys_are_listed_in_the_promised_order() {
    let mut ring = Keyring::new(staged("a", 1).activate(at(1)));
    for name in ["z", "b", "y", "c", "x", "r1", "r2", "r3"] {
        let _ = ring.add(staged(name, 1)).unwrap();
    }
    let _ = ring.rotate_to("b", at(10)).unwrap();
    let _ = ring.rotate_to("c", at(20)).unwrap();
    for (name, millis) in [("r2", 30), ("r1", 50), ("r3", 40)] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(millis));
    }
    let promised = ["c", "b", "a", "z", "y", "x", "r1", "r3", "r2"];
    assert_eq!(ids(&ring), promised);
    let order = ring.decryption_keys().map(|key| key.id().to_string());
    assert_eq!(order.collect::<Vec<_>>(), promised);
    assert_eq!(ids(&ring.fork()), promised);
    assert_eq!(ids(&ring.map(|_, _| ())), promised);
    assert_eq!(ring.state().keys().map(|key| key.id.as_str()).collect::<Vec<_>>(), promised);

    let (records, destroyed) = ring.into_parts();
    assert_eq!(records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), promised);
    assert_eq!(ids(&Keyring::from_parts(records, destroyed).unwrap()), promised);
}

#[test]
fn the_promised_order_holds_within_one_millisecond() {
    let mut ring = Keyring::new(staged("a", 1).activate(at(1)));
    for name in ["b", "c", "d", "r1", "r2"] {
        let _ = ring.add(staged(name, 1)).unwrap();
    }
    for name in ["c", "b", "d"] {
        let _ = ring.rotate_to(name, at(1)).unwrap();
    }
    for name in ["r2", "r1"] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(1));
    }
    let promised = ["d", "b", "c", "a", "r1", "r2"];
    assert_eq!(ids(&ring), promised);
    assert_eq!(ids(&ring.fork()), promised);
    let (records, destroyed) = ring.into_parts();
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    assert_eq!(ids(&ring), promised);
    let _ = ring.rotate_to("a", at(1)).unwrap();
    assert_eq!(ids(&ring), ["a", "d", "b", "c", "r1", "r2"]);
}

#[test]
fn tombstones_are_listed_latest_first() {
    let mut ring = ring();
    for (name, millis) in [("k3", 40), ("k2", 50)] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(20));
        let _ = ring.entry::<Retired>(name).unwrap().destroy(at(millis));
    }
    let listed: Vec<_> = ring.destroyed().map(|tombstone| tombstone.id.as_str()).collect();
    assert_eq!(listed, ["k2", "k3"]);
    let (_, destroyed) = ring.into_parts();
    assert_eq!(destroyed, [Destruction::new(id("k2"), at(50)), Destruction::new(id("k3"), at(40))]);
}

#[test]
fn mapping_changes_the_material_and_nothing_else() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(at(30));
    let _ = ring.entry::<Retired>("k1").unwrap().destroy(at(40));
    let mut asked = Vec::new();
    let mapped = ring.map(|id, material| {
        asked.push(id.to_string());
        material.len()
    });
    assert_eq!(asked, ids(&ring));
    assert_eq!(mapped.state(), ring.state());
    assert_eq!(mapped.encryption_key().material(), &"material of k2".len());

    let mut calls = 0;
    let failed = ring.try_map(|id, _| {
        calls += 1;
        if id.as_str() == "k3" { Err("cannot unwrap k3") } else { Ok(()) }
    });
    assert_eq!(failed.unwrap_err(), "cannot unwrap k3");
    assert_eq!(calls, 2);
}

#[test]
fn a_fork_shares_the_material_and_goes_its_own_way() {
    let material = Arc::new("shared".to_owned());
    let key = Key::from_shared(id("k1"), Arc::clone(&material), at(1)).activate(at(1));
    let mut ring = Keyring::new(key);
    let _ = ring.add(staged("k2", 1)).unwrap();
    let mut fork = ring.fork();
    assert!(std::ptr::eq(fork.encryption_key().material(), ring.encryption_key().material()));
    assert_eq!(Arc::strong_count(&material), 3);

    let _ = fork.rotate_to("k2", at(2)).unwrap();
    let _ = fork.add(staged("k3", 2)).unwrap();
    assert_eq!((ring.active().id().as_str(), ring.len()), ("k1", 2));
    assert_eq!((fork.active().id().as_str(), fork.len()), ("k2", 3));
}

#[test]
fn a_transition_leaves_no_second_owner_of_the_material_behind() {
    let material = Arc::new("shared".to_owned());
    let mut ring = ring();
    let _ = ring.add(Key::from_shared(id("k4"), Arc::clone(&material), at(10))).unwrap();
    assert_eq!(Arc::strong_count(&material), 2);
    let _ = ring.rotate_to("k4", at(20)).unwrap();
    assert_eq!(Arc::strong_count(&material), 2);
    let _ = ring.rotate_to("k1", at(30)).unwrap();
    let _ = ring.entry::<Inactive>("k4").unwrap().retire(at(40));
    assert_eq!(Arc::strong_count(&material), 2);
    let _ = ring.entry::<Retired>("k4").unwrap().destroy(at(50));
    assert_eq!(Arc::strong_count(&material), 1);
}

#[test]
fn a_crypto_module_sees_every_key_and_can_encrypt_with_one() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let keys = ring.export_for_crypto();
    assert_eq!(keys.active_key_id().as_str(), "k2");
    assert_eq!(keys.encryption_key().material(), "material of k2");
    assert_eq!(keys.get("k1").map(|key| key.material().as_str()), Some("material of k1"));
    assert!(keys.get("k9").is_none());
    let current: Vec<_> = keys.iter().filter(|key| key.is_current()).map(|key| key.id()).collect();
    assert_eq!(current, [keys.active_key_id()]);
    assert_eq!(keys.iter().count(), 3);
}

/// Retired keys decrypt for ten milliseconds.
struct Grace;

impl RotationPolicy for Grace {
    fn may_activate(&self, _key: &KeyInfo, _at: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        let ends = at(key.status_since.as_unix_millis() + 10);
        if key.status == KeyStatus::Retired && now > ends {
            return Err(Refusal::new(format!("its grace period ended at {ends}")));
        }
        Ok(())
    }
}

#[test]
fn a_key_that_the_policy_refuses_is_not_allowed_and_not_unknown() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    assert!(ring.decryption_key_under("k2", &Grace, at(30)).is_ok());
    let policy: &dyn RotationPolicy = &Grace;
    let error = ring.decryption_key_under("k2", policy, at(31)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key `k2` may not decrypt: its grace period ended at 1970-01-01T00:00:00.030Z"
    );
    assert!(matches!(error, DecryptionKeyError::NotAllowed { .. }));
    assert!(ring.decryption_key_under("k1", policy, at(9_999)).is_ok());
    assert!(matches!(
        ring.decryption_key_under("k9", policy, at(31)),
        Err(DecryptionKeyError::KeyNotFound { .. })
    ));
    // The plain lookup stays what it is.
    assert!(ring.decryption_key("k2").is_ok());
}

#[test]
fn a_large_ring_finds_every_key() {
    let mut ring = Keyring::new(staged("k0", 1).activate(at(1)));
    for n in 1..2_000 {
        let _ = ring.add(staged(&format!("k{n}"), 1)).unwrap();
        if n % 3 == 0 {
            let _ = ring.rotate_to(&format!("k{n}"), at(n)).unwrap();
        }
    }
    assert_eq!(ring.len(), 2_000);
    for n in 0..2_000 {
        let name = format!("k{n}");
        assert_eq!(ring.decryption_key(&name).unwrap().material(), &format!("material of {name}"));
    }
    assert!(ring.get("k2000").is_none());
    assert_eq!(ring.iter().filter(|key| key.status() == KeyStatus::Active).count(), 1);
}

#[test]
fn the_state_prints_as_a_table() {
    let mut ring = Keyring::builder()
        .active(staged("2026-q3", 0).activate(at(0)))
        .inactive(staged("q4", 1_000))
        .destroyed(Destruction::new(id("2026-q1"), at(86_400_000)))
        .build()
        .unwrap();
    let _ = ring.rotate_to("q4", at(2_000)).unwrap();
    assert_eq!(
        ring.state().to_string(),
        "\
key      status     created                   activated                 in this status since
q4       active     1970-01-01T00:00:01.000Z  1970-01-01T00:00:02.000Z  1970-01-01T00:00:02.000Z
2026-q3  inactive   unknown                   unknown                   1970-01-01T00:00:02.000Z
2026-q1  destroyed                                                      1970-01-02T00:00:00.000Z
"
    );
}

#[test]
fn receipts_print_as_one_line() {
    let mut ring = ring();
    let lines = [
        ring.add(staged("k4", 10)).unwrap().to_string(),
        ring.rotate_to("k2", at(20)).unwrap().to_string(),
        ring.rotate_to("k1", at(30)).unwrap().to_string(),
        ring.rotate_to("k1", at(40)).unwrap().to_string(),
        ring.entry::<Inactive>("k2").unwrap().retire(at(50)).to_string(),
        ring.entry::<Retired>("k2").unwrap().destroy(at(60)).to_string(),
    ];
    assert_eq!(
        lines,
        [
            "key `k4` was added at 1970-01-01T00:00:00.010Z",
            "key `k2` became active at 1970-01-01T00:00:00.020Z, in the place of key `k1`",
            "key `k1` became active again at 1970-01-01T00:00:00.030Z, in the place of key `k2`",
            "key `k1` is active already, since 1970-01-01T00:00:00.030Z",
            "key `k2` was retired at 1970-01-01T00:00:00.050Z",
            "key `k2` was destroyed at 1970-01-01T00:00:00.060Z",
        ]
    );
}

#[test]
fn a_key_with_the_longest_id_is_found_and_a_longer_one_is_not() {
    let longest = "k".repeat(KeyId::MAX_LEN);
    let mut ring = ring();
    let _ = ring.add(staged(&longest, 10)).unwrap();
    assert!(ring.decryption_key(&longest).is_ok());
    assert!(ring.get(&format!("{longest}k")).is_none());
}

#[test]
fn the_tombstone_is_written_before_the_material_is_dropped() {
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0 || std::thread::panicking(), "the material breaks when it is dropped");
        }
    }
    let mut ring = Keyring::new(Key::new(id("a"), Bomb(false), at(1)).activate(at(1)));
    let _ = ring.add(Key::new(id("r"), Bomb(true), at(1))).unwrap();
    let _ = ring.entry::<Inactive>("r").unwrap().retire(at(2));
    let destroyed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ring.entry::<Retired>("r").unwrap().destroy(at(3))
    }));
    assert!(destroyed.is_err());
    assert_eq!(ring.destroyed().count(), 1);
    assert!(matches!(ring.decryption_key("r"), Err(DecryptionKeyError::KeyDestroyed { .. })));
    assert_eq!(ring.active().id().as_str(), "a");
}

#[test]
fn a_key_whose_material_breaks_when_dropped_takes_no_other_with_it() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
            assert!(!self.0 || std::thread::panicking(), "the material breaks when it is dropped");
        }
    }
    let key = |n: u64| Key::new(KeyId::from(n), Bomb(n == 3), at(1));
    let mut ring = Keyring::new(key(0).activate(at(1)));
    for n in 1..=20 {
        let _ = ring.add(key(n)).unwrap();
    }
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(ring))).is_err());
    assert_eq!(DROPPED.load(Relaxed), 21);
}

#[test]
fn keys_of_unknown_times_make_rings_that_load_whatever_is_done_with_them() {
    use key_rotation::KeyRecord;
    // A store that has lost some times: each of the three, and pairs of them.
    let known_or_not = [0, 100];
    for created in known_or_not {
        for activated in known_or_not {
            for since in known_or_not {
                let lost = KeyRecord::new(id("k2"), KeyStatus::Inactive, at(created), ())
                    .with_times(Some(at(activated)), at(since));
                let active = KeyRecord::new(id("k1"), KeyStatus::Active, at(0), ());
                let load = || Keyring::from_records([active.clone(), lost.clone()]).unwrap();
                let mut rotated = load();
                let _ = rotated.rotate_to("k2", at(50)).unwrap();
                let _ = rotated.rotate_to("k1", at(50)).unwrap();
                let mut retired = load();
                let _ = retired.entry::<Inactive>("k2").unwrap().retire(at(50));
                for ring in [rotated, retired] {
                    let state = ring.state();
                    let (records, destroyed) = ring.into_parts();
                    let again = Keyring::from_parts(records, destroyed);
                    assert_eq!(again.unwrap().state(), state, "{created} {activated} {since}");
                }
            }
        }
    }
}

#[test]
fn an_active_key_of_another_status_time_reports_its_activation() {
    use key_rotation::KeyRecord;
    let record =
        KeyRecord::new(id("k1"), KeyStatus::Active, at(1), ()).with_times(Some(at(5)), at(9));
    let mut ring = Keyring::from_records([record]).unwrap();
    let decision = ring.rotate_to("k1", at(20)).unwrap();
    assert_eq!(decision, RotationDecision::AlreadyActive { id: id("k1"), activated_at: at(5) });
}

#[test]
fn a_crypto_module_opens_what_a_retired_key_sealed() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let keys = ring.export_for_crypto();
    assert_eq!(keys.get("k2").map(|key| key.status()), Some(KeyStatus::Retired));
    assert!(keys.decryption_key("k2").is_ok());
    assert!(keys.iter().any(|key| key.status() == KeyStatus::Retired));
}
