//! Rules of time and usage: each at its boundary, just before and just after, on clocks that jump;
//! contradictions; and plans that can be carried out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use core::time::Duration;

use KeyStatus::{Active as IsActive, Inactive as IsInactive, Retired as IsRetired};
use key_rotation::error::Contradiction;
use key_rotation::plan::{Doubt, DueStep, Missing};
use key_rotation::policy::{CryptoperiodsBuilder, Rule, Usage, UsageLimit, days};
use key_rotation::{
    Cryptoperiods, DecryptionKeyError, Inactive, Key, KeyId, KeyInfo, KeyRecord, KeyStatus,
    Keyring, Retired, RotationPolicy, Times, Timestamp,
};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

/// A day like any other.
const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

/// A key of which nothing but this is known. A staged one was never active.
fn info(status: KeyStatus, used: bool, times: Times) -> KeyInfo {
    KeyInfo { id: id("k"), status, times, used, counted: false, added_in: 0, deactivated_in: 0 }
}

fn staged(added_at: Option<Timestamp>) -> KeyInfo {
    info(IsInactive, false, Times { added_at, ..Times::default() })
}

fn active(activated_at: Option<Timestamp>) -> KeyInfo {
    info(IsActive, true, Times { activated_at, ..Times::default() })
}

/// A key that has encrypted, and does not any more.
fn former(status: KeyStatus, activated_at: Option<Timestamp>, since: Option<Timestamp>) -> KeyInfo {
    let (deactivated_at, retired_at) =
        if status == IsRetired { (None, since) } else { (since, None) };
    info(status, true, Times { activated_at, deactivated_at, retired_at, ..Times::default() })
}

/// The time `period` after the start, and the milliseconds around it.
fn around(period: Duration) -> [Timestamp; 3] {
    let end = START.saturating_add(period);
    [end.saturating_sub(MS), end, end.saturating_add(MS)]
}

fn rules() -> CryptoperiodsBuilder {
    Cryptoperiods::builder()
}

#[test]
fn a_new_key_may_be_activated_when_its_propagation_is_over() {
    let policy = rules().propagation(days(2)).build().unwrap();
    // What its maker says of its age counts for nothing.
    let mut key = staged(Some(START));
    key.times.created_at = Some(START.saturating_sub(days(100)));
    let allowed = around(days(2)).map(|now| policy.may_activate(&key, now).is_ok());
    assert_eq!(allowed, [false, true, true]);
    let refusal = policy.may_activate(&key, START).unwrap_err();
    assert_eq!(refusal.rule(), Some(Rule::Propagation));
    assert_eq!(refusal.allowed_from(), Some(START.saturating_add(days(2))));

    let unknown = KeyInfo { times: Times { added_at: None, ..key.times }, ..key };
    let refusal = policy.may_activate(&unknown, START).unwrap_err();
    assert_eq!((refusal.rule(), refusal.allowed_from()), (Some(Rule::Propagation), None));
    assert!(rules().build().unwrap().may_activate(&unknown, START).is_ok());
}

#[test]
fn a_key_that_was_active_is_not_activated_again_unless_that_is_allowed() {
    let long_there = Times { added_at: Some(START.saturating_sub(days(100))), ..Times::default() };
    let key = info(IsInactive, true, long_there);
    let refusal = rules().build().unwrap().may_activate(&key, START).unwrap_err();
    assert_eq!((refusal.rule(), refusal.allowed_from()), (Some(Rule::ForwardOnly), None));
    assert!(rules().allow_reactivation().build().unwrap().may_activate(&key, START).is_ok());
}

#[test]
fn a_retired_key_decrypts_until_its_grace_is_over() {
    let policy = rules().grace(days(30)).build().unwrap();
    let key = former(IsRetired, Some(START), Some(START));
    let allowed = around(days(30)).map(|now| policy.may_decrypt(&key, now).is_ok());
    assert_eq!(allowed, [true, false, false]);
    for key in [active(Some(START)), former(IsInactive, Some(START), Some(START))] {
        assert!(policy.may_decrypt(&key, Timestamp::MAX).is_ok(), "{}", key.status);
    }
    let unknown = former(IsRetired, None, None);
    assert!(policy.may_decrypt(&unknown, Timestamp::MAX).is_ok());
}

