//! Rules of time and usage: each at its boundary, just before and just after, on clocks that jump;
//! contradictions; and plans that can be carried out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use core::time::Duration;

use KeyStatus::{Active as IsActive, Inactive as IsInactive, Retired as IsRetired};
use key_rotation::{
    Contradiction, Cryptoperiods, CryptoperiodsBuilder, DecryptionKeyError, Doubt, DueStep,
    EncryptionKeyError, EntryError, Inactive, Key, KeyId, KeyInfo, KeyStatus, Keyring, Missing,
    Retired, RotationPolicy, Rule, TakenBy, Timestamp, Usage, UsageDecreased, UsageLimit, days,
};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

/// A day like any other.
const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

fn info(status: KeyStatus, activated_at: Option<Timestamp>, since: Timestamp) -> KeyInfo {
    KeyInfo {
        id: id("k"),
        status,
        created_at: Timestamp::UNIX_EPOCH,
        activated_at,
        status_since: since,
    }
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
    let key = info(IsInactive, None, START);
    let allowed = around(days(2)).map(|now| policy.may_activate(&key, now).is_ok());
    assert_eq!(allowed, [false, true, true]);
    let refusal = policy.may_activate(&key, START).unwrap_err();
    assert_eq!(refusal.rule(), Some(Rule::Propagation));
    assert_eq!(refusal.allowed_from(), Some(START.saturating_add(days(2))));

    let unknown = info(IsInactive, None, Timestamp::UNIX_EPOCH);
    let refusal = policy.may_activate(&unknown, START).unwrap_err();
    assert_eq!((refusal.rule(), refusal.allowed_from()), (Some(Rule::Propagation), None));
    assert!(rules().build().unwrap().may_activate(&unknown, START).is_ok());
}

#[test]
fn a_key_that_was_active_is_not_activated_again_unless_that_is_allowed() {
    let key = info(IsInactive, Some(START), START);
    let refusal = rules().build().unwrap().may_activate(&key, START).unwrap_err();
    assert_eq!((refusal.rule(), refusal.allowed_from()), (Some(Rule::ForwardOnly), None));
    assert!(rules().allow_reactivation().build().unwrap().may_activate(&key, START).is_ok());
}

#[test]
fn a_retired_key_decrypts_until_its_grace_is_over() {
    let policy = rules().grace(days(30)).build().unwrap();
    let key = info(IsRetired, Some(START), START);
    let allowed = around(days(30)).map(|now| policy.may_decrypt(&key, now).is_ok());
    assert_eq!(allowed, [true, false, false]);
    for status in [IsActive, IsInactive] {
        let key = info(status, Some(START), START);
        assert!(policy.may_decrypt(&key, Timestamp::MAX).is_ok(), "{status}");
    }
    let unknown = info(IsRetired, None, Timestamp::UNIX_EPOCH);
    assert!(policy.may_decrypt(&unknown, Timestamp::MAX).is_ok());
}

#[test]
fn below_a_floor_nothing_decrypts_but_the_active_key() {
    let policy = rules().floor(START).build().unwrap();
    let before = START.saturating_sub(MS);
    for status in [IsInactive, IsRetired] {
        let allowed = [before, START, START.saturating_add(MS)].map(|activated| {
            policy.may_decrypt(&info(status, Some(activated), activated), START).is_ok()
        });
        assert_eq!(allowed, [false, true, true], "{status}");
        let unknown = info(status, Some(Timestamp::UNIX_EPOCH), START);
        assert_eq!(policy.may_decrypt(&unknown, START).unwrap_err().rule(), Some(Rule::Floor));
        assert!(policy.may_decrypt(&info(status, None, before), START).is_ok(), "never encrypted");
    }
    assert!(policy.may_decrypt(&info(IsActive, Some(before), before), START).is_ok());
}

#[test]
fn the_active_key_stops_at_its_hard_end_and_at_its_usage_limit() {
    let policy = rules().hard_end(days(120)).usage_limit(UsageLimit::of(1_000)).build().unwrap();
    let key = info(IsActive, Some(START), START);
    let by_age = around(days(120)).map(|now| policy.may_encrypt(&key, Usage::of(0), now).is_ok());
    assert_eq!(by_age, [true, false, false]);
    let by_usage = [999, 1_000, 1_001, u64::MAX]
        .map(|count| policy.may_encrypt(&key, Usage::of(count), START).is_ok());
    assert_eq!(by_usage, [true, false, false, false]);
    assert!(policy.may_encrypt(&key, Usage::UNKNOWN, START).is_ok());
    let unknown = info(IsActive, Some(Timestamp::UNIX_EPOCH), START);
    assert!(policy.may_encrypt(&unknown, Usage::of(0), Timestamp::MAX).is_ok());
}

