//! The feature `serde`: what serializes comes back unchanged, what contradicts itself is refused,
//! and nothing secret serializes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use key_rotation::{
    AuditAction, AuditEvent, Cryptoperiods, Destruction, Inactive, Key, KeyId, KeyInfo,
    KeyMaterial, KeyRecord, KeyRef, Keyring, Revision, Rotation, Timestamp, Usage, UsageLimit,
    days,
};
use serde_json::{from_str, json, to_value};
use static_assertions::assert_not_impl_any;

assert_not_impl_any!(KeyMaterial: serde::Serialize, serde::Deserialize<'static>);
assert_not_impl_any!(KeyRecord<String>: serde::Serialize);
assert_not_impl_any!(Key<Inactive, String>: serde::Serialize, serde::Deserialize<'static>);
assert_not_impl_any!(Keyring<String>: serde::Serialize, serde::Deserialize<'static>);

const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn ring() -> Keyring<&'static str> {
    let key = |id| Key::new(KeyId::from_static(id), "the secret", START);
    let mut ring = Keyring::new(key("k1").activate(START));
    let _ = ring.add(key("k2")).unwrap();
    ring
}

#[test]
fn a_state_serializes_without_material() {
    let state = to_value(ring().state()).unwrap();
    let time = "2026-01-01T00:00:00.000Z";
    let active = json!({
        "id": "k1", "status": "active", "created_at": time, "activated_at": time, "status_since": time,
    });
    assert_eq!(state["active"], active);
    assert_eq!(state["others"][0]["activated_at"], json!(null));
    assert!(!state.to_string().contains("secret"));
}

#[test]
fn what_serializes_comes_back_unchanged() {
    let info = KeyRef::from(ring().active()).info();
    assert_eq!(from_str::<KeyInfo>(&to_value(&info).unwrap().to_string()).unwrap(), info);
    let rotation = Rotation::new(KeyId::from_static("k1"), KeyId::from_static("k2"), START, true);
    assert_eq!(from_str::<Rotation>(&to_value(&rotation).unwrap().to_string()).unwrap(), rotation);
    let tombstone = Destruction::new(KeyId::from_static("k1"), START);
    assert_eq!(
        from_str::<Destruction>(&to_value(&tombstone).unwrap().to_string()).unwrap(),
        tombstone
    );
    for policy in [
        Cryptoperiods::QUARTERLY,
        Cryptoperiods::NIST_LONGEST,
        Cryptoperiods::builder().floor(START).allow_reactivation().build_static(),
    ] {
        let text = to_value(policy).unwrap().to_string();
        assert_eq!(from_str::<Cryptoperiods>(&text).unwrap(), policy, "{text}");
    }
}

#[test]
fn plans_and_events_serialize() {
    let now = START.saturating_add(days(91));
    let plan = to_value(Cryptoperiods::QUARTERLY.plan(&ring(), Usage::of(7), now)).unwrap();
    assert_eq!(plan["due"][0]["activate"]["id"], "k2");
    assert_eq!(plan["due"][0]["activate"]["because"]["age"]["rule"], "originator_usage");
    let event = AuditEvent {
        action: AuditAction::Retired { id: KeyId::from_static("k1") },
        actor: "alice".parse().unwrap(),
        revision: Revision::new(4),
        at: START,
    };
    let expected = json!({
        "action": {"retired": {"id": "k1"}}, "actor": "alice", "revision": 4,
        "at": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(to_value(event).unwrap(), expected);
}

#[test]
fn a_record_deserializes_where_its_material_does() {
    let text = r#"{
        "id": "k1", "status": "retired", "created_at": "2026-01-01T00:00:00Z",
        "activated_at": null, "status_since": "2026-01-02T00:00:00Z", "material": "wrapped"
    }"#;
    let record: KeyRecord<String> = from_str(text).unwrap();
    assert_eq!((record.id.as_str(), record.status.as_str()), ("k1", "retired"));
    assert_eq!(record.status_since, START.saturating_add(days(1)));
    assert_eq!(*record.material, "wrapped");
}

#[test]
fn what_is_malformed_or_contradicts_itself_is_refused() {
    for (text, reason) in [
        (
            r#"{"grace": {"secs": 60, "nanos": 0}, "retention": {"secs": 59, "nanos": 0}}"#,
            "longer than the retention",
        ),
        (r#"{"grace": {"secs": 0, "nanos": 0}}"#, "the grace period is zero"),
        (r#"{"gracee": null}"#, "unknown field"),
        (r#"{"grace": {"secs": -1, "nanos": 0}}"#, "invalid value"),
        (r#"{"floor": "1969-01-01T00:00:00Z"}"#, "before 1970"),
    ] {
        let error = from_str::<Cryptoperiods>(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(from_str::<KeyId>(r#""two words""#).is_err());
    assert!(from_str::<Timestamp>(r#""yesterday""#).is_err());
    assert!(from_str::<UsageLimit>(r#"{"encryptions": -1, "source": "program"}"#).is_err());
}