#[test]
fn below_a_floor_nothing_decrypts_but_the_active_key() {
    let policy = rules().floor(START).build().unwrap();
    let before = START.saturating_sub(MS);
    for status in [IsInactive, IsRetired] {
        let allowed = [before, START, START.saturating_add(MS)].map(|activated| {
            policy.may_decrypt(&former(status, Some(activated), None), START).is_ok()
        });
        assert_eq!(allowed, [false, true, true], "{status}");
        let unknown = former(status, None, Some(START));
        assert_eq!(policy.may_decrypt(&unknown, START).unwrap_err().rule(), Some(Rule::Floor));
        let never = KeyInfo { used: false, ..former(status, None, Some(before)) };
        assert!(policy.may_decrypt(&never, START).is_ok(), "never encrypted");
    }
    assert!(policy.may_decrypt(&active(Some(before)), START).is_ok());
}

#[test]
fn the_active_key_stops_at_its_hard_end_and_at_its_usage_limit() {
    let policy = rules().hard_end(days(120)).usage_limit(UsageLimit::of(1_000)).build().unwrap();
    let key = active(Some(START));
    let by_age = around(days(120)).map(|now| policy.may_encrypt(&key, Usage::of(0), now).is_ok());
    assert_eq!(by_age, [true, false, false]);
    let by_usage = [999, 1_000, 1_001, u64::MAX]
        .map(|count| policy.may_encrypt(&key, Usage::of(count), START).is_ok());
    assert_eq!(by_usage, [true, false, false, false]);
    assert!(policy.may_encrypt(&key, Usage::UNKNOWN, START).is_ok());
    let unknown = active(None);
    assert!(policy.may_encrypt(&unknown, Usage::of(0), Timestamp::MAX).is_ok());
}

fn ring() -> Keyring<&'static str> {
    let key = |name, at| Key::new(id(name), "material", at);
    let mut ring = Keyring::new(key("k1", START).activate(START));
    let _ = ring.add(key("k2", START), START).unwrap();
    ring
}

#[test]
fn a_ring_refuses_with_the_id_the_reason_and_the_date() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let policy = rules().grace(days(30)).hard_end(days(60)).build().unwrap();
    let late = START.saturating_add(days(60));

    ring.enforce(&policy, late);
    let error = ring.decryption_key("k1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "key `k1` may not decrypt: its grace period ended at 2026-01-31T00:00:00.000Z"
    );
    let keys: Vec<_> = ring.decryption_keys().map(|key| key.id().to_string()).collect();
    assert_eq!(keys, ["k2"]);
    assert!(ring.state().to_string().contains("may not decrypt: its grace period ended"));
    // The right to encrypt is asked for beside the ring, which has a key to encrypt with in any
    // case.
    let refusal = policy.may_encrypt(&ring.active().info(), Usage::UNKNOWN, late).unwrap_err();
    assert_eq!(refusal.rule(), Some(Rule::HardEnd));
    assert_eq!(ring.encryption_key().id().as_str(), "k2");
}

#[test]
fn what_is_enforced_is_undone_by_enforcing_again_and_nothing_is_lost() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let policy = rules().grace(days(30)).build().unwrap();
    let allowed = around(days(30)).map(|now| {
        ring.enforce(&policy, now);
        let reads = |ring: &Keyring<&'static str>| match ring.decryption_key("k1") {
            Ok(key) => *key.material() == "material",
            Err(DecryptionKeyError::NotAllowed { id, reason }) => {
                assert_eq!((id.as_str(), reason.rule()), ("k1", Some(Rule::Grace)));
                false
            }
            Err(other) => panic!("{other}"),
        };
        assert_eq!(reads(&ring), reads(&ring.fork()));
        assert_eq!((ring.len(), ring.get("k1").unwrap().status()), (2, IsRetired));
        reads(&ring)
    });
    assert_eq!(allowed, [true, false, false]);
    ring.enforce(&policy, START);
    assert_eq!(*ring.decryption_key("k1").unwrap().material(), "material");
}

