//! The service under rules of time: what it refuses, what it stages and maintains, and clocks that are
//! wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use key_rotation::audit::Grounds;
use key_rotation::error::RotationError;
use key_rotation::plan::Health;
use key_rotation::policy::{Rule, Step, days, hours, minutes};
use key_rotation::service::{Applied, Leak, Staged, Supplies};
use key_rotation::store::{Change, Loaded, Revision};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use support::{loaded, proposal, revision};

#[path = "support/store.rs"]
mod support;

type Store = Arc<InMemoryKeyProvider<u64>>;
type Service = RotationService<Store, Cryptoperiods, Arc<Program>>;

const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn day(day: u64) -> Timestamp {
    START.saturating_add(days(day))
}

fn key(id: &'static str) -> Key<Inactive, u64> {
    Key::new(KeyId::from_static(id), 7, START)
}

/// A program that makes keys, says that nothing needs the old ones, and keeps what it got back.
#[derive(Default)]
struct Program {
    made: AtomicU64,
    discarded: Mutex<Vec<KeyId>>,
    needed: AtomicU64,
}

impl Supplies<u64> for Program {
    type Error = Infallible;

    async fn new_key(&self, at: Timestamp) -> Result<Key<Inactive, u64>, Infallible> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Key::new(format!("key-{number}").parse().unwrap(), number, at))
    }

    async fn references(&self, _: &KeyId) -> Result<Option<u64>, Infallible> {
        Ok(Some(self.needed.load(Ordering::Relaxed)))
    }

    async fn discard(&self, key: Key<Inactive, u64>) {
        self.discarded.lock().unwrap().push(key.id().clone());
    }
}

fn service(store: &Store, policy: Cryptoperiods, program: &Arc<Program>) -> Service {
    RotationService::new(Arc::clone(store), policy).supplied_by(Arc::clone(program))
}

fn begun(policy: Cryptoperiods) -> (Store, Arc<Program>, Service) {
    let (store, program) = (Store::default(), Arc::new(Program::default()));
    let service = service(&store, policy, &program);
    let _ = block_on(service.bootstrap(key("first"), START)).unwrap();
    (store, program, service)
}

