//! Futures that are dropped at every await, on a pool of one connection that the application uses
//! too: nothing of the application's is refused or lost, and nothing is half-done.
//!
//! `DROPS` is the number of drops on each database, of which a few do for every day.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]

mod support;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

use key_rotation::store::{Change, Commit, History, Loaded, Mark, Revision, RingDirectory};
use key_rotation::{
    Inactive, Key, KeyProvider, KeyRef, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, SqlxKeyProvider, SqlxRings, WrappedKey};
use libtest_mimic::Trial;
use sqlx::Pool;
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, proposal, revision, ring_name, unique, wrapped,
};

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite");
    trials.extend(of::<PostgresDatabase>("postgres"));
    run(trials)
}

fn of<D: Application>(name: &str) -> Vec<Trial> {
    vec![
        trial(format!("{name}::dropped_after_each_poll"), || dropped::<D>(Way::Polls)),
        trial(format!("{name}::dropped_by_a_timeout"), || dropped::<D>(Way::Timeout)),
        trial(format!("{name}::a_transaction_that_is_left_behind_is_found"), control::<D>),
    ]
}

/// How a future comes to its end.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// After so many polls as nobody has dropped it after yet.
    Polls,
    /// After so many microseconds as nobody has dropped it after yet.
    Timeout,
}

/// A database that the application writes to, through the same pool.
trait Application: TestDatabase {
    /// A pool of one connection.
    async fn small_pool(&self) -> Pool<Self::Backend>;

    /// Writes a row, in no transaction.
    async fn write(pool: &Pool<Self::Backend>, number: i64) -> sqlx::Result<()>;

    /// Counts the rows, on a connection of its own.
    async fn written(&self) -> i64;

    /// Leaves a transaction open on the pool's connection, as a dropped future of sqlx's may.
    async fn leave_a_transaction(pool: &Pool<Self::Backend>);
}

const WRITE: &str = "INSERT INTO application (number) VALUES ($1)";
const WRITTEN: &str = "SELECT count(*) FROM application";

impl Application for SqliteFile {
    async fn small_pool(&self) -> Pool<sqlx::Sqlite> {
        self.pool_of_one().await
    }

    async fn write(pool: &Pool<sqlx::Sqlite>, number: i64) -> sqlx::Result<()> {
        sqlx::query(WRITE).bind(number).execute(pool).await.map(drop)
    }

    async fn written(&self) -> i64 {
        sqlx::query_scalar(WRITTEN).fetch_one(&self.pool().await).await.unwrap()
    }

    async fn leave_a_transaction(pool: &Pool<sqlx::Sqlite>) {
        sqlx::raw_sql("BEGIN").execute(pool).await.unwrap();
    }
}

impl Application for PostgresDatabase {
    async fn small_pool(&self) -> Pool<sqlx::Postgres> {
        self.pool_of_one().await
    }

    async fn write(pool: &Pool<sqlx::Postgres>, number: i64) -> sqlx::Result<()> {
        sqlx::query(WRITE).bind(number).execute(pool).await.map(drop)
    }

    async fn written(&self) -> i64 {
        sqlx::query_scalar(WRITTEN).fetch_one(&self.pool().await).await.unwrap()
    }

    async fn leave_a_transaction(pool: &Pool<sqlx::Postgres>) {
        sqlx::raw_sql("BEGIN").execute(pool).await.unwrap();
    }
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), Timestamp::from_unix_millis(10))
}

/// Runs the future to the end of its way. Returns true if it was dropped.
async fn run_until(way: Way, limit: u64, future: impl Future<Output = ()>) -> bool {
    match way {
        Way::Timeout => {
            tokio::time::timeout(Duration::from_micros(limit * 40), future).await.is_err()
        }
        Way::Polls => {
            let (mut future, polls) = (pin!(future), Cell::new(0));
            let mut is_dropped = false;
            std::future::poll_fn(|context| {
                if polls.get() == limit {
                    is_dropped = true;
                    return Poll::Ready(());
                }
                polls.set(polls.get() + 1);
                future.as_mut().poll(context)
            })
            .await;
            is_dropped
        }
    }
}

/// The store that is dropped on, and one on another pool that nobody drops.
struct Scene<DB: Backend> {
    rings: SqlxRings<DB>,
    store: SqlxKeyProvider<DB>,
    other: SqlxKeyProvider<DB>,
}

const OPERATIONS: usize = 9;

