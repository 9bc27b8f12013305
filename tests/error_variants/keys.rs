//! Failures of values, rings and policies.

use key_rotation::error::{MaterialError, TimeConflict, Violation};
use key_rotation::key::Destruction;
use key_rotation::policy::{
    CryptoperiodsBuilder, Evidence, Fleet, Refusal, Unreferenced, UsageLimit, UsageLimitSource,
    days, minutes,
};
use key_rotation::ring::Reason;
use key_rotation::{
    Active, AuditText, Cryptoperiods, Inactive, Key, KeyId, KeyInfo, KeyMaterial, KeyRecord,
    KeyStatus, Keyring, Retired, Revoked, RotationPolicy, Times, Timestamp,
};

use super::Produced;

pub(super) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(super) fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

pub(super) fn record(name: &str, status: KeyStatus) -> KeyRecord<u8> {
    KeyRecord::new(id(name), status, at(10), 7)
}

pub(super) fn staged(name: &str) -> Key<Inactive, u8> {
    Key::new(id(name), 7, at(10))
}

/// Refuses everything.
pub(super) struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_encrypt(&self, _: &KeyInfo, _: Option<u64>, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_destroy(
        &self,
        _: &KeyInfo,
        _: &Fleet,
        _: &Evidence,
        _: Timestamp,
    ) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

pub(super) fn values(all: &mut Produced) {
    for text in ["", "two words", &"k".repeat(129)] {
        all.error(&KeyId::try_from(text).unwrap_err());
    }
    for text in ["yesterday", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"] {
        all.error(&text.parse::<Timestamp>().unwrap_err());
    }
    all.error(&"primary".parse::<KeyStatus>().unwrap_err());
    for text in [" ", "a\nb", &"x".repeat(AuditText::MAX_LEN + 1)] {
        all.error(&text.parse::<AuditText>().unwrap_err());
    }

    all.error(&KeyMaterial::take(&mut []).unwrap_err());
    all.error(&KeyMaterial::take(&mut [0; 32]).unwrap_err());
    let material = KeyMaterial::take(&mut [7; 32]).unwrap();
    let wrong_length = material.expose_array::<16>().unwrap_err();
    all.error(&wrong_length);
    all.error(&KeyMaterial::try_fill(32, |_| Err(wrong_length)).unwrap_err());
    all.error(&KeyMaterial::try_fill(32, |_| Ok::<_, MaterialError>(())).unwrap_err());

    all.error(&Unreferenced::counted(id("k1"), 3, at(10)).unwrap_err());
}

/// k1 is active, k2 inactive, k3 retired, k4 destroyed, k5 revoked.
fn ring() -> Keyring<u8> {
    let records = [
        record("k1", KeyStatus::Active),
        record("k2", KeyStatus::Inactive),
        record("k3", KeyStatus::Retired),
        record("k5", KeyStatus::Revoked),
    ];
    Keyring::from_parts(records, [Destruction::new(id("k4"), at(20))]).unwrap()
}

pub(super) fn lookups(all: &mut Produced) {
    let mut ring = ring();
    all.error(&ring.decryption_key("k9").unwrap_err());
    all.error(&ring.decryption_key("k4").unwrap_err());
    // At a time that nobody knows, and at one that is known.
    all.error(&ring.decryption_key("k5").unwrap_err());
    let _ = ring.entry::<Revoked>("k5").unwrap().restore(at(21));
    let _ = ring.entry::<Retired>("k5").unwrap().revoke(at(22));
    all.error(&ring.decryption_key("k5").unwrap_err());
    all.error(&ring.decryption_only().decryption_key("k5").unwrap_err());
    ring.enforce(&Never, at(30));
    all.error(&ring.decryption_key("k3").unwrap_err());

    all.error(&ring.entry::<Inactive>("k9").unwrap_err());
    all.error(&ring.entry::<Retired>("k4").unwrap_err());
    all.error(&ring.entry::<Active>("k2").unwrap_err());
    all.error(&ring.salvage_key("k2").unwrap_err());

    for taken in ["k1", "k4", "k5"] {
        let refused = ring.add(staged(taken), at(30)).unwrap_err();
        all.error(&refused);
        all.value(&refused.taken_by());
        all.error(&ring.rotate_in(staged(taken), at(30)).unwrap_err());
    }
}

/// A ring in which k1 cannot be prepared, and one in which k3 cannot.
pub(super) fn preparations(all: &mut Produced) {
    let left = |name: &'static str| {
        ring().map_or_leave(|key, material| {
            if key.id == *name { Err(Reason::new("no access to the KMS")) } else { Ok(*material) }
        })
    };
    let refused = left("k1").unwrap_err();
    all.error(&refused);
    assert_eq!(refused.into_made().len(), 3);
    let mut ring = left("k3").unwrap();
    all.error(&ring.decryption_key("k3").unwrap_err());
    all.error(&ring.entry::<Retired>("k3").unwrap_err());
    all.error(&ring.decryption_only().decryption_key("k3").unwrap_err());
}

