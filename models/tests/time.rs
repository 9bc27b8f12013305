//! No data that is needed becomes unreadable in a world that keeps to the policy's assumptions; in one
//! that does not, by a tick, some does.
//!
//! `TIME_SEEDS` is the number of runs of each policy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use key_rotation::Cryptoperiods;
use key_rotation::policy::{CryptoperiodsBuilder, minutes};
use key_rotation_models::time::{World, run};

const TICKS: u64 = 1_500;

fn seeds() -> u64 {
    std::env::var("TIME_SEEDS").map_or(60, |seeds| seeds.parse().unwrap())
}

fn base() -> CryptoperiodsBuilder {
    Cryptoperiods::builder(minutes(20), minutes(4))
}

/// Policies of each kind: that count, that count and disable, that know how long data lives, with a grace
/// and without.
fn policies() -> [(&'static str, Cryptoperiods); 5] {
    let made = |rules: CryptoperiodsBuilder| rules.build().unwrap();
    let base = || base().originator_usage(minutes(120));
    [
        (
            "counts, without slack",
            made(
                base().write_delay(minutes(10)).recipient_usage(minutes(24)).retention(minutes(10)),
            ),
        ),
        (
            "counts and disables",
            made(
                base()
                    .decrypt_staleness(minutes(30))
                    .recipient_usage(minutes(60))
                    .disable_before_destroy(minutes(10))
                    .retention(minutes(50)),
            ),
        ),
        (
            "data with a life, without slack",
            made(
                base()
                    .data_lifetime(minutes(50))
                    .recipient_usage(minutes(24))
                    .retention(minutes(50)),
            ),
        ),
        (
            "data with a life, and a grace",
            made(
                base()
                    .decrypt_staleness(minutes(30))
                    .data_lifetime(minutes(50))
                    .grace(minutes(30))
                    .recipient_usage(minutes(24))
                    .retention(minutes(34)),
            ),
        ),
        (
            "a new key as soon as everybody has it",
            made(
                self::base()
                    .decrypt_staleness(minutes(30))
                    .originator_usage(minutes(34))
                    .recipient_usage(minutes(60))
                    .retention(minutes(50)),
            ),
        ),
    ]
}

#[test]
fn nothing_that_is_needed_becomes_unreadable() {
    for (name, policy) in policies() {
        let (mut destroyed, mut last) = (0, String::new());
        for seed in 0..seeds() {
            let run = run(policy, World::of(&policy), seed, TICKS);
            assert_eq!(run.loss, None, "{name}: {run}");
            destroyed += usize::from(run.steps[6] > 0);
            last = run.to_string();
        }
        println!("{name}: {} runs, the last: {last}", seeds());
        assert!(destroyed > 0, "{name}: no key came to its end, so nothing was tried");
    }
}

/// Each assumption, broken by a little, is needed by some policy.
#[test]
fn a_world_that_breaks_an_assumption_loses_data() {
    type Breaks = fn(&mut World);
    let breaks: [(&str, Breaks); 4] = [
        ("processes encrypt for longer", |world| world.staleness += 2),
        ("processes read for longer without loading", |world| world.reading += 2),
        ("the counter sees later", |world| world.delay += 2),
        ("clocks and delays differ by more", |world| world.skew += 2),
    ];
    for (name, breaks) in breaks {
        let found = policies().into_iter().find_map(|(policy_name, policy)| {
            let mut world = World::of(&policy);
            breaks(&mut world);
            let mut runs = (0..1_000).map(|seed| run(policy, world, seed, TICKS));
            runs.find_map(|run| run.loss).map(|loss| format!("{policy_name}: {loss}"))
        });
        println!("{name}: {found:?}");
        assert!(found.is_some(), "{name}: no data was lost in any of 1,000 runs");
    }
}
