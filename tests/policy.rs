//! A policy behind a pointer is the same policy, and the ready-made ones say what their docs say.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::policy::{
    Due, Evidence, Fleet, Refusal, Rule, Step, Timing, Until, UsageLimit, days, hours, minutes,
};
use key_rotation::{
    Cryptoperiods, Inactive, Key, KeyId, KeyInfo, Keyring, RotationPolicy, StrictSingleActive,
    Timestamp,
};

/// Refuses everything, and says what was asked.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("activate"))
    }

    fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("decrypt"))
    }

    fn may_encrypt(&self, _: &KeyInfo, _: Option<u64>, _: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("encrypt"))
    }

    fn may_destroy(
        &self,
        _: &KeyInfo,
        _: &Fleet,
        _: &Evidence,
        _: Timestamp,
    ) -> Result<(), Refusal> {
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
        text(policy.may_activate(&info, &Fleet::UNKNOWN, at)),
        text(policy.may_decrypt(&info, at)),
        text(policy.may_encrypt(&info, None, at)),
        text(policy.may_destroy(&info, &Fleet::UNKNOWN, &Evidence::None, at)),
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
        Rule::MaxStaleness,
        Rule::DecryptStaleness,
        Rule::OriginatorUsage,
        Rule::HardEnd,
        Rule::DataLifetime,
        Rule::Grace,
        Rule::RecipientUsage,
        Rule::Retention,
        Rule::DisableBeforeDestroy,
    ];
    let periods = |policy: &Cryptoperiods| rules.map(|rule| policy.period(rule));
    let in_days = |numbers: [u64; 8]| {
        numbers.map(|number| if number == 0 { None } else { Some(days(number)) })
    };
    for (policy, staleness, rest) in [
        (Cryptoperiods::QUARTERLY, days(1), [7, 90, 120, 0, 0, 30, 30, 7]),
        (Cryptoperiods::COOKIES, hours(1), [1, 7, 14, 14, 2, 14, 3, 0]),
        (Cryptoperiods::TOKENS, hours(1), [1, 30, 45, 1, 2, 1, 3, 0]),
        (Cryptoperiods::NIST_LONGEST, days(1), [7, 700, 730, 0, 0, 1005, 90, 30]),
    ] {
        let [found, others @ ..] = periods(&policy);
        assert_eq!((found, others), (Some(staleness), in_days(rest)));
        assert_eq!(policy.period(Rule::ClockSkew), Some(minutes(5)));
    }
    for policy in [Cryptoperiods::QUARTERLY, Cryptoperiods::NIST_LONGEST] {
        assert_eq!(policy.usage_limit(), Some(UsageLimit::RANDOM_NONCE));
    }
}

#[test]
fn of_two_policies_both_must_agree_and_the_worse_refusal_is_said() {
    struct Says(Until, Due);
    impl RotationPolicy for Says {
        fn timing(&self) -> Timing {
            Timing { clock_skew: minutes(1), ..Timing::default() }
        }

        fn may_decrypt(&self, _: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
            Err(Refusal::new(format!("{:?}", self.0)).until(self.0))
        }

        fn due(&self, _: Step, _: &KeyInfo, _: &Fleet) -> Due {
            self.1
        }
    }
    let at = Timestamp::from_unix_millis(5);
    let info = Key::new(KeyId::from_static("k1"), (), at).info();
    let (early, late) = (Due::From(at), Due::From(Timestamp::from_unix_millis(9)));
    let ends = [Until::At(at), Until::Event, Until::Hopeless, Until::Never];
    for (n, worse) in ends.into_iter().enumerate() {
        for better in ends.into_iter().take(n + 1) {
            for both in [(better, worse), (worse, better)] {
                let policy = Says(both.0, Due::Never).and(Says(both.1, Due::Never));
                assert_eq!(policy.may_decrypt(&info, at).unwrap_err().stands_until(), worse);
            }
        }
    }
    let policy = StrictSingleActive.and(Says(Until::Event, early));
    assert!(policy.may_decrypt(&info, at).is_err());
    assert_eq!(policy.may_activate(&info, &Fleet::UNKNOWN, at), Ok(()));
    assert_eq!(policy.timing().clock_skew, minutes(1));
    for (one, other, due) in [
        (early, late, early),
        (late, early, early),
        (Due::Never, late, late),
        (Due::Unknown, late, late),
        (Due::Unknown, Due::Never, Due::Unknown),
        (Due::Never, Due::Never, Due::Never),
    ] {
        let policy = Says(Until::Event, one).and(Says(Until::Event, other));
        assert_eq!(policy.due(Step::Retire, &info, &Fleet::UNKNOWN), due);
    }
    let longest = Cryptoperiods::QUARTERLY.and(Cryptoperiods::TOKENS).timing();
    assert_eq!(longest.max_staleness, days(1));
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
    let policy = Cryptoperiods::builder(hours(1), minutes(5))
        .grace(days(30))
        .data_lifetime(days(1))
        .build_static();
    for (day, ids) in [(31, &[][..]), (32, &["k1"]), (33, &["k1", "k2"]), (40, &["k1", "k2", "k3"])]
    {
        ring.enforce(&policy, at(day));
        assert_eq!(refused(&ring), grace(ids));
        assert_eq!((ring.len(), ring.decryption_keys().count()), (4, 4 - ids.len()));
    }
}

#[test]
fn an_imported_key_may_have_encrypted_and_is_not_activated_by_a_policy_that_goes_forward() {
    use key_rotation::{KeyRecord, KeyStatus};
    let at = |day| Timestamp::UNIX_EPOCH.saturating_add(days(day));
    let imported = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Inactive, at(1), ());
    let now = at(90).saturating_add(minutes(5));
    let may = |info: &KeyInfo| Cryptoperiods::QUARTERLY.may_activate(info, &Fleet::UNKNOWN, now);
    assert_eq!(may(&imported.info).unwrap_err().rule(), Some(Rule::ForwardOnly));
    // Nor one that nobody says since when the ring has it; what its maker says counts for nothing.
    let mut staged = imported.staged().info;
    assert_eq!(may(&staged).unwrap_err().rule(), Some(Rule::KnownTimes));
    staged.times.added_at = Some(at(84));
    let refusal = may(&staged).unwrap_err();
    let allowed_from = at(91).saturating_add(minutes(5));
    assert_eq!(
        (refusal.rule(), refusal.allowed_from()),
        (Some(Rule::Propagation), Some(allowed_from))
    );
    staged.times.added_at = Some(at(83));
    assert_eq!(may(&staged), Ok(()));
}