impl<DB: Backend> Scene<DB> {
    /// One operation, whatever it answers: it may have been overtaken.
    async fn operate(&self, operation: usize, seen: Revision) {
        let service = RotationService::new(&self.store, StrictSingleActive);
        let name = format!("k{}", unique());
        match operation {
            0 => drop(self.store.load(Revision::EMPTY).await.unwrap()),
            1 => drop(self.store.load(seen).await.unwrap()),
            2 => {
                let add = Change::Add(KeyRef::from(&key(&name)).to_record());
                let answer = self.store.commit(&proposal(seen, add)).await.unwrap();
                assert!(matches!(answer, Commit::Committed | Commit::Conflict));
            }
            3 => {
                let add = Change::Add(KeyRef::from(&key(&name)).to_record());
                let answer = self.store.commit(&proposal(Revision::EMPTY, add)).await.unwrap();
                assert_eq!(answer, Commit::Conflict);
            }
            4 => {
                let taken = Change::Add(KeyRef::from(&key("k")).to_record());
                let answer = self.store.commit(&proposal(seen, taken)).await;
                assert!(matches!(answer, Err(_) | Ok(Commit::Conflict)));
            }
            5 => drop(self.store.history(seen).await.unwrap()),
            6 => drop(self.rings.changed_since(Mark::START).await.unwrap()),
            7 => self.rings.migrate().await.unwrap(),
            _ => {
                // A whole change of the service: a load, and a commit.
                let at = Timestamp::from_unix_millis(20);
                drop(service.add(key(&name), at).await.unwrap());
            }
        }
    }
}

fn wanted() -> u64 {
    std::env::var("DROPS").map_or(300, |drops| drops.parse().unwrap()) / 2
}

async fn dropped<D: Application>(way: Way) {
    let database = D::create().await;
    let pool = database.small_pool().await;
    let rings = SqlxRings::new(pool.clone());
    rings.migrate().await.unwrap();
    database.carry_out("CREATE TABLE application (number BIGINT PRIMARY KEY)").await.unwrap();
    let others = SqlxRings::new(database.pool().await);

    let (mut drops, mut acknowledged, mut limit) = (0, 0, 0);
    while drops < wanted() {
        // A ring for each round, so that it stays small.
        let ring = ring_name(&format!("payments-{}", unique()));
        let (store, other) = (rings.ring(ring.clone()), others.ring(ring));
        let scene = Scene { rings: rings.clone(), store, other };
        let keeper = RotationService::new(&scene.other, StrictSingleActive);
        let _ = keeper.bootstrap(key("k"), Timestamp::from_unix_millis(20)).await.unwrap();
        let mut dropped_here = 0;
        for operation in 0..OPERATIONS {
            let seen = revision(&scene.other).await;
            if run_until(way, limit, scene.operate(operation, seen)).await {
                dropped_here += 1;
                // The application's own write, on the connection that the future had.
                let number = acknowledged;
                let written = tokio::time::timeout(A_WHILE, D::write(&pool, number)).await;
                written
                    .expect("the pool has a connection")
                    .expect("an application write is refused");
                acknowledged += 1;
            }
            // Nobody has confirmed a state that is not the store's.
            let before = revision(&scene.other).await;
            let id = format!("o{}", unique());
            let at = Timestamp::from_unix_millis(20);
            assert!(matches!(keeper.add(key(&id), at).await.unwrap(), Outcome::Done(_)));
            match scene.store.load(before).await.unwrap() {
                Loaded::Ring(found) => assert_eq!(found.revision, revision(&scene.other).await),
                frozen => panic!("a frozen state is confirmed: {frozen:?}"),
            }
        }
        drops += dropped_here;
        // Where nothing is dropped any more, begin with the first await again.
        limit = if dropped_here == 0 { 0 } else { limit + 1 };
    }
    assert_eq!(database.written().await, acknowledged, "acknowledged writes are lost");
    println!("{drops} drops, {acknowledged} application writes, none refused or lost");
}

const A_WHILE: Duration = Duration::from_secs(20);

/// The check sees what it is to see: a write that lands in somebody's open transaction is not there.
async fn control<D: Application>() {
    let database = D::create().await;
    let pool = database.small_pool().await;
    database.carry_out("CREATE TABLE application (number BIGINT PRIMARY KEY)").await.unwrap();
    D::leave_a_transaction(&pool).await;
    D::write(&pool, 1).await.unwrap();
    assert_eq!(database.written().await, 0);
}