#[test]
fn a_usage_count_does_not_go_backwards() {
    let mut usage = Usage::UNKNOWN;
    assert_eq!(usage.update(5), Ok(()));
    assert_eq!(usage.update(5), Ok(()));
    let decreased = usage.update(4).unwrap_err();
    assert_eq!((decreased.known, decreased.reported), (5, 4));
    assert_eq!(usage, Usage::of(5));
}

#[test]
fn every_contradiction_is_found_and_named() {
    use Contradiction::*;
    let zero = Duration::from_micros(999);
    let cases = [
        (rules().originator_usage(zero), vec![Zero(Rule::OriginatorUsage)]),
        (rules().recipient_usage(zero), vec![Zero(Rule::RecipientUsage)]),
        (rules().grace(zero), vec![Zero(Rule::Grace)]),
        (rules().retention(zero), vec![Zero(Rule::Retention)]),
        (rules().propagation(zero), vec![Zero(Rule::Propagation)]),
        (rules().hard_end(zero), vec![Zero(Rule::HardEnd)]),
        (rules().usage_limit(UsageLimit::of(0)), vec![Zero(Rule::UsageLimit)]),
        (rules().originator_usage(days(2)).propagation(days(2) - MS), vec![]),
        (
            rules().originator_usage(days(2)).propagation(days(2)),
            vec![PropagationNotShorterThanOriginatorUsage],
        ),
        (rules().grace(days(2)).retention(days(2)), vec![]),
        (rules().grace(days(2) + MS).retention(days(2)), vec![GraceLongerThanRetention]),
        (rules().originator_usage(days(2)).hard_end(days(2) + MS), vec![]),
        (rules().originator_usage(days(2)).hard_end(days(2)), vec![HardEndNotAfterOriginatorUsage]),
        (rules().usage_limit(UsageLimit::of(1)).soft_share(1), vec![]),
        (rules().usage_limit(UsageLimit::of(1)).soft_share(100), vec![]),
        (rules().usage_limit(UsageLimit::of(1)).soft_share(0), vec![SoftShareOutOfRange]),
        (rules().usage_limit(UsageLimit::of(1)).soft_share(101), vec![SoftShareOutOfRange]),
        (rules().soft_share(50), vec![SoftShareWithoutUsageLimit]),
        (
            rules().originator_usage(zero).propagation(days(1)).grace(days(2)).retention(days(1)),
            vec![
                Zero(Rule::OriginatorUsage),
                PropagationNotShorterThanOriginatorUsage,
                GraceLongerThanRetention,
            ],
        ),
    ];
    for (rules, expected) in cases {
        let found = rules.build().err().map_or(vec![], |error| error.contradictions().to_vec());
        assert_eq!(found, expected, "{rules:?}");
    }
}

#[test]
fn periods_that_overflow_end_at_the_end_of_time() {
    let forever = Duration::MAX;
    let policy = rules().originator_usage(forever).grace(forever).build().unwrap();
    let plan = policy.plan(&ring(), Usage::UNKNOWN, START);
    assert!(plan.due().is_empty());
    assert_eq!(plan.upcoming().first().unwrap().at, Timestamp::MAX);
    assert_eq!(days(u64::MAX), Duration::from_secs(u64::MAX));
}

// ---- Plans ----

fn due(policy: &Cryptoperiods, ring: &Keyring<&'static str>, now: Timestamp) -> Vec<String> {
    policy.plan(ring, Usage::UNKNOWN, now).due().iter().map(ToString::to_string).collect()
}

#[test]
fn a_rotation_is_due_when_the_originator_usage_is_over() {
    let policy = rules().originator_usage(days(90)).build().unwrap();
    let counts = around(days(90)).map(|now| due(&policy, &ring(), now).len());
    assert_eq!(counts, [0, 1, 1]);
    assert_eq!(
        due(&policy, &ring(), START.saturating_add(days(91))),
        ["activate k2 in the place of k1: it has been active for 91 d of 90 d"]
    );
}

