//! Keys on their own: what each transition does to status, times, marks and halves.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::{
    Active, Inactive, Key, KeyId, KeyInfo, KeyRecord, KeyRef, KeyStatus, Keyring, Retired, Revoked,
    Status, Times, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn staged() -> Key<Inactive, &'static str> {
    Key::new(KeyId::from_static("k1"), "material", at(10))
}

/// The times of a key that was created at 10, with these changes.
fn times(change: impl FnOnce(&mut Times)) -> Times {
    let mut times = Times { created_at: Some(at(10)), ..Times::default() };
    change(&mut times);
    times
}

#[test]
fn a_new_key_is_staged_and_has_one_time() {
    let key = staged();
    assert_eq!(key.id().as_str(), "k1");
    assert_eq!(
        key.info(),
        KeyInfo {
            id: KeyId::from_static("k1"),
            status: KeyStatus::Inactive,
            times: times(|_| ()),
            used: false,
            counted: false,
            added_in: 0,
            deactivated_in: 0,
        }
    );
    assert!(key.info().is_staged());
    // A key on its own is in no ring: nobody has said since when it waits.
    assert_eq!(key.times().status_since(KeyStatus::Inactive), None);
    let pair = Key::new_pair(KeyId::from_static("k1"), "private", "public", at(10));
    assert_eq!(pair.info(), key.info());
}

#[test]
fn each_event_has_one_time_and_each_transition_writes_its_own() {
    let key = staged().activate(at(20));
    assert_eq!(key.status(), KeyStatus::Active);
    assert_eq!(*key.times(), times(|times| times.activated_at = Some(at(20))));

    let key = key.deactivate(at(30));
    let demoted = times(|times| {
        times.activated_at = Some(at(20));
        times.deactivated_at = Some(at(30));
    });
    assert_eq!((key.status(), *key.times()), (KeyStatus::Inactive, demoted));

    // Activated again, it is not deactivated any more.
    let key = key.activate(at(40));
    assert_eq!(*key.times(), times(|times| times.activated_at = Some(at(40))));

    let key = key.deactivate(at(50)).retire(at(60));
    let retired = times(|times| {
        times.activated_at = Some(at(40));
        times.deactivated_at = Some(at(50));
        times.retired_at = Some(at(60));
    });
    assert_eq!((key.status(), *key.times()), (KeyStatus::Retired, retired));

    let key = key.revoke(at(70));
    let revoked = Times { revoked_at: Some(at(70)), ..retired };
    assert_eq!((key.status(), *key.times()), (KeyStatus::Revoked, revoked));

    // Restored, it counts as retired from then on, and was never revoked.
    let key = key.restore(at(80));
    let restored = Times { retired_at: Some(at(80)), ..retired };
    assert_eq!((key.status(), *key.times()), (KeyStatus::Retired, restored));

    let tombstone = key.destroy(at(90));
    assert_eq!((tombstone.id.as_str(), tombstone.at, tombstone.asked_at), ("k1", at(90), at(90)));
}

#[test]
fn a_staged_key_may_be_retired_or_revoked_at_once() {
    let retired = staged().retire(at(20));
    assert_eq!(*retired.times(), times(|times| times.retired_at = Some(at(20))));
    assert!(!retired.info().used);

    let revoked = staged().revoke(at(20));
    assert_eq!(*revoked.times(), times(|times| times.revoked_at = Some(at(20))));
    assert!(!revoked.info().used && !revoked.info().is_staged());

    let restored = revoked.restore(at(30));
    assert_eq!(*restored.times(), times(|times| times.retired_at = Some(at(30))));
    assert_eq!(staged().revoke(at(20)).destroy(at(40)).at, at(40));
}

#[test]
fn a_transition_dated_before_what_the_key_carries_counts_as_the_latest_time() {
    let key = staged().activate(at(5));
    assert_eq!(key.times().activated_at, Some(at(10)));
    let key = key.deactivate(at(30)).activate(at(20));
    assert_eq!(key.times().activated_at, Some(at(30)));
    let key = key.deactivate(at(0));
    assert_eq!(key.times().deactivated_at, Some(at(30)));
    let key = key.retire(at(1));
    assert_eq!(key.times().retired_at, Some(at(30)));
    let key = key.revoke(at(40)).restore(at(35));
    assert_eq!((key.times().retired_at, key.times().revoked_at), (Some(at(40)), None));
    let key = key.revoke(at(39));
    assert_eq!(key.times().revoked_at, Some(at(40)));

    let tombstone = key.destroy(at(29));
    assert_eq!((tombstone.at, tombstone.asked_at), (at(40), at(29)));
    assert_eq!(
        tombstone.to_string(),
        "key `k1` was destroyed at 1970-01-01T00:00:00.040Z (asked for at \
         1970-01-01T00:00:00.029Z, which is earlier than what the key carried)"
    );
}

