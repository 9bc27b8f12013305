//! Ten years of a service that rotates its key every 90 days, driven by `maintain` alone, with a key
//! that leaks in the third year.
//!
//! ```text
//! cargo run --example schedule
//! ```
//!
//! Once a day a job does what is due. Data is encrypted every day and read for two years; old data is
//! encrypted again before its key is retired. The timeline shows a key in each row and a month in each
//! column; at the end stand the counts that matter.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use key_rotation::plan::Health;
use key_rotation::policy::{Step, days, minutes};
use key_rotation::service::{Leak, Supplies};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, KeyStatus, Outcome, RotationPolicy,
    RotationService, Timestamp,
};
use pollster::block_on;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DAYS: u64 = 3_650;
const MONTH: u64 = 30;
/// Data is read for so long after it was encrypted.
const DATA_LIVES: u64 = 730;
/// The day on which somebody publishes the active key.
const LEAK: u64 = 3 * 365;

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .originator_usage(days(90))
    .hard_end(days(97))
    .recipient_usage(days(DATA_LIVES))
    .retention(days(60))
    .build_static();

/// The program's side: it makes keys, and counts the days on which data was encrypted that is still
/// wanted.
#[derive(Default)]
struct Program {
    keys: AtomicU64,
    today: AtomicU64,
    written: Mutex<BTreeMap<KeyId, u64>>,
}

impl Program {
    fn is_wanted(&self, last_written: u64) -> bool {
        last_written + DATA_LIVES > self.today.load(Ordering::Relaxed)
    }

    /// The keys under which there is data that is still wanted.
    fn wanted(&self) -> Vec<KeyId> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.iter().filter(|(_, day)| self.is_wanted(**day)).map(|(id, _)| id.clone()).collect()
    }

    /// Data under a key that is not trusted is encrypted again under this one.
    fn encrypt_again(&self, old: &[KeyId], new: &KeyId) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let last = old.iter().filter_map(|id| written.remove(id)).max();
        let _ = last.map(|day| written.insert(new.clone(), day));
    }
}

impl Supplies<()> for Program {
    type Error = Infallible;

    async fn new_key(&self, at: Timestamp) -> std::result::Result<Key<Inactive, ()>, Infallible> {
        let number = self.keys.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Key::new(KeyId::from(number), (), at))
    }

    async fn references(&self, id: &KeyId) -> std::result::Result<Option<u64>, Infallible> {
        Ok(Some(u64::from(self.wanted().contains(id))))
    }
}

fn main() -> Result<()> {
    block_on(simulate())
}

async fn simulate() -> Result<()> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let at = |day: u64| start.saturating_add(days(day));
    let program = Arc::new(Program::default());
    let store = Arc::new(InMemoryKeyProvider::new());
    let service = RotationService::new(store, POLICY).supplied_by(Arc::clone(&program));
    let first = program.new_key(start).await?;
    let mut ring = service.bootstrap(first, start).await?;

    let mut timeline: BTreeMap<u64, Vec<char>> = BTreeMap::new();
    let (mut rotations, mut alarms, mut most_alive) = (0, 0, 0);
    let (mut unreadable, mut over_age) = (0, 0);
    for today in 0..DAYS {
        let now = at(today);
        program.today.store(today, Ordering::Relaxed);
        let health = service.plan(now).await?.health();
        alarms += u32::from(matches!(health, Health::Overdue { .. } | Health::Failing { .. }));
        let maintenance = service.maintain(now).await?;
        rotations += maintenance.done.iter().filter(|due| due.step == Step::Activate).count();
        if today == LEAK {
            let reason = "the key was published".parse()?;
            match service.replace_compromised(Leak::Key, reason, now).await? {
                Outcome::Done(replaced) => {
                    program.encrypt_again(&replaced.revoked, &replaced.active)
                }
                Outcome::LostRace { now } => return Err(format!("a race:\n{now}").into()),
            }
        }

        // The service: it encrypts today's data, and reads all that is still wanted.
        ring = service.keyring().await?;
        ring.enforce(&POLICY, now);
        let active = ring.active().id().clone();
        if POLICY.may_encrypt(&ring.active().info(), None, now).is_ok() {
            let mut written = program.written.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = written.insert(active, today);
        } else {
            over_age += 1;
        }
        let lost = |id: &KeyId| ring.decryption_key(id.as_str()).is_err();
        unreadable += u32::from(program.wanted().iter().any(lost));
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
        "A active   - inactive, decrypts   r retired   x revoked   s staged   one column: {MONTH} days\n"
    );
    for (key, marks) in &timeline {
        println!("key {key:>2}  {}", marks.iter().collect::<String>());
    }
    println!("\nthe ring after ten years:\n\n{}", ring.state());
    println!("rotations by plan                                 {rotations}");
    println!("most keys alive at once                           {most_alive}");
    println!("days with an alarm                                {alarms}");
    println!("days on which data could not be read              {unreadable}");
    println!("days on which the active key was past its end     {over_age}");
    if unreadable == 0 && over_age == 0 && alarms == 0 && rotations >= 39 {
        Ok(())
    } else {
        Err("the schedule was not kept".into())
    }
}
