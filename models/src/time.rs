//! A world of processes, clocks and jobs around one ring, run by the library's own service: does any
//! data become unreadable that is still needed?
//!
//! A tick is a minute. Processes load the ring when they like, and stop using it when it was not
//! confirmed for too long; their clocks, and the job's, are wrong; a change lands later than it was
//! decided; what was encrypted is seen by the counter later. As long as the world keeps to what the
//! policy takes for granted, nothing is lost. In a world that does not, by one tick, something is.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use key_rotation::policy::{Rule, Step, minutes};
use key_rotation::service::Supplies;
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, Keyring, RotationPolicy,
    RotationService, Timestamp,
};
use pollster::block_on;

/// What the world does, in ticks.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// How long a process encrypts with a ring that it has not confirmed.
    pub staleness: u64,
    /// How long a process decrypts with such a ring.
    pub reading: u64,
    /// How much clocks and delays of commits add up to.
    pub skew: u64,
    /// How long it takes until the counter sees what was encrypted.
    pub delay: u64,
    /// How long data is needed; for ever, until it is encrypted again, if there is no end.
    pub lifetime: Option<u64>,
}

impl World {
    /// The world that the policy takes for granted.
    #[must_use]
    pub fn of(policy: &Cryptoperiods) -> Self {
        let ticks = |rule| policy.period(rule).map(|period: Duration| period.as_secs() / 60);
        let staleness = ticks(Rule::MaxStaleness).unwrap_or_default();
        Self {
            staleness,
            reading: ticks(Rule::DecryptStaleness).unwrap_or(staleness),
            skew: ticks(Rule::ClockSkew).unwrap_or_default(),
            delay: policy.timing().write_delay.as_secs() / 60,
            lifetime: ticks(Rule::DataLifetime),
        }
    }
}

/// How a run ended, and what it did.
#[derive(Debug, Default)]
pub struct Run {
    /// What was lost, if something was.
    pub loss: Option<String>,
    /// Steps that were carried out.
    pub steps: [usize; 7],
    /// Pieces of data.
    pub written: usize,
}

#[derive(Clone, Debug)]
struct Data {
    key: KeyId,
    written_at: u64,
    seen_at: u64,
}

/// The program's side: numbered keys, and a counter that sees what was written a while ago.
#[derive(Default)]
struct Program {
    now: u64,
    keys: u64,
    data: Vec<Data>,
}

struct Shared(Arc<Mutex<Program>>);

impl Supplies<()> for Shared {
    type Error = Infallible;

    async fn new_key(&self, at: Timestamp) -> Result<Key<Inactive, ()>, Infallible> {
        let mut program = self.0.lock().expect("no panic before");
        program.keys += 1;
        Ok(Key::new(KeyId::from(program.keys), (), at))
    }

    async fn references(&self, id: &KeyId) -> Result<Option<u64>, Infallible> {
        let program = self.0.lock().expect("no panic before");
        let needs = |data: &&Data| data.key == *id && data.seen_at <= program.now;
        Ok(Some(program.data.iter().filter(needs).count() as u64))
    }
}

/// A process: a ring, and since when it is known to be the store's.
struct Process {
    ring: Keyring<()>,
    confirmed_at: u64,
    loads_at: u64,
    /// A clock that is wrong by so much, to either side.
    clock: i64,
}

/// Numbers that look random: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    /// Often an extreme, because a window is broken at its ends.
    fn up_to(&mut self, most: u64) -> u64 {
        match self.below(3) {
            0 => 0,
            1 => most,
            _ => self.below(most + 1),
        }
    }
}

/// No time is before the beginning, whatever a clock says.
const BEGINNING: u64 = 1_000_000;
const PROCESSES: usize = 3;

fn reading(tick: u64, clock: i64) -> Timestamp {
    let tick = (BEGINNING + tick).saturating_add_signed(clock);
    Timestamp::UNIX_EPOCH.saturating_add(minutes(tick))
}

