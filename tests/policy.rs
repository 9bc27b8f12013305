//! A policy behind a pointer is the same policy, and the ready-made ones say what their docs say.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::policy::{Evidence, Refusal, Rule, Usage, UsageLimit, days};
use key_rotation::{
    Cryptoperiods, Inactive, Key, KeyId, KeyInfo, Keyring, RotationPolicy, StrictSingleActive,
    Timestamp,
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
    let info = key.info();
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
fn what_a_policy_refuses_is_listed_with_its_reason() {
    let at = |day| Timestamp::UNIX_EPOCH.saturating_add(days(day));
    let key = |id| Key::new(KeyId::from_static(id), (), at(1));
    let mut ring = Keyring::new(key("k0").activate(at(1)));
    for (day, id) in (2..).zip(["k1", "k2", "k3"]) {
        let _ = ring.add(key(id), at(1)).unwrap();
        let _ = ring.entry::<Inactive>(id).unwrap().retire(at(day));
    }
    let refused = |ring: &Keyring<()>| -> Vec<(String, Option<Rule>)> {
        let state = ring.state();
        state.refused().iter().map(|(id, why)| (id.to_string(), why.rule())).collect()
    };
    let grace = |ids: &[&str]| -> Vec<_> {
        ids.iter().map(|id| ((*id).to_owned(), Some(Rule::Grace))).collect()
    };
    // The grace of a retired key is 30 days: one is over by then, and the others later.
    for (day, ids) in [(31, &[][..]), (32, &["k1"]), (33, &["k1", "k2"]), (40, &["k1", "k2", "k3"])]
    {
        ring.enforce(&Cryptoperiods::QUARTERLY, at(day));
        assert_eq!(refused(&ring), grace(ids));
        assert_eq!((ring.len(), ring.decryption_keys().count()), (4, 4 - ids.len()));
    }
}

#[test]
fn an_imported_key_may_have_encrypted_and_is_not_activated_by_a_policy_that_goes_forward() {
    use key_rotation::{KeyRecord, KeyStatus};
    let at = |day| Timestamp::UNIX_EPOCH.saturating_add(days(day));
    let imported = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Inactive, at(1), ());
    let may = |info: &KeyInfo| Cryptoperiods::QUARTERLY.may_activate(info, at(90));
    assert_eq!(may(&imported.info).unwrap_err().rule(), Some(Rule::ForwardOnly));
    // Nor one that nobody says since when the ring has it; what its maker says counts for nothing.
    let mut staged = imported.staged().info;
    assert_eq!(may(&staged).unwrap_err().rule(), Some(Rule::Propagation));
    staged.times.added_at = Some(at(89));
    let refusal = may(&staged).unwrap_err();
    assert_eq!((refusal.rule(), refusal.allowed_from()), (Some(Rule::Propagation), Some(at(91))));
    staged.times.added_at = Some(at(88));
    assert_eq!(may(&staged), Ok(()));
}