fn refused<T: std::fmt::Debug>(result: Result<T, RotationError<Infallible>>) -> Rule {
    match result {
        Err(RotationError::Refused { reason, .. }) => reason.rule().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_step_is_refused_before_its_time_by_name() {
    block_on(async {
        let (_, _, service) = begun(Cryptoperiods::QUARTERLY);
        let _ = service.add(key("k2"), START).await.unwrap();
        assert_eq!(refused(service.rotate_to("k2", day(7)).await), Rule::Propagation);
        let ready = day(7).saturating_add(minutes(5));
        assert!(matches!(service.rotate_to("k2", ready).await.unwrap(), Outcome::Done(_)));
        assert_eq!(refused(service.rotate_to("first", day(30)).await), Rule::ForwardOnly);
        assert_eq!(refused(service.retire("first", day(8)).await), Rule::MaxStaleness);
        let _ = service.retire("first", day(9)).await.unwrap();
        assert_eq!(refused(service.destroy("first", day(10)).await), Rule::Retention);
        assert_eq!(refused(service.destroy("first", day(50)).await), Rule::DisableBeforeDestroy);
    });
}

#[test]
fn an_emergency_passes_and_says_so() {
    block_on(async {
        let (_, _, service) = begun(Cryptoperiods::QUARTERLY);
        let _ = service.add(key("k2"), START).await.unwrap();
        let reason = || "INC-4711".parse().unwrap();
        let _ = service.rotate_in_emergency("k2", reason(), START).await.unwrap();
        let _ = service.revoke("first", reason(), START).await.unwrap();
        let _ = service.replace_compromised(Leak::Ring, reason(), day(1)).await.unwrap();
        let events = service.history(Revision::EMPTY).await.unwrap();
        let by_reason = events.iter().filter(|e| e.provenance.grounds.reason().is_some()).count();
        assert_eq!((events.len(), by_reason), (7, 5));
        assert!(matches!(events[2].provenance.grounds, Grounds::Emergency(_)));
    });
}

#[test]
fn twenty_jobs_stage_one_key() {
    const JOBS: usize = 20;
    for _ in 0..20 {
        let (store, program, _) = begun(Cryptoperiods::QUARTERLY);
        let barrier = Barrier::new(JOBS);
        thread::scope(|scope| {
            for _ in 0..JOBS {
                scope.spawn(|| {
                    let service = service(&store, Cryptoperiods::QUARTERLY, &program);
                    barrier.wait();
                    while let Outcome::LostRace { .. } = block_on(service.stage(day(1))).unwrap() {}
                });
            }
        });
        let snapshot = loaded(&store);
        assert_eq!(snapshot.records.len(), 2, "one active, one staged");
        let made = usize::try_from(program.made.load(Ordering::Relaxed)).unwrap();
        assert_eq!(program.discarded.lock().unwrap().len(), made - 1, "no orphan");
    }
}

#[test]
fn a_spare_that_is_there_is_not_staged_again() {
    block_on(async {
        let (_, program, service) = begun(Cryptoperiods::QUARTERLY);
        let Outcome::Done(Staged::Added(added)) = service.stage(day(1)).await.unwrap() else {
            panic!("nobody else stages");
        };
        assert_eq!(added.id.as_str(), "key-1");
        let again = service.stage(day(2)).await.unwrap();
        assert_eq!(again, Outcome::Done(Staged::Already(added.id)));
        assert_eq!(program.made.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_step_that_is_not_due_any_more_is_stale() {
    block_on(async {
        let (_, _, service) = begun(Cryptoperiods::QUARTERLY);
        let _ = service.stage(START).await.unwrap();
        let plan = service.plan(day(91)).await.unwrap();
        let [step] = plan.due() else { panic!("{plan}") };
        assert_eq!(service.apply(step, day(91)).await.unwrap(), Applied::Done);
        let again = service.apply(step, day(91)).await.unwrap();
        assert!(matches!(again, Applied::Stale { now } if now.active().id.as_str() == "key-1"));
    });
}

/// Ten years of a job that runs once a day, under each preset: one active key at every moment, a spare
/// or two, every key destroyed in the end, and no alarm.
#[test]
fn ten_years_of_daily_runs_raise_no_alarm_and_leave_nothing_behind() {
    for (policy, active_days) in [
        (Cryptoperiods::QUARTERLY, 90),
        (Cryptoperiods::COOKIES, 7),
        (Cryptoperiods::TOKENS, 30),
        (Cryptoperiods::NIST_LONGEST, 700),
    ] {
        block_on(async {
            let (store, program, service) = begun(policy);
            let mut rotations = 0;
            for today in 0..3_650 {
                let now = day(today);
                let before = service.plan(now).await.unwrap();
                let health = before.health();
                assert!(matches!(health, Health::Ok | Health::Due), "day {today}: {before}");
                let maintenance = service.maintain(now).await.unwrap();
                let is_rotation = |step: &&key_rotation::plan::DueStep| step.step == Step::Activate;
                rotations += maintenance.done.iter().filter(is_rotation).count();
                assert_eq!(maintenance.blocked, [], "day {today}");
                assert!(maintenance.look_again_at.is_some_and(|at| at > now));
                let ring = service.keyring().await.unwrap();
                let staged = ring.inactive().filter(|key| key.info().is_staged()).count();
                assert!((1..=2).contains(&staged), "day {today}: {staged} staged");
                let ring_info = ring.active().info();
                let policy: &dyn key_rotation::RotationPolicy = &policy;
                assert!(policy.may_encrypt(&ring_info, None, now).is_ok());
            }
            assert!(rotations >= 3_649 / (active_days + 1) && rotations <= 3_649 / active_days);
            let snapshot = loaded(&store);
            let made = program.made.load(Ordering::Relaxed);
            assert_eq!(snapshot.ids, made + 1, "no orphan");
            assert!(program.discarded.lock().unwrap().is_empty());
            let days_of_a_life = snapshot.records.len();
            assert!(days_of_a_life < 12, "{days_of_a_life} keys are there");
        });
    }
}

#[test]
fn a_count_that_finds_data_blocks_a_destruction_and_nothing_else() {
    block_on(async {
        let (_, program, service) = begun(Cryptoperiods::QUARTERLY);
        program.needed.store(3, Ordering::Relaxed);
        for today in 0..400 {
            let _ = service.maintain(day(today)).await.unwrap();
        }
        let plan = service.plan(day(400)).await.unwrap();
        let reasons: Vec<_> = plan.blocked().iter().map(|b| (b.step, b.reason.reason())).collect();
        assert!(
            !reasons.is_empty()
                && reasons.iter().all(|r| *r == (Step::Revoke, "3 pieces of data need it"))
        );
        assert!(matches!(plan.health(), Health::Overdue { .. }));
        program.needed.store(0, Ordering::Relaxed);
        for today in 400..420 {
            let _ = service.maintain(day(today)).await.unwrap();
        }
        assert_eq!(service.plan(day(420)).await.unwrap().blocked(), []);
    });
}

/// The time by the clock of the store in the next test.
static CLOCK: AtomicU64 = AtomicU64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_unix_millis(CLOCK.load(Ordering::SeqCst))
}

#[test]
fn a_change_whose_time_is_not_that_of_the_store_is_refused_and_says_by_how_much() {
    block_on(async {
        CLOCK.store(START.as_unix_millis(), Ordering::SeqCst);
        let store: Store = Arc::new(InMemoryKeyProvider::new().with_clock(clock));
        let program = Arc::new(Program::default());
        let service = service(&store, Cryptoperiods::QUARTERLY, &program);
        let half = minutes(5) / 2;
        let (ms, year) = (Duration::from_millis(1), days(365));
        for at in [
            START.saturating_add(half + ms),
            START.saturating_sub(half + ms),
            START.saturating_add(year),
        ] {
            let error = service.bootstrap(key("first"), at).await.unwrap_err();
            let RotationError::ClockSkew { clock, apart, allowed, .. } = error else {
                panic!("{error}");
            };
            assert_eq!((clock, allowed), (START, half));
            assert!(apart > half);
        }
        let _ = service.bootstrap(key("first"), START.saturating_add(half)).await.unwrap();
        let error = service.add(key("k2"), START.saturating_add(half + ms)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the change of ring `memory` is dated 2026-01-01T00:02:30.001Z, and \
             2026-01-01T00:00:00.000Z is 150001 ms from it where 150000 are allowed: put the clock \
             right; if a key carries a time that is yet to come, date it"
        );
        // An emergency passes.
        let _ =
            service.replace_compromised(Leak::Key, "INC-1".parse().unwrap(), day(9)).await.unwrap();
    });
}

#[test]
fn a_proposal_is_good_for_half_of_the_skew_by_the_clock_of_the_store() {
    /// Keeps what was sent.
    struct Keeps(Store, Mutex<Vec<Option<Timestamp>>>);
    impl KeyProvider for &Keeps {
        type Material = u64;
        type Error = Infallible;

        async fn load(&self, seen: Revision) -> Result<Loaded<u64>, Infallible> {
            self.0.load(seen).await
        }

        async fn commit(
            &self,
            sent: &key_rotation::store::Proposal<u64>,
        ) -> Result<key_rotation::store::Commit, key_rotation::store::CommitError<Infallible>>
        {
            self.1.lock().unwrap().push(sent.valid_until);
            self.0.commit(sent).await
        }
    }
    block_on(async {
        fn start() -> Timestamp {
            START
        }
        let store: Store = Arc::new(InMemoryKeyProvider::new().with_clock(start));
        let keeps = Keeps(store, Mutex::default());
        let service = RotationService::new(&keeps, Cryptoperiods::QUARTERLY);
        let _ = service.bootstrap(key("first"), START).await.unwrap();
        let without_rules = RotationService::new(&keeps, StrictSingleActive);
        let _ = without_rules.add(key("k2"), day(9_999)).await.unwrap();
        let until = START.saturating_add(minutes(5) / 2);
        assert_eq!(*keeps.1.lock().unwrap(), [Some(until), None]);
    });
}

#[test]
fn a_ring_with_times_in_the_future_is_left_by_dating_it() {
    block_on(async {
        let (store, _, service) = begun(Cryptoperiods::QUARTERLY);
        // A clock that is a year ahead.
        let strict = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let _ = strict.add(key("ahead"), day(365)).await.unwrap();
        let error = service.stage(day(1)).await.unwrap_err();
        assert!(
            matches!(error, RotationError::ClockSkew { clock, .. } if clock == day(365)),
            "{error}"
        );
        let dating = key_rotation::key::Dating::new(KeyId::from_static("ahead"), day(1));
        let sent = proposal(revision(&store), Change::Date(dating));
        let _ = store.commit(&sent).await.unwrap();
        assert!(matches!(service.stage(day(1)).await.unwrap(), Outcome::Done(Staged::Already(_))));
        let ready = day(8).saturating_add(hours(1));
        assert!(matches!(service.rotate_to("ahead", ready).await.unwrap(), Outcome::Done(_)));
    });
}
