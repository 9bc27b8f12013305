//! The rules of time and usage, each at its boundary: one millisecond before it, and at it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::time::Duration;

use key_rotation::policy::{
    Contradiction, CryptoperiodsBuilder, Due, Evidence, Fleet, KeyUsage, NodeReport, References,
    Refusal, Rule, Step, Timing, Unreferenced, Until, UsageLimit, days, hours, minutes,
};
use key_rotation::store::Revision;
use key_rotation::{Cryptoperiods, KeyId, KeyInfo, KeyStatus, RotationPolicy, Times, Timestamp};

const MS: Duration = Duration::from_millis(1);
const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);
const SKEW: Duration = minutes(5);

fn after(period: Duration) -> Timestamp {
    START.saturating_add(period)
}

fn before(at: Timestamp) -> Timestamp {
    at.saturating_sub(MS)
}

fn id() -> KeyId {
    KeyId::from_static("k1")
}

fn info(status: KeyStatus, used: bool, times: Times) -> KeyInfo {
    KeyInfo {
        id: id(),
        status,
        times,
        used,
        counted: false,
        added_in: 3,
        deactivated_in: if used { 7 } else { 0 },
    }
}

fn staged() -> KeyInfo {
    info(KeyStatus::Inactive, false, Times { added_at: Some(START), ..Times::default() })
}

fn active() -> KeyInfo {
    info(KeyStatus::Active, true, Times { activated_at: Some(START), ..Times::default() })
}

fn demoted() -> KeyInfo {
    info(KeyStatus::Inactive, true, Times { deactivated_at: Some(START), ..Times::default() })
}

/// Deactivated at the start, and retired so long after it.
fn retired(since: Duration) -> KeyInfo {
    let times = Times { retired_at: Some(after(since)), ..demoted().times };
    info(KeyStatus::Retired, true, times)
}

fn revoked(since: Duration) -> KeyInfo {
    let times = Times { revoked_at: Some(after(since)), ..demoted().times };
    info(KeyStatus::Revoked, true, times)
}

fn counted(at: Timestamp) -> Evidence {
    Unreferenced::counted(id(), 0, at).unwrap().into()
}

fn base() -> CryptoperiodsBuilder {
    Cryptoperiods::builder(days(1), SKEW)
}

fn made(builder: CryptoperiodsBuilder) -> Cryptoperiods {
    builder.build().unwrap()
}

/// Refused one millisecond before the time, with this rule and until this time; allowed at it.
fn from(at: Timestamp, rule: Rule, may: impl Fn(Timestamp) -> Result<(), Refusal>) {
    let refusal = may(before(at)).unwrap_err();
    assert_eq!((refusal.rule(), refusal.stands_until()), (Some(rule), Until::At(at)), "{refusal}");
    assert_eq!(may(at), Ok(()));
}

fn node(revision: u64, lease_end: Timestamp) -> NodeReport {
    NodeReport {
        node: "node-1".parse().unwrap(),
        revision: Revision::new(revision, 1),
        lease_end,
        unprepared: vec![],
        usage: vec![],
    }
}

fn used(last_encryption: Timestamp, last_decryption: Option<Timestamp>) -> Fleet {
    let usage = KeyUsage {
        id: id(),
        encryptions: 1,
        last_encryption: Some(last_encryption),
        last_decryption,
    };
    let node = NodeReport { usage: vec![usage], ..node(99, START) };
    Fleet { nodes: vec![node], ..Fleet::UNKNOWN }
}

#[test]
fn a_new_key_waits_until_every_process_has_it() {
    let unknown = Fleet::UNKNOWN;
    for (policy, wait) in [
        (base(), days(1) + SKEW),
        (base().decrypt_staleness(days(7)), days(7) + SKEW),
        (base().propagation(days(9)), days(9)),
        (base().decrypt_staleness(days(7)).propagation(days(9)), days(9)),
    ] {
        let policy = made(policy);
        from(after(wait), Rule::Propagation, |at| policy.may_activate(&staged(), &unknown, at));
        assert_eq!(policy.timing().propagation, wait);
    }
}

