//! What rules, plans and records say: people read it, and some of it only when something is wrong.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use key_rotation::audit::AuditAction;
use key_rotation::plan::{Because, Doubt, Upcoming};
use key_rotation::policy::{Rule, Usage, UsageLimit, UsageLimitSource, days};
use key_rotation::store::Revision;
use key_rotation::{Cryptoperiods, Key, KeyId, KeyRecord, KeyStatus, Keyring, Times, Timestamp};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

const RULES: [(Rule, &str); 10] = [
    (Rule::OriginatorUsage, "originator usage"),
    (Rule::RecipientUsage, "recipient usage"),
    (Rule::Grace, "grace"),
    (Rule::Retention, "retention"),
    (Rule::Propagation, "propagation"),
    (Rule::UsageLimit, "usage limit"),
    (Rule::HardEnd, "hard end"),
    (Rule::ForwardOnly, "forward-only"),
    (Rule::Floor, "floor"),
    (Rule::Evidence, "evidence"),
];

#[test]
fn each_rule_has_a_name_and_a_period_if_it_is_one() {
    let policy = Cryptoperiods::builder()
        .originator_usage(days(1))
        .recipient_usage(days(2))
        .grace(days(3))
        .retention(days(4))
        .hard_end(days(6))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .floor(at(1))
        .build_static();
    let periods = [Some(1), Some(2), Some(3), Some(4), None, None, Some(6), None, None, None];
    for ((rule, name), period) in RULES.into_iter().zip(periods) {
        assert_eq!(rule.to_string(), name);
        assert_eq!(policy.period(rule), period.map(days), "{rule}");
    }
}

