//! Databases that are out of reach, busy or gone half-way, and roles that lack a right: a typed
//! error, nothing half done, and nothing that others have to wait for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use key_rotation::error::RotationError;
use key_rotation::key::Retirement;
use key_rotation::store::{Change, Commit, CommitError, Revision};
use key_rotation::{
    Inactive, Key, KeyProvider, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Error, SqlxKeyProvider, WrappedKey, migrate};
use libtest_mimic::Trial;
use sqlx::{PgPool, Postgres};
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, proposal, revision, ring_name,
    wrapped,
};

fn main() -> ExitCode {
    run(vec![
        Trial::test("postgres::what_fails_holds_nothing_on_an_idle_runtime", || {
            holds_nothing();
            Ok(())
        }),
        trial("postgres::a_connection_lost_in_a_commit", lost_in_a_commit),
        trial("postgres::a_connection_lost_in_a_load", lost_in_a_load),
        trial("postgres::a_role_that_may_only_read", may_only_read),
        trial("sqlite::a_file_that_another_writer_holds", held_by_another),
        trial("sqlite::a_file_that_becomes_another", becomes_another),
        trial("sqlite::migrated_already_and_read_only", migrated_and_read_only::<SqliteFile>),
        trial(
            "postgres::migrated_already_and_read_only",
            migrated_and_read_only::<PostgresDatabase>,
        ),
    ])
}

const A_WHILE: Duration = Duration::from_secs(20);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), at(10))
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

fn retire(id: &str) -> Change<WrappedKey> {
    Change::Retire { retirement: Retirement::new(id.parse().unwrap(), at(50)), material: None }
}

/// A ring at revision 2, with k1 active and k2 staged.
async fn ring<D: TestDatabase>() -> (D, SqlxKeyProvider<D::Backend>) {
    let (database, store) = new_ring::<D>("payments").await;
    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
    assert!(matches!(service.add(key("k2"), at(20)).await.unwrap(), Outcome::Done(_)));
    (database, store)
}

/// What the other connections of this test are doing.
async fn states(pool: &PgPool) -> Vec<String> {
    let others = "SELECT state FROM pg_stat_activity \
        WHERE application_name = current_database() AND pid <> pg_backend_pid()";
    sqlx::query_scalar(others).fetch_all(pool).await.unwrap()
}

/// A runtime that works only while somebody blocks on it, as in a synchronous program.
fn idle_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn holds_nothing() {
    let (here, there) = (idle_runtime(), idle_runtime());
    let (database, store) = here.block_on(ring::<PostgresDatabase>());
    let pool = there.block_on(database.pool());
    let nothing_is_held = |what: &str| {
        let states = there.block_on(states(&pool));
        assert!(states.iter().all(|state| state == "idle"), "after {what}: {states:?}");
    };
    let seen = here.block_on(revision(&store));
    let _ = here.block_on(store.commit(&proposal(seen, retire("k1")))).unwrap_err();
    nothing_is_held("a refusal");
    let answer = here.block_on(store.commit(&proposal(Revision::EMPTY, retire("k2")))).unwrap();
    assert_eq!(answer, Commit::Conflict);
    nothing_is_held("a conflict");
    // Another process goes on.
    let other = service(SqlxKeyProvider::new(pool.clone(), ring_name("payments")));
    let rotated = there
        .block_on(async { tokio::time::timeout(A_WHILE, other.rotate_to("k2", at(60))).await });
    assert!(matches!(rotated.unwrap().unwrap(), Outcome::Done(_)));

    here.block_on(database.by_hand("UPDATE key_rotation_keys SET status = 'none'")).unwrap();
    let _ = here.block_on(store.load(Revision::EMPTY)).unwrap_err();
    nothing_is_held("a load of a damaged ring");
    here.block_on(
        database.by_hand("UPDATE key_rotation_migrations SET version = 7 WHERE version = 3"),
    )
    .unwrap();
    let pool_here = here.block_on(database.pool());
    let _ = here.block_on(migrate(&pool_here)).unwrap_err();
    nothing_is_held("a migration that fails");
    drop(there);
    here.block_on(async { drop((store, pool_here, pool)) });
}