#[test]
fn what_can_never_be_activated_is_said_to_be_so() {
    let policy = made(base());
    let (unknown, late) = (Fleet::UNKNOWN, after(days(400)));
    let until =
        |key: &KeyInfo, at| policy.may_activate(key, &unknown, at).unwrap_err().stands_until();
    assert_eq!(until(&demoted(), late), Until::Never);
    assert_eq!(until(&retired(days(2)), late), Until::Never);
    assert_eq!(until(&active(), late), Until::Never);
    let undated = KeyInfo { times: Times::default(), ..staged() };
    assert_eq!(until(&undated, late), Until::Event);
    // Dated by a clock that is more than the skew ahead.
    assert!(matches!(until(&staged(), START.saturating_sub(SKEW)), Until::At(_)));
    assert_eq!(until(&staged(), before(START.saturating_sub(SKEW))), Until::Hopeless);

    let again = made(base().allow_reactivation());
    let key = KeyInfo { times: Times { added_at: Some(START), ..demoted().times }, ..demoted() };
    assert_eq!(again.may_activate(&key, &unknown, late), Ok(()));
}

#[test]
fn a_process_that_lags_holds_an_activation_back_while_its_lease_holds() {
    let policy = made(base());
    let at = after(days(3));
    let fleet = |node| Fleet { nodes: vec![node], ..Fleet::UNKNOWN };
    let refused = |fleet: &Fleet| policy.may_activate(&staged(), fleet, at).unwrap_err();
    let live = at.saturating_sub(SKEW).saturating_add(MS);
    let refusal = refused(&fleet(node(2, live)));
    assert_eq!((refusal.rule(), refusal.stands_until()), (Some(Rule::Reports), Until::Event));
    assert_eq!(refusal.reason(), "process `node-1` has not loaded it");
    assert_eq!(policy.may_activate(&staged(), &fleet(node(3, live)), at), Ok(()));
    assert_eq!(policy.may_activate(&staged(), &fleet(node(2, before(live))), at), Ok(()), "gone");
    let unprepared = NodeReport { unprepared: vec![id()], ..node(3, live) };
    assert_eq!(refused(&fleet(unprepared)).reason(), "process `node-1` could not prepare it");
}

#[test]
fn an_active_key_stops_at_its_hard_end_and_at_its_usage_limit() {
    let policy =
        made(base().originator_usage(days(90)).hard_end(days(100)).usage_limit(UsageLimit::of(50)));
    let end = after(days(100));
    assert_eq!(policy.may_encrypt(&active(), Some(49), before(end)), Ok(()));
    assert_eq!(policy.may_encrypt(&active(), None, before(end)), Ok(()));
    let rule = |usage, at| policy.may_encrypt(&active(), usage, at).unwrap_err().rule();
    assert_eq!(rule(None, end), Some(Rule::HardEnd));
    assert_eq!(rule(Some(50), START), Some(Rule::UsageLimit));
    assert_eq!(policy.may_encrypt(&demoted(), None, START).unwrap_err().rule(), Some(Rule::Status));
    let undated = KeyInfo { times: Times::default(), ..active() };
    assert_eq!(
        policy.may_encrypt(&undated, None, START).unwrap_err().rule(),
        Some(Rule::KnownTimes)
    );
}

#[test]
fn a_key_is_retired_when_no_process_encrypts_with_it_any_more() {
    let policy = made(base());
    let none = Evidence::None;
    let wait = after(days(1) + SKEW);
    from(wait, Rule::MaxStaleness, |at| policy.may_retire(&demoted(), &Fleet::UNKNOWN, &none, at));
    let lagging = |lease_end| Fleet { nodes: vec![node(6, lease_end)], ..Fleet::UNKNOWN };
    let refusal = policy.may_retire(&demoted(), &lagging(wait), &none, wait).unwrap_err();
    assert_eq!(refusal.reason(), "process `node-1` may still encrypt with it");
    let gone = wait.saturating_sub(SKEW);
    assert_eq!(policy.may_retire(&demoted(), &lagging(gone), &none, wait), Ok(()));
    // A key that was never used waits for nothing, and a reason passes everything.
    assert_eq!(policy.may_retire(&staged(), &Fleet::UNKNOWN, &none, START), Ok(()));
    let forced = Evidence::Forced("a reason".parse().unwrap());
    assert_eq!(policy.may_retire(&demoted(), &Fleet::UNKNOWN, &forced, START), Ok(()));
}