#[test]
fn each_rule_that_ends_says_what_happens_then() {
    let said = RULES.map(|(rule, _)| Upcoming { at: at(0), id: id("k1"), rule }.to_string());
    // The other rules have no end.
    let [said @ .., _, _, _] = said;
    let at = "1970-01-01T00:00:00.000Z";
    let expected = [
        format!("key k1 is due to be replaced from {at}"),
        format!("key k1 is due to be retired from {at}"),
        format!("key k1 no longer decrypts from {at}"),
        format!("key k1 is due to be destroyed from {at}"),
        format!("a new key is needed by {at}, to replace k1"),
        format!("the usage limit of key k1 ends at {at}"),
        format!("key k1 no longer encrypts from {at}"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_length_of_time_is_said_in_the_greatest_unit_of_which_there_are_two() {
    for (millis, spoken) in [
        (0, "0 ms"),
        (1_999, "1999 ms"),
        (2_000, "2 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (7_199_999, "119 min"),
        (7_200_000, "2 h"),
        (172_799_999, "47 h"),
        (172_800_000, "2 d"),
    ] {
        let (rule, age) = (Rule::Grace, Duration::from_millis(millis));
        let because = Because::Age { rule, age, period: days(90) };
        assert_eq!(because.to_string(), format!("it has been retired for {spoken} of 90 d"));
    }
}

#[test]
fn usage_is_said_with_its_limit_and_who_says_so() {
    let because = |limit| Because::Usage { encryptions: 9, due_from: 8, limit }.to_string();
    assert_eq!(
        because(UsageLimit::of(10)),
        format!("it has encrypted 9 times, due from 8 of {}", UsageLimit::of(10)),
    );
    for (source, name) in [
        (UsageLimitSource::NistSp800_38d, "NIST SP 800-38D, section 8.3"),
        (UsageLimitSource::Rfc8446, "RFC 8446, section 5.5"),
        (UsageLimitSource::Rfc9001, "RFC 9001, section 6.6"),
    ] {
        assert_eq!(source.to_string(), name);
    }
    assert_eq!(UsageLimit::RANDOM_NONCE.source(), UsageLimitSource::NistSp800_38d);
    assert_eq!(UsageLimit::of(10).source(), UsageLimitSource::Program);
}

#[test]
fn a_plan_says_what_it_cannot_know() {
    let policy = Cryptoperiods::builder()
        .originator_usage(days(90))
        .propagation(days(2))
        .usage_limit(UsageLimit::of(10))
        .build_static();
    let record = |name, status| {
        KeyRecord::new(id(name), status, at(1), "material").with_times(Times::default())
    };
    // Imported from a store that kept no times.
    let records = [record("k1", KeyStatus::Active), record("k2", KeyStatus::Inactive).staged()];
    let now = at(1_767_225_600_000);
    let ring = Keyring::from_records(records).unwrap();
    let plan = policy.plan(&ring, Usage::UNKNOWN, now);
    assert_eq!(plan.made_at(), now);
    let of_age = |name, rule| Doubt::UnknownAge { id: id(name), rule };
    assert!(plan.doubts().contains(&of_age("k1", Rule::OriginatorUsage)), "{plan}");
    assert!(plan.doubts().contains(&Doubt::UnknownUsage { id: id("k1") }), "{plan}");
    let text = plan.to_string();
    for line in [
        "key k1 is of unknown age: nothing can be said about its originator usage",
        "how often key k1 has encrypted is not known: nothing can be said about its usage limit",
    ] {
        assert!(text.contains(line), "{text}");
    }

    // Due by its usage, and the key that could take its place is of unknown age.
    let plan = policy.plan(&ring, Usage::of(10), now);
    assert!(plan.doubts().contains(&of_age("k2", Rule::Propagation)), "{plan}");
    assert!(plan.due().is_empty(), "{plan}");
}

#[test]
fn each_action_is_a_sentence() {
    let actions = [
        AuditAction::Created { ids: vec![id("k1")] },
        AuditAction::Created { ids: vec![id("k1"), id("k2"), id("k3")] },
        AuditAction::Created { ids: vec![] },
        AuditAction::Added { id: id("k1") },
        AuditAction::Activated { from: id("k1"), to: id("k2"), reactivated: true },
        AuditAction::Retired { id: id("k1") },
        AuditAction::Revoked { id: id("k1") },
        AuditAction::Restored { id: id("k1") },
        AuditAction::Rewrapped { id: id("k1") },
        AuditAction::Dated { id: id("k1") },
        AuditAction::Destroyed { id: id("k1") },
        AuditAction::Closed { active: id("k1") },
    ];
    assert_eq!(
        actions.map(|action| action.to_string()),
        [
            "key `k1` was created as the first",
            "key `k1` was adopted as the active one, with 2 others",
            "the ring was created without a key",
            "key `k1` was added",
            "key `k2` became active again in the place of key `k1`",
            "key `k1` was retired",
            "key `k1` was revoked",
            "key `k1` was restored as retired",
            "the material of key `k1` was wrapped anew",
            "the times of key `k1` were put right",
            "key `k1` was destroyed",
            "the ring was closed, and key `k1` and all others were destroyed",
        ]
    );
}

#[test]
fn the_receipts_of_a_store_are_sentences() {
    use key_rotation::key::{Closing, Dating, Rewrapping};
    let mut late = Closing::new(id("k1"), at(20));
    late.asked_at = at(10);
    assert_eq!(
        [
            Dating::new(id("k1"), at(20)).to_string(),
            Rewrapping::new(id("k1"), at(20)).to_string(),
            late.to_string(),
        ],
        [
            "the times of key `k1` were put right as of 1970-01-01T00:00:00.020Z",
            "the material of key `k1` was wrapped anew at 1970-01-01T00:00:00.020Z",
            "the ring was closed at 1970-01-01T00:00:00.020Z, and key `k1` and all others were \
             destroyed (asked for at 1970-01-01T00:00:00.010Z, which is earlier than what the key \
             carried)",
        ]
    );
}

#[test]
#[should_panic(expected = "the grace period is longer than the retention period")]
fn a_policy_that_contradicts_itself_outside_a_constant_panics() {
    let key = Key::new(id("k1"), (), at(1)).activate(at(1));
    let rules = Cryptoperiods::QUARTERLY.to_builder().grace(days(31)).retention(days(30));
    let _ = rules.build_static().plan(&Keyring::new(key), Usage::UNKNOWN, at(2));
}

#[test]
fn contradictions_are_all_said_in_one_sentence() {
    let refused = Cryptoperiods::builder().grace(days(0)).soft_share(80).build().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the cryptoperiods contradict each other: the grace period is zero: leave the rule out, or \
         give it a length of at least 1 ms; there is a soft share of the usage limit, and no usage \
         limit",
    );
}

#[test]
fn a_reason_says_what_the_key_has_been_all_the_time() {
    for (rule, been) in [
        (Rule::OriginatorUsage, "active"),
        (Rule::HardEnd, "active"),
        (Rule::RecipientUsage, "inactive"),
        (Rule::Grace, "retired"),
        (Rule::Retention, "retired"),
    ] {
        let because = Because::Age { rule, age: days(5), period: days(4) };
        assert_eq!(because.to_string(), format!("it has been {been} for 5 d of 4 d"));
    }
}

/// The numbers of NIST SP 800-38D, RFC 8446 and RFC 9001.
#[test]
fn a_usage_limit_says_its_number_and_where_it_is_from() {
    for (limit, encryptions, said) in [
        (
            UsageLimit::RANDOM_NONCE,
            4_294_967_296,
            "4294967296 encryptions (NIST SP 800-38D, section 8.3)",
        ),
        (UsageLimit::AES_GCM_RECORDS, 23_726_566, "23726566 encryptions (RFC 8446, section 5.5)"),
        (UsageLimit::AES_GCM_PACKETS, 8_388_608, "8388608 encryptions (RFC 9001, section 6.6)"),
        (UsageLimit::of(7), 7, "7 encryptions (the program's own)"),
    ] {
        assert_eq!(limit.encryptions(), encryptions);
        assert_eq!(limit.to_string(), said);
    }
}

#[test]
fn a_revision_is_its_number_and_its_tag() {
    assert_eq!(Revision::new(42, 7).to_string(), "42-0000000000000007");
    assert_eq!(Revision::new(7, u64::MAX).to_string(), "7-ffffffffffffffff");
}