/// Ends the connection that waits for a lock, as soon as there is one.
async fn kill_the_waiting(pool: &PgPool) {
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE application_name = current_database() AND wait_event_type = 'Lock'";
    let killed = async {
        while sqlx::query_scalar::<_, i64>(kill).fetch_one(pool).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(A_WHILE, killed).await.unwrap();
}

/// Carries the work out while another transaction holds what this statement locks, and ends its
/// connection when it gets there.
async fn lost_while_it_waits<T: Send + 'static>(
    pool: &PgPool,
    lock: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> (tokio::task::JoinHandle<T>, sqlx::Transaction<'static, Postgres>) {
    let mut other = pool.begin().await.unwrap();
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    let working = tokio::spawn(work);
    kill_the_waiting(pool).await;
    (working, other)
}

const LOCK_RING: &str = "SELECT revision FROM key_rotation_rings FOR UPDATE";

async fn lost_in_a_commit() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let pool = database.pool().await;
    let committing = store.clone();
    let sent = proposal(revision(&store).await, retire("k2"));
    let work = async move { committing.commit(&sent).await };
    let (committing, other) = lost_while_it_waits(&pool, LOCK_RING, work).await;
    let error = committing.await.unwrap().unwrap_err();
    assert!(matches!(error, CommitError::NotWritten(Error::Database { .. })), "{error:?}");
    assert_eq!(revision(&store).await.number, 2);
    other.rollback().await.unwrap();

    // Before the end nothing is written, whatever fails: the service says so.
    let rotating = service(store.clone());
    let work = async move { rotating.rotate_to("k2", at(60)).await };
    let (rotating, other) = lost_while_it_waits(&pool, LOCK_RING, work).await;
    other.rollback().await.unwrap();
    let error = rotating.await.unwrap().unwrap_err();
    assert!(matches!(error, RotationError::NotWritten { .. }), "{error:?}");
    assert_eq!(revision(&store).await.number, 2);
}

async fn lost_in_a_load() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let loading = store.clone();
    let work = async move { loading.load(Revision::EMPTY).await };
    // The revision is read by then, and the rows are not.
    let lock = "LOCK TABLE key_rotation_keys IN ACCESS EXCLUSIVE MODE";
    let (loading, other) = lost_while_it_waits(&database.pool().await, lock, work).await;
    let error = loading.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    other.rollback().await.unwrap();
    assert_eq!(loaded(&store).await.records.len(), 2);
}

async fn may_only_read() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let pool = database.pool_as("pg_read_all_data").await;
    let service = service(SqlxKeyProvider::new(pool.clone(), ring_name("payments")));
    assert_eq!(service.keyring().await.unwrap().active().id().as_str(), "k1");
    let error = service.rotate_to("k2", at(40)).await.unwrap_err();
    assert!(
        matches!(&error, RotationError::Rejected { source: Error::ReadOnly { .. }, .. }),
        "{error:?}"
    );
    assert_eq!(revision(&store).await.number, 2);
    // It has no right to make tables, and there are none to make.
    migrate(&pool).await.unwrap();
}

async fn held_by_another() {
    let (database, store) = ring::<SqliteFile>().await;
    let mut other = database.pool().await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("UPDATE key_rotation_rings SET revision = 9").execute(&mut *other).await.unwrap();
    let impatient = database.impatient_pool().await;
    migrate(&impatient).await.unwrap();
    let waiting = SqlxKeyProvider::new(impatient, ring_name("payments"));
    let seen = revision(&waiting).await;
    // Nothing is written, but this is not the last word.
    let error = waiting.commit(&proposal(seen, retire("k2"))).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::NotWritten(Error::Database { source, .. })
            if source.code() == Some("5")),
        "{error:?}"
    );
    let error = service(waiting.clone()).rotate_to("k2", at(40)).await.unwrap_err();
    assert!(
        matches!(&error, RotationError::NotWritten { source: Error::Database { .. }, .. }),
        "{error:?}"
    );
    other.rollback().await.unwrap();
    assert_eq!(revision(&store).await.number, 2);
    assert!(matches!(service(waiting).rotate_to("k2", at(40)).await.unwrap(), Outcome::Done(_)));
}

async fn becomes_another() {
    let (database, store) = ring::<SqliteFile>().await;
    let pool = database.pool().await;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&pool).await.unwrap();
    pool.close().await;
    // Under a connection that has it open, and a new one.
    std::fs::write(database.path(), [b'?'; 5000]).unwrap();
    for store in [store, SqlxKeyProvider::new(database.lazy_pool(), ring_name("payments"))] {
        for seen in [Revision::EMPTY, Revision::new(2, 2)] {
            let error = store.load(seen).await.unwrap_err();
            assert!(matches!(error, Error::Database { .. }), "{error:?}");
        }
        let sent = proposal(Revision::new(2, 2), retire("k2"));
        let error = store.commit(&sent).await.unwrap_err();
        assert!(matches!(error, CommitError::Refused(Error::Database { .. })), "{error:?}");
    }
    assert_eq!(std::fs::read(database.path()).unwrap(), [b'?'; 5000]);
}

/// A process starts with the right to read alone.
async fn migrated_and_read_only<D: TestDatabase>() {
    let (database, _store) = ring::<D>().await;
    migrate(&database.read_only_pool().await).await.unwrap();
    database.by_hand("DELETE FROM key_rotation_migrations WHERE version = 3").await.unwrap();
    let error = migrate(&database.read_only_pool().await).await.unwrap_err();
    assert!(matches!(error, Error::Migration(_)), "{error:?}");
}