#[test]
fn where_a_clock_ends_the_reading_a_key_is_retired_when_nothing_needs_it() {
    let policy = made(base().grace(days(2)));
    let at = after(days(30));
    let without = policy.may_retire(&demoted(), &Fleet::UNKNOWN, &Evidence::None, at).unwrap_err();
    assert_eq!(without.rule(), Some(Rule::NotNeeded));
    assert_eq!(policy.may_retire(&demoted(), &Fleet::UNKNOWN, &counted(at), at), Ok(()));

    let with_life = made(base().grace(days(2)).data_lifetime(days(9)));
    assert_eq!(with_life.may_retire(&demoted(), &Fleet::UNKNOWN, &Evidence::None, at), Ok(()));
    // A process has encrypted late: what it made outlives the grace that would begin now.
    let last = at.saturating_sub(days(3));
    let allowed = last.saturating_add(days(7) + SKEW + MS);
    let fleet = used(last, None);
    from(allowed, Rule::Reports, |at| {
        with_life.may_retire(&demoted(), &fleet, &Evidence::None, at)
    });
}

#[test]
fn a_count_is_made_when_all_that_was_encrypted_can_be_seen() {
    let policy = made(base().write_delay(hours(6)));
    let at = after(days(30));
    let seen_from = after(days(1) + SKEW + hours(6));
    let destroy = |evidence: &Evidence, fleet: &Fleet| {
        policy.may_destroy(&retired(days(2)), fleet, evidence, at)
    };
    assert_eq!(destroy(&counted(seen_from), &Fleet::UNKNOWN), Ok(()));
    for evidence in [counted(before(seen_from)), Evidence::None, counted(at.saturating_add(MS))] {
        let refusal = destroy(&evidence, &Fleet::UNKNOWN).unwrap_err();
        assert_eq!(refusal.rule(), Some(Rule::NotNeeded), "{refusal}");
    }
    let of_another = Unreferenced::counted(KeyId::from_static("k9"), 0, seen_from).unwrap();
    let refusal = destroy(&of_another.into(), &Fleet::UNKNOWN).unwrap_err();
    assert_eq!(refusal.reason(), "the data that was counted is that of another key");

    // The fleet's own count, and one that found something later.
    let references = |count, counted_at| Fleet {
        references: vec![References { id: id(), count, counted_at }],
        ..Fleet::UNKNOWN
    };
    assert_eq!(destroy(&Evidence::None, &references(0, seen_from)), Ok(()));
    let refusal = destroy(&counted(seen_from), &references(2, at)).unwrap_err();
    assert_eq!(refusal.reason(), "2 pieces of data need it");

    // Reports of use hold it back.
    let counted_at = after(days(20));
    let last = counted_at.saturating_sub(SKEW + hours(6));
    assert_eq!(destroy(&counted(counted_at), &used(before(last), None)), Ok(()));
    assert!(destroy(&counted(counted_at), &used(last, None)).is_err());
    assert_eq!(destroy(&counted(counted_at), &used(START, Some(before(counted_at)))), Ok(()));
    let refusal = destroy(&counted(counted_at), &used(START, Some(counted_at))).unwrap_err();
    assert_eq!(refusal.reason(), "a process has decrypted with it since its data was counted");
}

#[test]
fn data_that_has_a_life_needs_no_count() {
    let policy = made(base().data_lifetime(days(14)));
    let none = Evidence::None;
    let end = after(days(15) + SKEW);
    from(end, Rule::DataLifetime, |at| {
        policy.may_destroy(&retired(days(2)), &Fleet::UNKNOWN, &none, at)
    });
    let last = after(days(5));
    let fleet = used(last, None);
    let end = last.saturating_add(days(14) + SKEW + MS);
    from(end, Rule::Reports, |at| policy.may_destroy(&retired(days(2)), &fleet, &none, at));
}

#[test]
fn a_retired_key_reads_until_its_end_and_is_destroyed_after_it() {
    let policy = made(
        base().grace(days(2)).data_lifetime(days(14)).recipient_usage(days(14)).retention(days(3)),
    );
    // The data outlives the grace.
    let key = retired(days(3));
    let end = after(days(15) + SKEW);
    assert_eq!(policy.may_decrypt(&key, before(end)), Ok(()));
    assert_eq!(policy.may_decrypt(&key, end).unwrap_err().rule(), Some(Rule::Grace));
    let none = Evidence::None;
    from(end.saturating_add(SKEW), Rule::Grace, |at| {
        policy.may_destroy(&key, &Fleet::UNKNOWN, &none, at)
    });
    // The grace outlives the data.
    let key = retired(days(20));
    let end = after(days(22));
    assert_eq!(policy.may_decrypt(&key, before(end)), Ok(()));
    assert!(policy.may_decrypt(&key, end).is_err());

    // Without a life of data there is an end only where somebody has counted.
    let policy = made(base().grace(days(2)));
    let far = after(days(9_999));
    assert_eq!(policy.may_decrypt(&retired(days(3)), far), Ok(()));
    let counted = KeyInfo { counted: true, ..retired(days(3)) };
    assert_eq!(policy.may_decrypt(&counted, before(after(days(5)))), Ok(()));
    assert!(policy.may_decrypt(&counted, after(days(5))).is_err());
}