#[test]
fn a_rotation_is_due_at_the_soft_share_of_the_usage_limit() {
    let policy = rules().usage_limit(UsageLimit::of(1_001)).soft_share(50).build().unwrap();
    let count = |usage| policy.plan(&ring(), usage, START).due().len();
    assert_eq!([500, 501, 502].map(|n| count(Usage::of(n))), [0, 1, 1]);
    assert_eq!(count(Usage::UNKNOWN), 0);
    let plan = policy.plan(&ring(), Usage::UNKNOWN, START);
    assert_eq!(plan.doubts(), [Doubt::UnknownUsage { id: id("k1") }]);
}

#[test]
fn what_keeps_a_rotation_from_happening_is_said() {
    let policy = rules().originator_usage(days(90)).propagation(days(2)).build().unwrap();
    let late = START.saturating_add(days(90));

    let mut alone = Keyring::new(Key::new(id("k1"), "material", START).activate(START));
    let needed_by = START.saturating_add(days(88));
    let missing = [needed_by.saturating_sub(MS), needed_by, late]
        .map(|now| policy.plan(&alone, Usage::UNKNOWN, now).missing().to_vec());
    assert_eq!(
        missing,
        [vec![], vec![Missing::StagedKey { needed_by }], vec![Missing::StagedKey { needed_by }]]
    );
    let early = policy.plan(&alone, Usage::UNKNOWN, START);
    assert_eq!(early.look_again_at(), Some(needed_by));

    // It was made long ago, and nobody has it yet.
    let _ = alone.add(Key::new(id("k2"), "material", START), late).unwrap();
    let plan = policy.plan(&alone, Usage::UNKNOWN, late);
    let allowed_from = late.saturating_add(days(2));
    assert!(plan.due().is_empty());
    assert_eq!(plan.missing(), [Missing::Propagation { id: id("k2"), allowed_from }]);
    assert_eq!(plan.look_again_at(), Some(allowed_from));
    assert_eq!(
        plan.to_string(),
        "\
at 2026-04-01T00:00:00.000Z
due      nothing
missing  time for every process to load k2: wait until 2026-04-03T00:00:00.000Z
"
    );
}

#[test]
fn keys_are_due_to_retire_and_to_be_destroyed_when_their_periods_are_over() {
    let policy = rules().recipient_usage(days(365)).retention(days(90)).build().unwrap();
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let counts = around(days(365)).map(|now| due(&policy, &ring, now).len());
    assert_eq!(counts, [0, 1, 1]);
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let counts = around(days(90)).map(|now| due(&policy, &ring, now).len());
    assert_eq!(counts, [0, 1, 1]);
    assert_eq!(
        due(&policy, &ring, START.saturating_add(days(91))),
        ["destroy k1, if nothing needs it: it has been retired for 91 d of 90 d"]
    );
}

