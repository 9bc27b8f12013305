//! The feature `serde`: what serializes comes back unchanged, what contradicts itself is refused,
//! and nothing secret serializes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use key_rotation::audit::{AuditAction, AuditEvent, Grounds, Provenance};
use key_rotation::error::{ActiveUnprepared, KeyIdTaken};
use key_rotation::key::{
    Addition, Closing, Dating, Destruction, Restoration, Retirement, Revocation, Rewrapping,
    Rotation, RotationDecision,
};
use key_rotation::plan::plan;
use key_rotation::policy::{Fleet, Refusal, UsageLimit, UsageLimitSource, days, minutes};
use key_rotation::ring::{CryptoExport, KeyringBuilder, Reason};
use key_rotation::store::{Change, Revision, RingName, Snapshot};
use key_rotation::{
    Active, Apart, Cryptoperiods, DecryptionKey, DecryptionKeyring, EncryptionKey, Entry, Inactive,
    Key, KeyId, KeyInfo, KeyMaterial, KeyRecord, KeyRef, KeyStatus, Keyring, OwnedDecryptionKey,
    Retired, Revoked, RotationPolicy, SalvageKey, Times, Timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, from_str, from_value, json, to_value};
use static_assertions::assert_not_impl_any;

// A text does both; what stands around it does neither.
assert_not_impl_any!(KeyMaterial: Serialize, Deserialize<'static>);
assert_not_impl_any!(KeyRecord<String>: Serialize);
assert_not_impl_any!(Key<Active, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Key<Inactive, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Key<Retired, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Key<Revoked, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Key<Inactive, String, Apart<String>>: Serialize, Deserialize<'static>);
assert_not_impl_any!(KeyRef<'static, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(EncryptionKey<'static, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(DecryptionKey<'static, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(OwnedDecryptionKey<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(SalvageKey<'static, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Keyring<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Keyring<String, Apart<String>>: Serialize, Deserialize<'static>);
assert_not_impl_any!(DecryptionKeyring<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(KeyringBuilder<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Entry<'static, Retired, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(CryptoExport<'static, String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Snapshot<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(Change<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(KeyIdTaken<String>: Serialize, Deserialize<'static>);
assert_not_impl_any!(ActiveUnprepared<String>: Serialize, Deserialize<'static>);

const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);
const TIME: &str = "2026-01-01T00:00:00.000Z";

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

fn ring() -> Keyring<&'static str> {
    let key = |name| Key::new(id(name), "the secret", START);
    let mut ring = Keyring::new(key("k1").activate(START));
    for name in ["k2", "k3", "k4", "k5"] {
        let _ = ring.add(key(name), START).unwrap();
    }
    let _ = ring.entry::<Inactive>("k3").unwrap().revoke(START);
    let _ = ring.entry::<Inactive>("k4").unwrap().retire(START);
    let _ = ring.entry::<Retired>("k4").unwrap().destroy(START);
    ring
}

/// Allows nothing.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

#[test]
fn a_state_serializes_without_material() {
    let left = ring().map_or_leave(|key, material| {
        if key.id == *"k5" { Err(Reason::new("no cipher")) } else { Ok(*material) }
    });
    let mut ring = left.unwrap();
    ring.enforce(&Never, START);
    let state = to_value(ring.state()).unwrap();
    let times = |activated_at: Option<&str>, added_at: Option<&str>, revoked_at: Option<&str>| {
        json!({
            "created_at": TIME, "added_at": added_at, "activated_at": activated_at,
            "deactivated_at": null, "retired_at": null, "revoked_at": revoked_at,
        })
    };
    let active = json!({
        "id": "k1", "status": "active", "times": times(Some(TIME), None, None), "used": true,
        "counted": false, "added_in": 0, "deactivated_in": 0,
    });
    assert_eq!(state["active"], active);
    let staged = json!({
        "id": "k2", "status": "inactive", "times": times(None, Some(TIME), None), "used": false,
        "counted": false, "added_in": 0, "deactivated_in": 0,
    });
    assert_eq!(state["others"][0], staged);
    assert_eq!(state["others"][2]["status"], "revoked");
    assert_eq!(state["others"][2]["times"], times(None, Some(TIME), Some(TIME)));
    assert_eq!(state["destroyed"][0]["id"], "k4");
    assert_eq!(state["unprepared"], json!([["k5", "no cipher"]]));
    assert_eq!(state["refused"][0][0], "k1");
    assert_eq!(state["refused"][0][1]["reason"], "never");
    assert!(!state.to_string().contains("secret"));
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> Value {
    let written = to_value(value).unwrap();
    assert_eq!(from_str::<T>(&written.to_string()).unwrap(), *value, "{written}");
    written
}

#[test]
fn what_serializes_comes_back_unchanged() {
    for key in &ring() {
        comes_back(&key.info());
        comes_back(key.times());
        comes_back(&key.status());
    }
    let later = START.saturating_add(days(1));
    // By a clock that is behind.
    let mut ring = ring();
    let behind = ring.rotate_in(Key::new(id("k6"), "the secret", later), START).unwrap();
    assert_eq!((behind.at, behind.asked_at), (later, START));
    let written = comes_back(&behind);
    assert_eq!((&written["from"], &written["asked_at"]), (&json!("k1"), &json!(TIME)));
    comes_back(&RotationDecision::Rotated(behind));
    comes_back(&RotationDecision::AlreadyActive { id: id("k1"), activated_at: None });
    comes_back(&Addition::new(id("k1"), START));
    comes_back(&Rotation::new(id("k1"), id("k2"), START, true));
    comes_back(&Retirement::new(id("k1"), START));
    comes_back(&Revocation::new(id("k1"), START));
    comes_back(&Restoration::new(id("k1"), START));
    comes_back(&Destruction::new(id("k1"), START));
    comes_back(&Revision::new(7, u64::MAX));
    comes_back(&Dating::new(id("k1"), START));
    comes_back(&Rewrapping::new(id("k1"), START));
    comes_back(&Closing::new(id("k1"), START));
    comes_back(&RingName::from_static("payments"));
    use Cryptoperiods as Policy;
    for policy in [Policy::QUARTERLY, Policy::COOKIES, Policy::TOKENS, Policy::NIST_LONGEST] {
        comes_back(&policy);
    }
    let rules = Cryptoperiods::builder(days(1), minutes(5)).allow_reactivation();
    comes_back(&rules.overdue_after(std::time::Duration::from_millis(7)).build_static());
}

#[test]
fn a_policy_is_written_in_the_units_of_people() {
    assert_eq!(
        to_value(Cryptoperiods::TOKENS).unwrap(),
        json!({
            "max_staleness": "1h", "clock_skew": "5min", "decrypt_staleness": "1d",
            "originator_usage": "30d", "hard_end": "45d", "data_lifetime": "1d", "grace": "2d",
            "recipient_usage": "1d", "retention": "3d", "propagation": "2885min",
            "allow_reactivation": false,
        })
    );
}

#[test]
fn plans_and_events_serialize() {
    let now = START.saturating_add(days(91));
    let plan = plan(&Cryptoperiods::QUARTERLY, &ring().state(), &Fleet::UNKNOWN, now);
    let plan = to_value(plan).unwrap();
    assert_eq!(
        (&plan["due"][0]["step"], &plan["due"][0]["id"]),
        (&json!("activate"), &json!("k2"))
    );
    let event = AuditEvent {
        ring: RingName::from_static("payments"),
        revision: Revision::new(4, 0xc0ffee),
        action: AuditAction::Retired { id: id("k1") },
        provenance: Provenance {
            actor: "alice".parse().unwrap(),
            grounds: Grounds::Forced("a ticket".parse().unwrap()),
            at: START,
        },
        stored_at: None,
    };
    let expected = json!({
        "ring": "payments", "revision": {"number": 4, "tag": "0000000000c0ffee"},
        "action": {"retired": {"id": "k1"}},
        "provenance": {
            "actor": "alice", "grounds": {"forced": "a ticket"}, "at": "2026-01-01T00:00:00.000Z",
        },
        "stored_at": null,
    });
    assert_eq!(to_value(event).unwrap(), expected);
    for tag in ["", "c0ffee", "+000000000c0ffee", "0000000000c0ffeeg"] {
        let revision = json!({"number": 4, "tag": tag});
        assert!(serde_json::from_value::<Revision>(revision).is_err(), "{tag}");
    }
}

fn record() -> Value {
    json!({
        "id": "k1", "status": "retired", "used": false, "counted": true, "added_in": 3,
        "deactivated_in": 4, "material_in": 5, "material": "wrapped",
        "times": {"created_at": "2026-01-01T00:00:00Z", "retired_at": "2026-01-02T00:00:00Z"},
    })
}

#[test]
fn a_record_deserializes_where_its_material_does() {
    let read: KeyRecord<String> = from_value(record()).unwrap();
    let times = Times {
        created_at: Some(START),
        retired_at: Some(START.saturating_add(days(1))),
        ..Times::default()
    };
    let info = KeyInfo {
        id: id("k1"),
        status: KeyStatus::Retired,
        times,
        used: false,
        counted: true,
        added_in: 3,
        deactivated_in: 4,
    };
    assert_eq!((read.info, read.material_in, &**read.material), (info, 5, "wrapped"));
}

/// What is left out is not known; a key of which nobody knows may have encrypted.
#[test]
fn a_record_needs_an_id_a_status_and_a_material() {
    let least = json!({"id": "k1", "status": "revoked", "material": "wrapped"});
    let read: KeyRecord<String> = from_value(least.clone()).unwrap();
    assert_eq!(read.info.times, Times::default());
    assert!(read.info.used && !read.info.counted);
    assert_eq!([read.info.added_in, read.info.deactivated_in, read.material_in], [0; 3]);
    for field in ["id", "status", "material"] {
        let mut less = least.clone();
        less.as_object_mut().unwrap().remove(field);
        let error = from_value::<KeyRecord<String>>(less).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{field}`")), "{error}");
    }
    assert!(from_value::<KeyRecord<u8>>(least).is_err());
}

#[test]
fn a_record_with_a_field_that_nobody_knows_is_refused() {
    for (field, value) in [
        ("created_at", json!(TIME)),
        ("status_since", json!(TIME)),
        ("state", json!("active")),
        ("Material", json!("wrapped")),
    ] {
        let mut more = record();
        more[field] = value.clone();
        let error = from_value::<KeyRecord<String>>(more).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown field `{field}`")), "{error}");
    }
    let mut more = record();
    more["times"]["destroyed_at"] = json!(TIME);
    let error = from_value::<KeyRecord<String>>(more).unwrap_err().to_string();
    assert!(error.contains("unknown field `destroyed_at`"), "{error}");
    let mut other = record();
    other["status"] = json!("destroyed");
    assert!(from_value::<KeyRecord<String>>(other).is_err());
}

#[test]
fn what_is_malformed_or_contradicts_itself_is_refused() {
    let base = r#""max_staleness": "1d", "clock_skew": "5min""#;
    for (text, reason) in [
        (
            format!(r#"{{{base}, "recipient_usage": "9d", "grace": "60s", "retention": "59s"}}"#),
            "the retention",
        ),
        (format!(r#"{{{base}, "grace": "0d", "recipient_usage": "9d"}}"#), "the grace is zero"),
        (format!(r#"{{{base}, "gracee": null}}"#), "unknown field"),
        (format!(r#"{{{base}, "floor": "1969-01-01T00:00:00Z"}}"#), "unknown field"),
        (format!(r#"{{{base}, "grace": "-1d"}}"#), "is no period"),
        (format!(r#"{{{base}, "grace": "1w"}}"#), "is no period"),
        (format!(r#"{{{base}, "grace": "d"}}"#), "is no period"),
        (format!(r#"{{{base}, "grace": "99999999999999999999d"}}"#), "is no period"),
        (r#"{}"#.to_owned(), "missing field"),
        (r#"{"max_staleness": "1d"}"#.to_owned(), "missing field"),
    ] {
        let error = from_str::<Cryptoperiods>(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(from_str::<KeyId>(r#""two words""#).is_err());
    assert!(from_str::<Timestamp>(r#""yesterday""#).is_err());
    assert!(from_str::<UsageLimit>(r#"{"encryptions": -1, "source": "program"}"#).is_err());

    // A number that no standard has said is the program's own, whatever it claims.
    let forged = r#"{"encryptions": 99999999999, "source": "nist_sp800_38d"}"#;
    assert_eq!(from_str::<UsageLimit>(forged).unwrap().source(), UsageLimitSource::Program);
}