#[test]
fn a_revoked_key_decrypts_nothing_and_every_other_without_grace_does() {
    let policy = made(base());
    assert_eq!(
        policy.may_decrypt(&revoked(days(1)), START).unwrap_err().rule(),
        Some(Rule::Status)
    );
    let far = after(days(9_999));
    for key in [active(), staged(), demoted(), retired(days(1))] {
        assert_eq!(policy.may_decrypt(&key, far), Ok(()));
    }
}

#[test]
fn a_key_that_is_disabled_before_its_end_is_revoked_first() {
    let policy = Cryptoperiods::QUARTERLY;
    let at = after(days(60));
    let evidence = counted(after(days(40)));
    let refusal =
        policy.may_destroy(&retired(days(30)), &Fleet::UNKNOWN, &evidence, at).unwrap_err();
    assert_eq!(refusal.rule(), Some(Rule::DisableBeforeDestroy));
    assert_eq!(policy.may_revoke(&retired(days(30)), &Fleet::UNKNOWN, &evidence, at), Ok(()));
    let refusal =
        policy.may_revoke(&retired(days(30)), &Fleet::UNKNOWN, &Evidence::None, at).unwrap_err();
    assert_eq!(refusal.rule(), Some(Rule::NotNeeded));

    let times = Times { retired_at: Some(after(days(30))), ..revoked(days(46)).times };
    let key = KeyInfo { times, ..revoked(days(46)) };
    let end = after(days(46) + days(14) + SKEW);
    from(end, Rule::DisableBeforeDestroy, |at| {
        policy.may_destroy(&key, &Fleet::UNKNOWN, &evidence, at)
    });
}

#[test]
fn a_key_is_kept_for_its_retention_since_it_was_gone() {
    let policy = made(base().recipient_usage(days(30)).retention(days(30)));
    let evidence = counted(after(days(31)));
    let end = after(days(60));
    from(end, Rule::Retention, |at| {
        policy.may_destroy(&retired(days(30)), &Fleet::UNKNOWN, &evidence, at)
    });
    // The earlier of retired and revoked.
    let times = Times { retired_at: Some(after(days(30))), ..revoked(days(40)).times };
    let key = KeyInfo { times, ..revoked(days(40)) };
    from(end, Rule::Retention, |at| policy.may_destroy(&key, &Fleet::UNKNOWN, &evidence, at));
    let unused = KeyInfo { used: false, ..retired(days(30)) };
    assert_eq!(policy.may_destroy(&unused, &Fleet::UNKNOWN, &Evidence::None, START), Ok(()));
}

#[test]
fn what_is_due_is_due_from_the_moment_that_the_rules_say() {
    let unknown = Fleet::UNKNOWN;
    let quarterly = Cryptoperiods::QUARTERLY;
    let due = |step, key: &KeyInfo| quarterly.due(step, key, &unknown);
    assert_eq!(due(Step::Activate, &active()), Due::From(after(days(90))));
    assert_eq!(due(Step::Retire, &demoted()), Due::From(after(days(30))));
    assert_eq!(due(Step::Retire, &staged()), Due::Never);
    let retired_30 = retired(days(30));
    let disabled = days(14) + SKEW;
    assert_eq!(due(Step::Revoke, &retired_30), Due::From(after(days(60) - disabled)));
    assert_eq!(due(Step::Destroy, &retired_30), Due::Never, "it is revoked first");
    let times = Times { retired_at: retired_30.times.retired_at, ..revoked(days(46)).times };
    let key = KeyInfo { times, ..revoked(days(46)) };
    assert_eq!(due(Step::Destroy, &key), Due::From(after(days(46) + disabled)));
    assert_eq!(due(Step::Activate, &KeyInfo { times: Times::default(), ..active() }), Due::Unknown);
    for (key, undated) in [
        (active(), true),
        (demoted(), true),
        (staged(), true),
        (retired(days(1)), true),
        (revoked(days(1)), true),
    ] {
        let no_times = KeyInfo { times: Times::default(), ..key.clone() };
        assert_eq!(due(Step::Date, &no_times) != Due::Never, undated);
        assert_eq!(due(Step::Date, &key), Due::Never);
    }

    let hard_end = made(base().hard_end(days(10)));
    assert_eq!(hard_end.due(Step::Activate, &active(), &unknown), Due::From(after(days(9) - SKEW)));
    let no_rules = made(base());
    for step in [Step::Activate, Step::Stage, Step::Retire, Step::Revoke, Step::Destroy] {
        assert_eq!(no_rules.due(step, &active(), &unknown), Due::Never);
    }
}

