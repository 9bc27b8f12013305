//! Keys on their own: what each transition does to status, times and material.

use std::sync::Arc;

use key_rotation::{Key, KeyId, KeyRef, KeyStatus, Timestamp};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn staged() -> Key<key_rotation::Inactive, &'static str> {
    Key::new(KeyId::from_static("k1"), "material", at(10))
}

#[test]
fn a_new_key_is_inactive_and_was_never_active() {
    let key = staged();
    assert_eq!(key.id().as_str(), "k1");
    assert_eq!(key.status(), KeyStatus::Inactive);
    assert_eq!(key.created_at(), at(10));
    assert_eq!(key.activated_at(), None);
    assert_eq!(key.status_since(), at(10));
}

#[test]
fn each_transition_dates_the_status_and_only_activation_dates_the_activation() {
    let key = staged().activate(at(20));
    assert_eq!(
        (key.status(), key.activated_at(), key.status_since()),
        (KeyStatus::Active, Some(at(20)), at(20))
    );
    let key = key.deactivate(at(30));
    assert_eq!(
        (key.status(), key.activated_at(), key.status_since()),
        (KeyStatus::Inactive, Some(at(20)), at(30))
    );
    let key = key.activate(at(40)).deactivate(at(50));
    assert_eq!((key.activated_at(), key.status_since()), (Some(at(40)), at(50)));
    let key = key.retire(at(60));
    assert_eq!(
        (key.status(), key.activated_at(), key.status_since()),
        (KeyStatus::Retired, Some(at(40)), at(60))
    );
    assert_eq!(key.created_at(), at(10));
    let tombstone = key.destroy(at(70));
    assert_eq!((tombstone.id.as_str(), tombstone.at), ("k1", at(70)));
}

#[test]
fn a_transition_dated_before_what_the_key_carries_counts_as_the_latest_time() {
    let key = staged().activate(at(5));
    assert_eq!((key.activated_at(), key.status_since()), (Some(at(10)), at(10)));
    let key = key.deactivate(at(30)).activate(at(20));
    assert_eq!((key.activated_at(), key.status_since()), (Some(at(30)), at(30)));
    let key = key.deactivate(at(0)).retire(at(1));
    assert_eq!(key.status_since(), at(30));
    assert_eq!(key.destroy(at(29)).at, at(30));
}

#[test]
fn every_status_decrypts_and_only_the_active_one_is_current() {
    let key = staged();
    assert!(!key.decryption_key().is_current());
    let key = key.activate(at(20));
    assert!(key.decryption_key().is_current());
    assert_eq!(key.decryption_key().material(), key.encryption_key().material());
    let key = key.deactivate(at(30));
    assert_eq!(key.decryption_key().status(), KeyStatus::Inactive);
    let key = key.retire(at(40));
    assert_eq!(key.decryption_key().status(), KeyStatus::Retired);
    assert!(!key.decryption_key().is_current());
    assert_eq!(key.decryption_key().id().as_str(), "k1");
    assert_eq!(*key.decryption_key().material(), "material");
}

#[test]
fn the_material_is_shared_and_never_moved() {
    let material = Arc::new([7_u8; 64]);
    let address = Arc::as_ptr(&material);
    let key = Key::from_shared(KeyId::from_static("k1"), Arc::clone(&material), at(10));
    let key = key.activate(at(20)).deactivate(at(30)).retire(at(40));
    assert!(std::ptr::eq(key.decryption_key().material(), address));
    assert_eq!(Arc::strong_count(&material), 2);
    let _ = key.destroy(at(50));
    assert_eq!(Arc::strong_count(&material), 1);
}

#[test]
fn a_capability_outlives_the_wrapper_that_it_was_got_through() {
    let key = staged().activate(at(20));
    let (id, material) = {
        let capability = key.encryption_key();
        (capability.id(), capability.material())
    };
    assert_eq!((id.as_str(), *material), ("k1", "material"));
    let info = KeyRef::from(&key).info();
    assert_eq!((info.status, info.activated_at), (KeyStatus::Active, Some(at(20))));
}

#[test]
fn status_is_the_same_in_types_and_at_run_time() {
    use key_rotation::{Active, Inactive, Retired, Status};
    let table = [
        (Active::STATUS, "active", true),
        (Inactive::STATUS, "inactive", false),
        (Retired::STATUS, "retired", false),
    ];
    for (status, word, can_encrypt) in table {
        assert_eq!(status.to_string(), word);
        assert_eq!(word.parse(), Ok(status));
        assert_eq!(status.can_encrypt(), can_encrypt);
        assert!(status.can_decrypt());
    }
    for word in ["", "Active", "ACTIVE", "active ", "primary", "destroyed", "enabled"] {
        assert!(word.parse::<KeyStatus>().is_err(), "{word:?} parses as a status");
    }
}
