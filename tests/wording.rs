//! What rules, plans and records say: people read it, and some of it only when something is wrong.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use key_rotation::audit::AuditAction;
use key_rotation::plan::{Because, DueStep, Upcoming};
use key_rotation::policy::{Rule, Step, UsageLimit, UsageLimitSource, days, minutes};
use key_rotation::store::Revision;
use key_rotation::{Cryptoperiods, KeyId, Timestamp};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

#[test]
fn each_rule_has_a_name() {
    let names = [
        (Rule::OriginatorUsage, "originator usage"),
        (Rule::RecipientUsage, "recipient usage"),
        (Rule::Grace, "grace"),
        (Rule::Retention, "retention"),
        (Rule::Propagation, "propagation"),
        (Rule::UsageLimit, "usage limit"),
        (Rule::HardEnd, "hard end"),
        (Rule::ForwardOnly, "forward-only"),
        (Rule::MaxStaleness, "max staleness"),
        (Rule::ClockSkew, "clock skew"),
        (Rule::DataLifetime, "data lifetime"),
        (Rule::WriteDelay, "write delay"),
        (Rule::DecryptStaleness, "decrypt staleness"),
        (Rule::DisableBeforeDestroy, "disable before destroy"),
        (Rule::Reports, "reports"),
        (Rule::NotNeeded, "not needed"),
        (Rule::Status, "status"),
        (Rule::KnownTimes, "known times"),
    ];
    for (rule, name) in names {
        assert_eq!(rule.to_string(), name);
    }
}

#[test]
fn each_step_that_comes_later_says_what_and_when() {
    let steps = [
        Step::Date,
        Step::Activate,
        Step::Stage,
        Step::Discard,
        Step::Retire,
        Step::Revoke,
        Step::Destroy,
    ];
    let said = steps.map(|step| Upcoming { at: at(0), step, id: id("k1") }.to_string());
    let at = "1970-01-01T00:00:00.000Z";
    let expected = [
        format!("date k1, from now: due from {at}"),
        format!("key k1 is due to be replaced from {at}"),
        format!("stage a new key, to take the place of k1: due from {at}"),
        format!("give k1 up, which was never used: due from {at}"),
        format!("retire k1: due from {at}"),
        format!("revoke k1, to see that nobody needs it: due from {at}"),
        format!("destroy k1: due from {at}"),
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
        assert_eq!(Because::Age(Duration::from_millis(millis)).to_string(), spoken);
    }
}

#[test]
fn a_step_says_why_it_is_due() {
    let due = |step, because| DueStep { step, id: id("k1"), from: at(0), because }.to_string();
    let age = Because::Age(days(91));
    let said = [
        due(Step::Date, Because::Undated),
        due(Step::Activate, age),
        due(Step::Activate, Because::Usage(9)),
        due(Step::Stage, Because::NoSpare),
        due(Step::Discard, Because::Surplus),
        due(Step::Retire, age),
        due(Step::Revoke, age),
        due(Step::Destroy, age),
    ];
    assert_eq!(
        said,
        [
            "date k1, from now: it is not known since when it is what it is",
            "activate k1: the active key has been so for 91 d",
            "activate k1: it has encrypted 9 times",
            "stage a new key, to take the place of k1: no other key waits",
            "give k1 up, which was never used: more keys are staged than are needed, or it cannot be \
             used",
            "retire k1: another key has been in its place for 91 d",
            "revoke k1, to see that nobody needs it: it has been what it is for 91 d",
            "destroy k1: it has been what it is for 91 d",
        ]
    );
}

#[test]
fn a_usage_limit_names_its_source() {
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
#[should_panic(
    expected = "the hard end comes before processes have stopped to use a key that is due to be \
                replaced (the originator usage, the staleness and the clock skew): make it at least \
                91 d 5 min"
)]
fn a_policy_that_contradicts_itself_outside_a_constant_panics() {
    let rules = Cryptoperiods::QUARTERLY.to_builder().hard_end(days(91));
    let _ = rules.build_static();
}

#[test]
fn contradictions_are_all_said_in_one_sentence() {
    let rules = Cryptoperiods::builder(days(1), minutes(5)).retention(days(9)).soft_share(80);
    assert_eq!(
        rules.build().unwrap_err().to_string(),
        "the cryptoperiods contradict each other: the usage limit has a soft share, and is not \
         there; the retention begins when a key is retired, and that is never due: say a recipient \
         usage",
    );
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