#[test]
fn a_rotation_is_due_at_a_share_of_the_usage_limit() {
    let policy = made(base().usage_limit(UsageLimit::of(1_000)));
    let reported = |encryptions| {
        let usage =
            KeyUsage { id: id(), encryptions, last_encryption: None, last_decryption: None };
        let half = KeyUsage { encryptions: encryptions / 2, ..usage.clone() };
        let rest = KeyUsage { encryptions: encryptions - encryptions / 2, ..usage };
        let nodes = [half, rest].map(|usage| NodeReport { usage: vec![usage], ..node(9, START) });
        Fleet { nodes: nodes.to_vec(), ..Fleet::UNKNOWN }
    };
    assert_eq!(policy.due(Step::Activate, &active(), &reported(799)), Due::Never);
    assert!(matches!(policy.due(Step::Activate, &active(), &reported(800)), Due::From(_)));
    let at_one = made(base().usage_limit(UsageLimit::of(1_000)).soft_share(1));
    assert!(matches!(at_one.due(Step::Activate, &active(), &reported(10)), Due::From(_)));
    assert_eq!(at_one.due(Step::Activate, &active(), &reported(9)), Due::Never);
}

#[test]
fn the_presets_have_the_lives_that_they_say() {
    let hour = |h| hours(h);
    let waits = |policy: Cryptoperiods| policy.timing().propagation;
    assert_eq!(waits(Cryptoperiods::QUARTERLY), days(7) + SKEW);
    assert_eq!(waits(Cryptoperiods::COOKIES), days(1) + SKEW);
    assert_eq!(waits(Cryptoperiods::TOKENS), hour(48) + SKEW);
    assert_eq!(waits(Cryptoperiods::NIST_LONGEST), days(7) + SKEW);
    let timing = Timing {
        max_staleness: days(1),
        clock_skew: SKEW,
        write_delay: days(1),
        propagation: days(7) + SKEW,
        overdue_after: days(2),
    };
    assert_eq!(Cryptoperiods::QUARTERLY.timing(), timing);
    assert_eq!(Cryptoperiods::COOKIES.timing().write_delay, hours(1), "the staleness");
}

#[test]
fn each_contradiction_names_the_smallest_value_that_would_do_and_that_value_does() {
    type Set = fn(CryptoperiodsBuilder, Duration) -> CryptoperiodsBuilder;
    let cases: [(Rule, Set, CryptoperiodsBuilder, Duration, Duration); 13] = [
        (Rule::Propagation, CryptoperiodsBuilder::propagation, base(), days(1), days(1) + SKEW),
        (
            Rule::Propagation,
            CryptoperiodsBuilder::propagation,
            base().decrypt_staleness(days(7)),
            days(2),
            days(7) + SKEW,
        ),
        (
            Rule::OriginatorUsage,
            CryptoperiodsBuilder::originator_usage,
            base(),
            hours(24),
            days(1) + SKEW,
        ),
        (Rule::HardEnd, CryptoperiodsBuilder::hard_end, base(), days(2), days(2) + 2 * SKEW),
        (
            Rule::HardEnd,
            CryptoperiodsBuilder::hard_end,
            base().originator_usage(days(90)),
            days(91),
            days(91) + SKEW,
        ),
        (
            Rule::DecryptStaleness,
            CryptoperiodsBuilder::decrypt_staleness,
            base(),
            hours(3),
            days(1),
        ),
        (
            Rule::Grace,
            CryptoperiodsBuilder::grace,
            base().decrypt_staleness(days(7)),
            days(6),
            days(7),
        ),
        (
            Rule::RecipientUsage,
            CryptoperiodsBuilder::recipient_usage,
            base(),
            days(1),
            days(1) + SKEW,
        ),
        (
            Rule::RecipientUsage,
            CryptoperiodsBuilder::recipient_usage,
            base().grace(days(1)),
            days(2),
            days(2) + SKEW,
        ),
        (
            Rule::Retention,
            CryptoperiodsBuilder::retention,
            base().recipient_usage(days(2)).data_lifetime(days(9)),
            days(8),
            days(8) + SKEW,
        ),
        (
            Rule::Retention,
            CryptoperiodsBuilder::retention,
            base().recipient_usage(days(1) + SKEW),
            hours(23),
            days(1),
        ),
        (
            Rule::Retention,
            CryptoperiodsBuilder::retention,
            base().recipient_usage(days(9)).grace(days(5)),
            days(5),
            days(5) + SKEW,
        ),
        (
            Rule::Retention,
            CryptoperiodsBuilder::retention,
            base()
                .recipient_usage(days(30))
                .decrypt_staleness(days(3))
                .disable_before_destroy(days(4)),
            days(7),
            days(7) + SKEW,
        ),
    ];
    for (rule, set, rules, wrong, least) in cases {
        let error = set(rules, wrong).build().unwrap_err();
        let of_rule = |c: &&Contradiction| c.rule() == rule;
        let found: Vec<_> = error.contradictions().iter().filter(of_rule).collect();
        assert_eq!(found.len(), 1, "{rule}: {error}");
        assert_eq!(found[0].at_least(), Some(least), "{error}");
        let too_little = set(rules, least - MS).build().unwrap_err();
        assert!(too_little.contradictions().iter().any(|c| of_rule(&c)), "{too_little}");
        let enough = set(rules, least).build();
        assert!(enough.is_ok(), "{rule}: {}", enough.unwrap_err());
    }
}