/// Each of the times alone holds back the next transition.
#[test]
fn every_time_that_a_key_carries_counts() {
    let carrying: [fn(&mut Times); 6] = [
        |times| times.created_at = Some(at(100)),
        |times| times.added_at = Some(at(100)),
        |times| times.activated_at = Some(at(100)),
        |times| times.deactivated_at = Some(at(100)),
        |times| times.retired_at = Some(at(100)),
        |times| times.revoked_at = Some(at(100)),
    ];
    for carry in carrying {
        let mut times = Times::default();
        carry(&mut times);
        let active = KeyRecord::new(KeyId::from_static("a"), KeyStatus::Active, at(1), ());
        let record = KeyRecord::new(KeyId::from_static("r"), KeyStatus::Revoked, at(1), ());
        let ring = Keyring::from_records([active, record.with_times(times)]);
        let tombstone = ring.unwrap().entry::<Revoked>("r").unwrap().destroy(at(50));
        assert_eq!((tombstone.at, tombstone.asked_at), (at(100), at(50)), "{times:?}");
    }
}

#[test]
fn only_an_activation_makes_a_key_used_and_nothing_undoes_it() {
    assert!(!staged().retire(at(20)).revoke(at(30)).restore(at(40)).info().used);
    let key = staged().activate(at(20));
    assert!(key.info().used);
    let key = key.deactivate(at(30));
    assert!(key.info().used && !key.info().is_staged());
    let key = key.retire(at(40)).revoke(at(50)).restore(at(60));
    assert!(key.info().used);
}

/// What was counted before a key was revoked is not known after it: it comes back uncounted, and so
/// does one that is retired, because the evidence is for whoever retires it.
#[test]
fn a_key_that_is_restored_is_not_counted_any_more() {
    let mut record = KeyRecord::new(KeyId::from_static("r"), KeyStatus::Retired, at(1), ());
    record.info.counted = true;
    record.info.added_in = 3;
    record.info.deactivated_in = 7;
    let active = KeyRecord::new(KeyId::from_static("a"), KeyStatus::Active, at(1), ());
    let mut ring = Keyring::from_records([active, record]).unwrap();
    let marks = |ring: &Keyring<()>| {
        let info = ring.get("r").unwrap().info();
        (info.used, info.counted, info.added_in, info.deactivated_in)
    };
    assert_eq!(marks(&ring), (true, true, 3, 7));
    let _ = ring.entry::<Retired>("r").unwrap().revoke(at(20));
    assert_eq!(marks(&ring), (true, true, 3, 7));
    let _ = ring.entry::<Revoked>("r").unwrap().restore(at(30));
    assert_eq!(marks(&ring), (true, false, 3, 7));
}

#[test]
fn a_key_that_is_activated_again_has_no_revision_in_which_it_was_deactivated() {
    let mut record = KeyRecord::new(KeyId::from_static("k"), KeyStatus::Inactive, at(1), ());
    (record.info.added_in, record.info.deactivated_in) = (3, 7);
    let active = KeyRecord::new(KeyId::from_static("a"), KeyStatus::Active, at(1), ());
    let mut ring = Keyring::from_records([active, record]).unwrap();
    let _ = ring.rotate_to("k", at(20)).unwrap();
    let info = ring.active().info();
    assert_eq!((info.added_in, info.deactivated_in), (3, 0));
}

/// The numbers of revisions and the marks are kept in the same words: neither reaches the other.
#[test]
fn marks_and_numbers_do_not_meet() {
    const GREATEST: u64 = (1 << 63) - 1;
    for number in [0, 1, GREATEST - 1, GREATEST] {
        for (used, counted) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut record =
                KeyRecord::new(KeyId::from_static("k"), KeyStatus::Inactive, at(1), ());
            (record.info.used, record.info.counted) = (used, counted);
            (record.info.added_in, record.info.deactivated_in) = (number, GREATEST - number);
            record.material_in = u64::MAX - number;
            let active = KeyRecord::new(KeyId::from_static("a"), KeyStatus::Active, at(1), ());
            let ring = Keyring::from_records([active, record.clone()]).unwrap();
            let kept = ring.get("k").unwrap().to_record();
            assert_eq!((kept.info, kept.material_in), (record.info, record.material_in));
        }
    }
    // A number that is too great counts as the greatest, and marks nothing.
    let mut record = KeyRecord::new(KeyId::from_static("k"), KeyStatus::Active, at(1), ());
    (record.info.added_in, record.info.deactivated_in) = (u64::MAX, u64::MAX);
    let info = Keyring::from_records([record]).unwrap().active().info();
    assert_eq!((info.added_in, info.deactivated_in), (GREATEST, GREATEST));
    assert!(info.used && !info.counted);
}

