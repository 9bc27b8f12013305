//! A policy behind a pointer is the same policy, and the ready-made ones say what their docs say.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::{
    Cryptoperiods, Evidence, Inactive, Key, KeyId, KeyInfo, KeyRef, Keyring, Refusal,
    RotationPolicy, Rule, StrictSingleActive, Timestamp, Usage, UsageLimit, days,
};

/// Refuses everything, and says what was asked.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("activate"))
    }

    fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("decrypt"))
    }

    fn may_encrypt(&self, _: &KeyInfo, _: Usage, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("encrypt"))
    }

    fn may_destroy(&self, _: &KeyInfo, _: &Evidence, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("destroy"))
    }
}

/// What the policy says to each question, in short.
fn answers(policy: impl RotationPolicy) -> [Option<String>; 4] {
    let at = Timestamp::from_unix_millis(5);
    let key = Key::new(KeyId::from_static("k1"), (), at);
    let info = KeyRef::from(&key).info();
    let text = |answer: Result<(), Refusal>| answer.err().map(|refusal| refusal.to_string());
    [
        text(policy.may_activate(&info, at)),
        text(policy.may_decrypt(&info, at)),
        text(policy.may_encrypt(&info, Usage::UNKNOWN, at)),
        text(policy.may_destroy(&info, &Evidence::None, at)),
    ]
}

#[test]
fn a_policy_behind_a_pointer_says_the_same() {
    let never = ["activate", "decrypt", "encrypt", "destroy"].map(|text| Some(text.to_owned()));
    assert_eq!(answers(Never), never);
    assert_eq!(answers(&Never), never);
    assert_eq!(answers(Box::new(Never)), never);
    assert_eq!(answers(Arc::new(Never)), never);
    assert_eq!(answers(Box::new(Never) as Box<dyn RotationPolicy>), never);
    assert_eq!(answers(Arc::new(Never) as Arc<dyn RotationPolicy>), never);

    let always = [const { None::<String> }; 4];
    assert_eq!(answers(StrictSingleActive), always);
    assert_eq!(answers(Arc::new(StrictSingleActive)), always);
}

/// What is printed names the key, says what it is, and has nothing else.
#[test]
fn keys_and_rings_print_ids_and_statuses() {
    let at = Timestamp::from_unix_millis(5);
    let key = Key::new(KeyId::from_static("k1"), "a secret", at);
    let printed = format!("{key:?}");
    assert!(printed.contains("k1") && printed.contains("Inactive"), "{printed}");
    assert!(!printed.contains("secret"), "{printed}");
    let printed = format!("{:?}", Keyring::new(key.activate(at)));
    assert!(printed.contains("k1") && !printed.contains("secret"), "{printed}");
}

#[test]
fn the_ready_made_policies_have_the_periods_that_they_name() {
    let rules = [
        Rule::OriginatorUsage,
        Rule::Propagation,
        Rule::RecipientUsage,
        Rule::Grace,
        Rule::Retention,
        Rule::HardEnd,
    ];
    let periods = |policy: &Cryptoperiods| rules.map(|rule| policy.period(rule));
    assert_eq!(
        periods(&Cryptoperiods::QUARTERLY),
        [Some(days(90)), Some(days(2)), Some(days(365)), Some(days(30)), Some(days(90)), None]
    );
    // Two years and three, as in the table of NIST, counted in days of 86 400 seconds.
    assert_eq!(
        periods(&Cryptoperiods::NIST_LONGEST),
        [Some(days(730)), Some(days(2)), Some(days(1095)), None, None, None]
    );
    for policy in [Cryptoperiods::QUARTERLY, Cryptoperiods::NIST_LONGEST] {
        assert_eq!(policy.usage_limit(), Some(UsageLimit::RANDOM_NONCE));
    }
}

#[test]
fn what_is_withheld_is_listed_latest_first() {
    let at = |day| Timestamp::UNIX_EPOCH.saturating_add(days(day));
    let key = |id| Key::new(KeyId::from_static(id), (), at(1));
    let mut ring = Keyring::new(key("k0").activate(at(1)));
    for (day, id) in (2..).zip(["k1", "k2", "k3"]) {
        let _ = ring.add(key(id)).unwrap();
        let _ = ring.entry::<Inactive>(id).unwrap().retire(at(day));
    }
    // The grace of a retired key is 30 days: one is over by then, and the others later.
    assert_eq!(ring.withhold(&Cryptoperiods::QUARTERLY, at(32)), 1);
    assert_eq!(ring.withhold(&Cryptoperiods::QUARTERLY, at(40)), 2);
    let listed: Vec<_> = ring.withheld().map(|withheld| withheld.key.id.as_str()).collect();
    assert_eq!(listed, ["k3", "k2", "k1"]);
    assert_eq!(ring.state().withheld().len(), 3);
    assert_eq!(ring.len(), 1);
}