#[test]
fn what_is_missing_or_means_nothing_is_a_contradiction() {
    let text = |rules: CryptoperiodsBuilder| rules.build().unwrap_err().to_string();
    assert_eq!(
        text(Cryptoperiods::builder(Duration::ZERO, SKEW)),
        "the cryptoperiods contradict each other: the max staleness is zero: no process could ever \
         encrypt: make it at least 1 ms"
    );
    assert!(text(base().disable_before_destroy(days(1))).contains("say a decrypt staleness"));
    assert!(text(base().disable_before_destroy(days(1))).contains("say a retention"));
    assert!(text(base().retention(days(9))).contains("say a recipient usage"));
    assert!(text(base().usage_limit(UsageLimit::of(0))).contains("allow at least 1 encryption"));
    for share in [0, 101, 255] {
        let rules = base().usage_limit(UsageLimit::of(9)).soft_share(share);
        assert!(text(rules).contains("outside 1 to 100 percent"));
    }
    assert!(text(base().soft_share(50)).contains("has a soft share, and is not there"));
    for zero in [
        base().originator_usage(Duration::ZERO),
        base().recipient_usage(Duration::ZERO),
        base().grace(Duration::ZERO),
        base().retention(Duration::ZERO),
        base().hard_end(Duration::ZERO),
        base().data_lifetime(Duration::ZERO),
        base().decrypt_staleness(Duration::ZERO),
    ] {
        assert!(text(zero).contains("is zero"), "{}", text(zero));
    }
    assert!(made(base().soft_share(1).usage_limit(UsageLimit::of(1))).usage_limit().is_some());
}

#[test]
fn times_at_the_end_of_all_time_do_not_overflow() {
    let policy = Cryptoperiods::QUARTERLY;
    let far = Times {
        created_at: Some(Timestamp::MAX),
        added_at: Some(Timestamp::MAX),
        activated_at: Some(Timestamp::MAX),
        deactivated_at: Some(Timestamp::MAX),
        retired_at: Some(Timestamp::MAX),
        revoked_at: None,
    };
    let huge = made(Cryptoperiods::builder(Duration::MAX, Duration::MAX));
    for policy in [policy, huge] {
        for status in [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired] {
            let key = info(status, true, far);
            for at in [Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                let _ = policy.may_encrypt(&key, Some(u64::MAX), at);
                let _ = policy.may_decrypt(&key, at);
                let _ = policy.may_activate(&key, &Fleet::UNKNOWN, at);
                let _ = policy.may_retire(&key, &Fleet::UNKNOWN, &counted(at), at);
                let _ = policy.may_destroy(&key, &used(at, Some(at)), &counted(at), at);
                let _ = policy.due(Step::Destroy, &key, &Fleet::UNKNOWN);
                let _ = policy.due(Step::Revoke, &key, &Fleet::UNKNOWN);
            }
        }
    }
}