/// Runs a world for so many ticks.
///
/// # Panics
///
/// If the service answers with an error, which an in-memory store has no reason for.
#[must_use]
pub fn run(policy: Cryptoperiods, world: World, seed: u64, ticks: u64) -> Run {
    let mut numbers = Numbers(seed);
    let program = Arc::new(Mutex::new(Program::default()));
    let supplies = Shared(Arc::clone(&program));
    let first = block_on(supplies.new_key(reading(0, 0))).expect("a key");
    let service = RotationService::new(InMemoryKeyProvider::new(), policy).supplied_by(supplies);
    let ring = block_on(service.bootstrap(first, reading(0, 0))).expect("an empty store");
    let mut processes: Vec<Process> = (0..PROCESSES)
        .map(|_| Process { ring: ring.fork(), confirmed_at: 0, loads_at: 1, clock: 0 })
        .collect();
    let mut run = Run::default();
    let busy = 1 + numbers.below(6);

    for now in 1..=ticks {
        program.lock().expect("no panic before").now = now;
        // The job: its clock is wrong, and what it decides lands later.
        if numbers.below(busy) == 0 {
            let delay = numbers.up_to(world.skew);
            let ahead = numbers.up_to(world.skew - delay);
            let clock = if numbers.below(2) == 0 { -(delay as i64) } else { ahead as i64 };
            match block_on(service.maintain(reading(now, clock))) {
                Ok(maintenance) => {
                    for due in &maintenance.done {
                        run.steps[due.step as usize] += 1;
                    }
                }
                // A clock that is behind the one that wrote last: the next job goes on.
                Err(key_rotation::error::RotationError::ClockSkew { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let stored = block_on(service.keyring()).expect("a sound ring");
        for process in &mut processes {
            if now >= process.loads_at {
                process.ring = stored.fork();
                process.confirmed_at = now;
                // At the last moment, or earlier.
                process.loads_at = now + 1 + numbers.up_to(world.reading - 1);
                let half = (world.skew / 2) as i64;
                process.clock = numbers.up_to(world.skew) as i64 - half;
            }
        }
        let mut program = program.lock().expect("no panic before");
        for process in &processes {
            let may_encrypt = now - process.confirmed_at < world.staleness
                && policy
                    .may_encrypt(&process.ring.active().info(), None, reading(now, process.clock))
                    .is_ok();
            if may_encrypt && numbers.below(3) == 0 {
                let key = process.ring.active().id().clone();
                let seen_at = now + numbers.up_to(world.delay);
                program.data.push(Data { key, written_at: now, seen_at });
                run.written += 1;
            }
        }
        match world.lifetime {
            Some(lifetime) => program.data.retain(|data| now < data.written_at + lifetime),
            // What is seen and stands under another key is encrypted again, now and then.
            None => {
                let active = processes[0].ring.active().id().clone();
                let is_fresh = now - processes[0].confirmed_at < world.staleness;
                let keep = |data: &Data| !(is_fresh && data.seen_at <= now && data.key != active);
                if numbers.below(4) == 0 {
                    program.data.retain(keep);
                }
            }
        }
        if let Some(loss) = lost(&policy, world, &processes, &program, now) {
            run.loss = Some(format!("seed {seed}, tick {now}: {loss}"));
            return run;
        }
    }
    run
}

/// Data that is needed, and that a process which may read cannot.
fn lost(
    policy: &Cryptoperiods,
    world: World,
    processes: &[Process],
    program: &Program,
    now: u64,
) -> Option<String> {
    for (number, process) in processes.iter().enumerate() {
        if now - process.confirmed_at >= world.reading {
            continue;
        }
        for data in &program.data {
            let Some(key) = process.ring.get(data.key.as_str()) else {
                return Some(format!("process {number} has no key {}: {data:?}", data.key));
            };
            if let Err(refusal) = policy.may_decrypt(&key.info(), reading(now, process.clock)) {
                return Some(format!("process {number}, key {}: {refusal}: {data:?}", data.key));
            }
        }
    }
    None
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |step: Step| self.steps[step as usize];
        write!(
            f,
            "{} written, {} activated, {} staged, {} retired, {} revoked, {} destroyed",
            self.written,
            of(Step::Activate),
            of(Step::Stage),
            of(Step::Retire),
            of(Step::Revoke),
            of(Step::Destroy)
        )
    }
}