#[test]
fn a_status_has_a_time_of_its_own() {
    let all = Times {
        created_at: Some(at(1)),
        added_at: Some(at(2)),
        activated_at: Some(at(3)),
        deactivated_at: Some(at(4)),
        retired_at: Some(at(5)),
        revoked_at: Some(at(6)),
    };
    let since = |times: Times| {
        let statuses =
            [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired, KeyStatus::Revoked];
        statuses.map(|status| times.status_since(status).map(Timestamp::as_unix_millis))
    };
    assert_eq!(since(all), [Some(3), Some(4), Some(5), Some(6)]);
    assert_eq!(since(Times::default()), [None; 4]);
    let staged = Times { created_at: Some(at(1)), added_at: Some(at(2)), ..Times::default() };
    assert_eq!(since(staged), [None, Some(2), None, None]);
    // It was active, and nobody knows until when.
    let lost = Times { deactivated_at: None, ..all };
    assert_eq!(since(lost), [Some(3), None, Some(5), Some(6)]);
}

#[test]
fn a_key_is_superseded_once_it_was_active_and_is_not() {
    let key = staged();
    // Whoever encrypted with it has a newer ring: this one is merely old.
    assert!(!key.decryption_key().is_superseded());
    let key = key.activate(at(20));
    assert!(!key.decryption_key().is_superseded());
    let key = key.deactivate(at(30));
    assert!(key.decryption_key().is_superseded());
    let key = key.retire(at(40));
    assert!(key.decryption_key().is_superseded());
    assert!(!staged().retire(at(40)).decryption_key().is_superseded());
}

#[test]
fn an_imported_key_of_unknown_times_is_superseded_unless_it_is_said_to_be_staged() {
    let record = |id, status| KeyRecord::new(KeyId::from_static(id), status, at(1), ());
    let ring = Keyring::from_records([
        record("a", KeyStatus::Active),
        record("imported", KeyStatus::Inactive),
        record("staged", KeyStatus::Inactive).staged(),
        record("retired", KeyStatus::Retired),
    ])
    .unwrap();
    let superseded = ring.decryption_keys().filter(|key| key.is_superseded());
    let ids: Vec<_> = superseded.map(|key| key.id().as_str()).collect();
    assert_eq!(ids, ["imported", "retired"]);
    let staged = ring.iter().filter(|key| key.info().is_staged());
    assert_eq!(staged.map(|key| key.id().as_str()).collect::<Vec<_>>(), ["staged"]);
}

#[test]
fn a_right_shows_the_id_the_material_and_the_status() {
    let key = staged().activate(at(20));
    assert_eq!(
        (key.encryption_key().id().as_str(), *key.encryption_key().material()),
        ("k1", "material")
    );
    assert_eq!(key.decryption_key().status(), KeyStatus::Active);
    let key = key.deactivate(at(30));
    assert_eq!(key.decryption_key().status(), KeyStatus::Inactive);
    let key = key.retire(at(40));
    let right = key.decryption_key();
    assert_eq!((right.id().as_str(), *right.material()), ("k1", "material"));
    assert_eq!(right.status(), KeyStatus::Retired);
    let key = key.revoke(at(50));
    assert_eq!(
        (key.salvage_key().id().as_str(), *key.salvage_key().material()),
        ("k1", "material")
    );
}

#[test]
fn the_material_is_shared_and_never_moved() {
    let material = Arc::new([7_u8; 64]);
    let address = Arc::as_ptr(&material);
    let key = Key::from_shared(KeyId::from_static("k1"), Arc::clone(&material), at(10));
    let key = key.activate(at(20)).deactivate(at(30)).retire(at(40));
    assert!(std::ptr::eq(key.decryption_key().material(), address));
    let key = key.revoke(at(50));
    assert!(std::ptr::eq(key.salvage_key().material(), address));
    let key = key.restore(at(60));
    assert_eq!(Arc::strong_count(&material), 2);
    let _ = key.destroy(at(70));
    assert_eq!(Arc::strong_count(&material), 1);
}

#[test]
fn a_right_outlives_the_wrapper_that_it_was_got_through() {
    let key = staged().activate(at(20));
    let (id, material) = {
        let right = key.encryption_key();
        (right.id(), right.material())
    };
    assert_eq!((id.as_str(), *material), ("k1", "material"));
    let found = KeyRef::from(&key);
    assert_eq!((found.status(), found.info()), (KeyStatus::Active, key.info()));
    assert_eq!((found.id(), found.times()), (key.id(), key.times()));
}

#[test]
fn status_is_the_same_in_types_and_at_run_time() {
    let table = [
        (Active::STATUS, "active", true, true),
        (Inactive::STATUS, "inactive", false, true),
        (Retired::STATUS, "retired", false, true),
        (Revoked::STATUS, "revoked", false, false),
    ];
    for (status, word, can_encrypt, can_decrypt) in table {
        assert_eq!((status.to_string().as_str(), status.as_str()), (word, word));
        assert_eq!(word.parse(), Ok(status));
        assert_eq!((status.can_encrypt(), status.can_decrypt()), (can_encrypt, can_decrypt));
    }
    for word in ["", "Active", "ACTIVE", "active ", "primary", "destroyed", "enabled", "REVOKED"] {
        let error = word.parse::<KeyStatus>().unwrap_err();
        assert_eq!(error.found, *word, "{word:?} parses as a status");
    }
}
