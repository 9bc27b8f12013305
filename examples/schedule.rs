//! Ten years of a service that rotates its key every 90 days, driven by `plan` and `apply` alone.
//!
//! ```text
//! cargo run --example schedule
//! ```
//!
//! Once a day a job asks what is due and carries it out, and adds a key when the plan says that one
//! is needed. Data is encrypted every day and read for two years. The timeline shows a key in each
//! row and a month in each column; at the end stand the counts that matter.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use key_rotation::plan::{DueStep, Missing, Upcoming};
use key_rotation::policy::{Evidence, Rule, Unreferenced, Usage, days};
use key_rotation::service::Applied;
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Key, KeyId, KeyStatus, Outcome, RotationPolicy,
    RotationService, Timestamp,
};
use pollster::block_on;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DAYS: u64 = 3_650;
const MONTH: u64 = 30;
/// Data is read for so long after it was encrypted.
const DATA_LIVES: u64 = 730;

const POLICY: Cryptoperiods = Cryptoperiods::builder()
    .originator_usage(days(90))
    .hard_end(days(97))
    .propagation(days(2))
    .recipient_usage(days(DATA_LIVES))
    .grace(days(30))
    .retention(days(60))
    .build_static();

fn main() -> Result<()> {
    block_on(simulate())
}

async fn simulate() -> Result<()> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let at = |day: u64| start.saturating_add(days(day));
    let service = RotationService::new(Arc::new(InMemoryKeyProvider::new()), POLICY);
    let mut ring = service.bootstrap(Key::new(KeyId::from(1_u64), (), at(0)), at(0)).await?;

    let mut last_written: BTreeMap<KeyId, u64> = BTreeMap::new();
    let mut timeline: BTreeMap<u64, Vec<char>> = BTreeMap::new();
    let (mut keys, mut rotations, mut most_alive) = (1_u64, 0, 0);
    let (mut unreadable, mut over_age) = (0, 0);

    for today in 0..DAYS {
        let now = at(today);
        let plan = service.plan(Usage::UNKNOWN, now).await?;
        for step in plan.due() {
            let evidence = match step {
                DueStep::Destroy { id, .. } => {
                    let needed = last_written.get(id).filter(|day| **day + DATA_LIVES > today);
                    Unreferenced::counted(id.clone(), needed.into_iter().count() as u64, now)?
                        .into()
                }
                DueStep::Activate { .. } | DueStep::Retire { .. } => Evidence::None,
            };
            match service.apply(step, evidence, now).await? {
                Applied::Done => rotations += u32::from(matches!(step, DueStep::Activate { .. })),
                Applied::Stale { now } => return Err(format!("a stale plan:\n{now}").into()),
            }
        }
        let short =
            plan.missing().iter().any(|missing| matches!(missing, Missing::StagedKey { .. }));
        let soon = |next: &Upcoming| next.rule == Rule::Propagation && next.at <= at(today + 1);
        if short || plan.upcoming().iter().any(soon) {
            keys += 1;
            let added = service.add(Key::new(KeyId::from(keys), (), now), now).await?;
            if let Outcome::LostRace { now } = added {
                return Err(format!("somebody else changed the ring:\n{now}").into());
            }
        }

        // The service: it encrypts today's data, and reads all that is still wanted.
        ring = service.keyring().await?;
        ring.enforce(&POLICY, now);
        match POLICY.may_encrypt(&ring.active().info(), Usage::UNKNOWN, now) {
            Ok(()) => drop(last_written.insert(ring.encryption_key().id().clone(), today)),
            Err(_) => over_age += 1,
        }
        let wanted = last_written.iter().filter(|(_, day)| **day + DATA_LIVES > today);
        let lost = |id: &KeyId| ring.decryption_key(id.as_str()).is_err();
        unreadable += u32::from(wanted.into_iter().any(|(id, _)| lost(id)));
        most_alive = most_alive.max(ring.len());

        if today % MONTH == 0 {
            for key in &ring {
                let mark = match key.status() {
                    KeyStatus::Active => 'A',
                    KeyStatus::Inactive if key.info().is_staged() => 's',
                    KeyStatus::Inactive => '-',
                    KeyStatus::Retired => 'r',
                    KeyStatus::Revoked => 'x',
                };
                let row = timeline.entry(key.id().as_str().parse()?).or_default();
                row.resize((today / MONTH) as usize, ' ');
                row.push(mark);
            }
        }
    }

    println!(
        "A active   - inactive, decrypts   r retired   s staged     one column: {MONTH} days\n"
    );
    for (key, marks) in &timeline {
        println!("key {key:>2}  {}", marks.iter().collect::<String>());
    }
    println!("\nthe ring after ten years:\n\n{}", ring.state());
    println!("rotations                                         {rotations}");
    println!("most keys alive at once                           {most_alive}");
    println!("days on which data could not be read              {unreadable}");
    println!("days on which the active key was past its end     {over_age}");
    if unreadable == 0 && over_age == 0 && u64::from(rotations) == (DAYS - 1) / 90 {
        Ok(())
    } else {
        Err("the schedule was not kept".into())
    }
}