#[test]
fn unknown_times_are_in_doubt_and_never_overdue() {
    let policy = Cryptoperiods::QUARTERLY;
    let record = |name, status| {
        KeyRecord::new(id(name), status, START, "material").with_times(Times::default())
    };
    let records =
        [record("k1", IsRetired), record("k2", IsActive), record("k3", IsInactive).staged()];
    let ring = Keyring::from_records(records).unwrap();
    let plan = policy.plan(&ring, Usage::of(0), START);
    assert!(plan.due().is_empty() && plan.missing().is_empty(), "{plan}");
    let rules: Vec<_> = plan
        .doubts()
        .iter()
        .map(|doubt| match doubt {
            Doubt::UnknownAge { id, rule } => (id.as_str(), *rule),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        rules,
        [("k2", Rule::OriginatorUsage), ("k1", Rule::Grace), ("k1", Rule::Retention)]
    );
    // A rotation is due by usage, and since when k3 is there is not known: it may be too young.
    let plan = policy.plan(&ring, Usage::of(u64::MAX), START);
    assert!(plan.due().is_empty(), "{plan}");
    let doubt = Doubt::UnknownAge { id: id("k3"), rule: Rule::Propagation };
    assert!(plan.doubts().contains(&doubt), "{plan}");
}

#[test]
fn a_clock_that_jumps_changes_no_ring() {
    let policy = Cryptoperiods::QUARTERLY;
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let before = ring.state();
    let decade = days(3_650);
    for now in [
        START.saturating_add(decade),
        START.saturating_sub(decade),
        Timestamp::MAX,
        Timestamp::UNIX_EPOCH,
    ] {
        let plan = policy.plan(&ring, Usage::of(0), now);
        let _ = policy.may_encrypt(&ring.active().info(), Usage::of(0), now).is_ok();
        ring.enforce(&policy, now);
        assert_eq!(ring.state().refused().is_empty(), now < START.saturating_add(days(30)));
        ring.enforce(&policy, START);
        assert_eq!(ring.state(), before);
        assert_eq!(plan, policy.plan(&ring, Usage::of(0), now), "the same question, another plan");
        // Dated before the ring: nothing can be due, and the plan says that a clock is wrong.
        if now < START && now > Timestamp::UNIX_EPOCH {
            assert!(plan.due().is_empty());
            assert!(plan.doubts().iter().any(|doubt| matches!(doubt, Doubt::InTheFuture { .. })));
        }
    }
}

#[test]
fn what_happened_at_the_moment_of_the_plan_is_not_in_the_future() {
    let policy = Cryptoperiods::QUARTERLY;
    let ring = Keyring::new(Key::new(KeyId::from_static("k1"), 1_u8, START).activate(START));
    let is_doubted = |now| {
        let plan = policy.plan(&ring, Usage::of(0), now);
        plan.doubts().iter().any(|doubt| matches!(doubt, Doubt::InTheFuture { .. }))
    };
    assert!(!is_doubted(START));
    assert!(is_doubted(START.saturating_sub(MS)));
}

fn carry_out(ring: &mut Keyring<u8>, step: &DueStep, at: Timestamp) {
    match step {
        DueStep::Activate { id, .. } => drop(ring.rotate_to(id.as_str(), at).unwrap()),
        DueStep::Retire { id, .. } => drop(ring.entry::<Inactive>(id.as_str()).unwrap().retire(at)),
        DueStep::Destroy { id, .. } => {
            drop(ring.entry::<Retired>(id.as_str()).unwrap().destroy(at))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_due_can_be_carried_out_and_then_nothing_is_due(
        life in prop::collection::vec((0_u8..4, 0_u8..12, 0_u64..200), 0..40),
        periods in prop::collection::vec(prop::option::of(1_u64..60), 5),
        now in 0_u64..600,
        count in prop::option::of(0_u64..200),
    ) {
        let at = |day: u64| START.saturating_add(days(day));
        let mut ring = Keyring::new(Key::new(KeyId::from(0_u64), 0, at(0)).activate(at(0)));
        for (what, key, day) in life {
            let name = KeyId::from(u64::from(key));
            match what {
                0 => drop(ring.add(Key::new(name, key, at(day)), at(day))),
                1 => drop(ring.rotate_to(name.as_str(), at(day))),
                2 => drop(ring.entry::<Inactive>(name.as_str()).map(|entry| entry.retire(at(day)))),
                _ => drop(ring.entry::<Retired>(name.as_str()).map(|entry| entry.destroy(at(day)))),
            }
        }
        let mut rules = Cryptoperiods::builder().usage_limit(UsageLimit::of(100));
        let setters = [
            CryptoperiodsBuilder::originator_usage,
            CryptoperiodsBuilder::recipient_usage,
            CryptoperiodsBuilder::grace,
            CryptoperiodsBuilder::retention,
            CryptoperiodsBuilder::propagation,
        ];
        for (set, period) in setters.into_iter().zip(periods) {
            rules = period.map_or(rules, |period| set(rules, days(period)));
        }
        let Ok(policy) = rules.build() else { return Ok(()) };

        let usage = count.map_or(Usage::UNKNOWN, Usage::of);
        let plan = policy.plan(&ring, usage, at(now));
        let rotates = plan.due().iter().any(|step| matches!(step, DueStep::Activate { .. }));
        for step in plan.due() {
            carry_out(&mut ring, step, at(now));
        }
        let fresh = if rotates { Usage::of(0) } else { usage };
        let after = policy.plan(&ring, fresh, at(now));
        prop_assert!(after.due().is_empty(), "{plan}\nthen\n{after}");
        prop_assert!(after.look_again_at().is_none_or(|again| again > at(now)), "{after}");
    }
}
