//! Failures of values, rings and policies.

use key_rotation::{
    Active, Contradiction, Cryptoperiods, CryptoperiodsBuilder, Destruction, Evidence, Inactive,
    Key, KeyId, KeyInfo, KeyMaterial, KeyRecord, KeyStatus, Keyring, MaterialError, RecordText,
    Refusal, Retired, RotationPolicy, Timestamp, Unreferenced, Usage, UsageLimit, UsageLimitSource,
    Violation, days,
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
    fn may_activate(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_encrypt(&self, _: &KeyInfo, _: Usage, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_destroy(&self, _: &KeyInfo, _: &Evidence, _: Timestamp) -> Result<(), Refusal> {
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
    for text in [" ", "a\nb", &"x".repeat(RecordText::MAX_LEN + 1)] {
        all.error(&text.parse::<RecordText>().unwrap_err());
    }

    all.error(&KeyMaterial::take(&mut []).unwrap_err());
    all.error(&KeyMaterial::take(&mut [0; 32]).unwrap_err());
    let material = KeyMaterial::take(&mut [7; 32]).unwrap();
    let wrong_length = material.expose_array::<16>().unwrap_err();
    all.error(&wrong_length);
    all.error(&KeyMaterial::try_fill(32, |_| Err(wrong_length)).unwrap_err());
    all.error(&KeyMaterial::try_fill(32, |_| Ok::<_, MaterialError>(())).unwrap_err());

    all.error(&Unreferenced::counted(id("k1"), 3, at(10)).unwrap_err());
    all.error(&Usage::of(7).update(6).unwrap_err());
}

/// k1 is active, k2 inactive, k3 retired, k4 destroyed.
fn ring() -> Keyring<u8> {
    let mut records = vec![record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive)];
    records.push(record("k3", KeyStatus::Retired));
    Keyring::from_parts(records, [Destruction::new(id("k4"), at(20))]).unwrap()
}

pub(super) fn lookups(all: &mut Produced) {
    let mut ring = ring();
    all.error(&ring.decryption_key("k9").unwrap_err());
    all.error(&ring.decryption_key("k4").unwrap_err());
    all.error(&ring.decryption_key_under("k3", &Never, at(30)).unwrap_err());
    all.error(&ring.encryption_key_under(&Never, Usage::UNKNOWN, at(30)).unwrap_err());

    all.error(&ring.entry::<Inactive>("k9").unwrap_err());
    all.error(&ring.entry::<Retired>("k4").unwrap_err());
    all.error(&ring.entry::<Active>("k2").unwrap_err());
    assert_eq!(ring.withhold(&Never, at(30)), 2);
    all.error(&ring.entry::<Inactive>("k2").unwrap_err());

    for taken in ["k1", "k4"] {
        let refused = ring.add(staged(taken)).unwrap_err();
        all.error(&refused);
        all.value(&refused.taken_by());
    }
}

pub(super) fn rings(all: &mut Produced) {
    let (active, inactive) = (KeyStatus::Active, KeyStatus::Inactive);
    let times = |name, status, activated: Option<u64>, since| {
        record(name, status).with_times(activated.map(at), at(since))
    };
    let none = Keyring::<u8>::from_records([]).unwrap_err();
    let records = [
        record("a", active),
        times("b", active, None, 20),
        record("c", inactive),
        record("c", inactive),
        record("d", inactive),
        times("e", inactive, None, 5),
        times("f", inactive, Some(5), 20),
        times("g", inactive, Some(20), 15),
    ];
    let many = Keyring::from_parts(records, [Destruction::new(id("d"), at(20))]).unwrap_err();
    for refused in [none, many] {
        all.error(&refused);
        for violation in refused.violations() {
            all.error(violation);
            if let Violation::InconsistentTimes { conflict, .. } = violation {
                all.error(conflict);
            }
        }
    }
}

pub(super) fn policies(all: &mut Produced) {
    let rules = Cryptoperiods::builder;
    let nothing = UsageLimit::of(0);
    let contradictory: [CryptoperiodsBuilder; 12] = [
        rules().originator_usage(days(0)),
        rules().recipient_usage(days(0)),
        rules().grace(days(0)),
        rules().retention(days(0)),
        rules().propagation(days(0)),
        rules().hard_end(days(0)),
        rules().usage_limit(nothing),
        rules().originator_usage(days(7)).propagation(days(7)),
        rules().grace(days(8)).retention(days(7)),
        rules().originator_usage(days(7)).hard_end(days(7)),
        rules().usage_limit(UsageLimit::RANDOM_NONCE).soft_share(101),
        rules().soft_share(80),
    ];
    let mut texts = Vec::new();
    for rules in contradictory {
        let refused = rules.build().unwrap_err();
        all.error(&refused);
        let [contradiction] = refused.contradictions() else { panic!("{refused}") };
        all.value::<Contradiction>(contradiction);
        texts.push(contradiction.to_string());
    }
    // Each rule that is zero has words of its own.
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 12);
    assert_eq!(nothing.source(), UsageLimitSource::Program);
}