pub(super) fn rings(all: &mut Produced) {
    let (active, inactive) = (KeyStatus::Active, KeyStatus::Inactive);
    // When it was created, activated, deactivated, retired and revoked; 0 where that is not known.
    let times = |name, status, events: [u64; 5]| {
        let [created_at, activated_at, deactivated_at, retired_at, revoked_at] =
            events.map(|event| Some(at(event)).filter(|_| event > 0));
        let added_at = None;
        record(name, status).with_times(Times {
            created_at,
            added_at,
            activated_at,
            deactivated_at,
            retired_at,
            revoked_at,
        })
    };
    let none = Keyring::<u8>::from_records([]).unwrap_err();
    let records = [
        record("a", active),
        record("b", active).staged(),
        record("c", inactive),
        record("c", inactive),
        record("d", inactive),
        // Each event before the creation.
        times("e", KeyStatus::Revoked, [9, 5, 6, 7, 8]),
        // Each event before the one that it follows.
        times("f", KeyStatus::Revoked, [1, 9, 8, 7, 6]),
        // Each event of a status that the key has not had.
        times("g", active, [1, 2, 3, 4, 5]),
        times("h", inactive, [1, 2, 3, 4, 5]),
        times("i", KeyStatus::Retired, [1, 2, 3, 4, 5]),
    ];
    let many = Keyring::from_parts(records, [Destruction::new(id("d"), at(20))]).unwrap_err();
    let mut conflicts = Vec::new();
    for refused in [none, many] {
        all.error(&refused);
        for violation in refused.violations() {
            all.error(violation);
            let Violation::InconsistentTimes { conflict, .. } = violation else { continue };
            all.error(conflict);
            conflicts.push(*conflict);
            match conflict {
                TimeConflict::BeforeCreation { event }
                | TimeConflict::NotOfThisStatus { event, .. } => all.value(event),
                TimeConflict::OutOfOrder { earlier, later } => {
                    all.value(earlier);
                    all.value(later);
                }
                _ => {}
            }
        }
    }
    // Each of the four events, each of their six pairs, and each event that came too early for one
    // of three statuses: one conflict, and the same text for no two of them.
    let mut texts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), conflicts.len()), (4 + 6 + 6 + 1, 4 + 6 + 6 + 1), "{conflicts:?}");
}

pub(super) fn policies(all: &mut Produced) {
    let rules = || Cryptoperiods::builder(days(1), minutes(5));
    let nothing = UsageLimit::of(0);
    let contradictory: [CryptoperiodsBuilder; 8] = [
        rules().grace(days(0)).recipient_usage(days(9)),
        rules().propagation(days(1)),
        rules().usage_limit(nothing),
        rules().recipient_usage(days(9)).grace(days(8)).retention(days(7)),
        rules().originator_usage(days(7)).hard_end(days(7)),
        rules().usage_limit(UsageLimit::RANDOM_NONCE).soft_share(101),
        rules().soft_share(80),
        rules().retention(days(9)),
    ];
    let mut texts = Vec::new();
    for rules in contradictory {
        let refused = rules.build().unwrap_err();
        all.error(&refused);
        let [contradiction] = refused.contradictions() else { panic!("{refused}") };
        texts.push(contradiction.to_string());
    }
    // Each has words of its own.
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 8);
    assert_eq!(nothing.source(), UsageLimitSource::Program);
}