fn ring() -> Keyring<&'static str> {
    let key = |name, at| Key::new(id(name), "material", at);
    let mut ring = Keyring::new(key("k1", START).activate(START));
    let _ = ring.add(key("k2", START)).unwrap();
    ring
}

#[test]
fn a_ring_refuses_with_the_id_the_reason_and_the_date() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let policy = rules().grace(days(30)).hard_end(days(60)).build().unwrap();
    let late = START.saturating_add(days(60));

    let error = ring.decryption_key_under("k1", &policy, late).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key `k1` may not decrypt: its grace period ended at 2026-01-31T00:00:00.000Z"
    );
    let keys: Vec<_> = ring.decryption_keys_under(&policy, late).collect();
    assert!(matches!(
        keys.as_slice(),
        [Ok(key), Err(DecryptionKeyError::NotAllowed { id, .. })]
            if key.id().as_str() == "k2" && id.as_str() == "k1"
    ));
    let EncryptionKeyError::NotAllowed { id, reason } =
        ring.encryption_key_under(&policy, Usage::UNKNOWN, late).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!((id.as_str(), reason.rule()), ("k2", Some(Rule::HardEnd)));
    // The plain accessors stay what they are.
    assert!(ring.decryption_key("k1").is_ok());
    assert_eq!(ring.encryption_key().id().as_str(), "k2");
}

#[test]
fn withheld_material_is_gone_from_the_ring_and_lookups_keep_answering() {
    use std::sync::Arc;
    let material = Arc::new("material");
    let key = Key::from_shared(id("k1"), Arc::clone(&material), START).activate(START);
    let mut ring = Keyring::new(key);
    for name in ["k2", "k3"] {
        let _ = ring.add(Key::new(id(name), "material", START)).unwrap();
    }
    let _ = ring.rotate_to("k2", START).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(START);
    let policy = rules().grace(days(30)).build().unwrap();
    let [before, end, _] = around(days(30));
    assert_eq!(ring.withhold(&policy, before), 0);
    assert_eq!(Arc::strong_count(&material), 2);
    assert_eq!(ring.withhold(&policy, end), 1);
    assert_eq!(Arc::strong_count(&material), 1);
    assert_eq!(ring.withhold(&policy, end), 0);

    let reason = "its grace period ended at 2026-01-31T00:00:00.000Z";
    for ring in [&ring, &ring.fork()] {
        assert!(matches!(
            ring.decryption_key("k1"),
            Err(DecryptionKeyError::NotAllowed { id, reason: found })
                if id.as_str() == "k1" && found.reason() == reason
        ));
        assert!(ring.get("k1").is_none());
        assert_eq!(ring.len(), 2);
        assert_eq!(ring.withheld().map(|held| held.key.status).collect::<Vec<_>>(), [IsRetired]);
        assert!(ring.state().to_string().contains("k1   retired, withheld  "));
    }
    let error = ring.entry::<Retired>("k1").unwrap_err();
    assert!(matches!(error, EntryError::Withheld { .. }), "{error}");
    let taken = ring.add(Key::new(id("k1"), "another", START)).unwrap_err();
    assert_eq!(taken.taken_by(), TakenBy::Key(IsRetired));
    assert_eq!(ring.encryption_key().id().as_str(), "k2");
}

#[test]
fn a_usage_count_does_not_go_backwards() {
    let mut usage = Usage::UNKNOWN;
    assert_eq!(usage.update(5), Ok(()));
    assert_eq!(usage.update(5), Ok(()));
    assert_eq!(usage.update(4), Err(UsageDecreased { known: 5, reported: 4 }));
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

    let _ = alone.add(Key::new(id("k2"), "material", late)).unwrap();
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
    let unknown = Timestamp::UNIX_EPOCH;
    let mut ring = Keyring::new(Key::new(id("k1"), "material", unknown).activate(unknown));
    for name in ["k2", "k3"] {
        let _ = ring.add(Key::new(id(name), "material", unknown)).unwrap();
    }
    let _ = ring.rotate_to("k2", unknown).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(unknown);
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
}

#[test]
fn a_clock_that_jumps_changes_no_ring() {
    let policy = Cryptoperiods::QUARTERLY;
    let mut ring = ring();
    let _ = ring.rotate_to("k2", START).unwrap();
    let before = ring.state();
    let decade = days(3_650);
    for now in [
        START.saturating_add(decade),
        START.saturating_sub(decade),
        Timestamp::MAX,
        Timestamp::UNIX_EPOCH,
    ] {
        let plan = policy.plan(&ring, Usage::of(0), now);
        let _ = ring.decryption_keys_under(&policy, now).count();
        let _ = ring.encryption_key_under(&policy, Usage::of(0), now).is_ok();
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
                0 => drop(ring.add(Key::new(name, key, at(day)))),
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
