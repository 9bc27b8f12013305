//! What an error of the database means: provoked on a real server, code by code, before the end of a
//! transaction and at it. Whatever was answered, the ring is as it was, and the same proposal is written
//! when the cause is gone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use key_rotation::key::Retirement;
use key_rotation::store::{Change, Commit, CommitError, Loaded, Proposal, Revision};
use key_rotation::{
    Inactive, Key, KeyProvider, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Backend, Error, SqlxKeyProvider, WrappedKey};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgPool};
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, proposal, revision, ring_name,
    wrapped,
};

fn main() -> ExitCode {
    run(vec![
        trial("postgres::raised_before_the_end", || raised("", BEFORE_THE_END)),
        trial("postgres::raised_at_the_end", || raised("CONSTRAINT", AT_THE_END)),
        trial("postgres::a_lock_that_is_not_had_in_time", lock_timeout),
        trial("postgres::a_statement_that_takes_too_long", statement_timeout),
        trial("postgres::a_right_that_is_missing", missing_right),
        trial("postgres::a_transaction_that_may_not_write", read_only::<PostgresDatabase>),
        trial("postgres::a_table_that_is_missing", missing_table::<PostgresDatabase>),
        trial("postgres::a_database_that_is_missing", missing_database),
        trial("postgres::a_pool_without_a_free_connection", no_connection::<PostgresDatabase>),
        trial("postgres::nobody_listens", nobody_there::<PostgresDatabase>),
        trial("postgres::a_connection_lost_at_the_end", lost_at_the_end),
        trial("sqlite::a_trigger_that_raises", || constraint(RAISE, "1811")),
        trial("sqlite::a_constraint_at_the_end", || constraint(DEFERRED, "787")),
        trial("sqlite::a_full_disk", full_disk),
        trial("sqlite::a_file_that_may_not_be_written", read_only::<SqliteFile>),
        trial("sqlite::a_table_that_is_missing", missing_table::<SqliteFile>),
        trial("sqlite::a_pool_without_a_free_connection", no_connection::<SqliteFile>),
        trial("sqlite::no_file", nobody_there::<SqliteFile>),
    ])
}

/// What a commit may answer besides what it has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Nothing is written, and to try again does not help.
    Refused,
    /// Nothing is written, and later it may be.
    NotWritten,
    /// Only the same proposal, sent again, settles it.
    Unknown,
}

use Class::{NotWritten, Refused, Unknown};

const BEFORE_THE_END: &[(Class, &[&str])] = &[
    (
        Refused,
        &[
            "25006", "42501", "42P01", "3D000", "3F000", "54000", "22001", "22003", "22P02",
            "23502", "23503", "23505", "23514", "28000", "28P01", "42601", "42703", "42883",
            "44000", "0A000", "0L000", "0P000",
        ],
    ),
    (
        NotWritten,
        &[
            "40001", "40P01", "40003", "55P03", "57014", "57P01", "57P02", "57P03", "25P03",
            "53100", "53200", "53300", "08006", "58030", "54001", "XX000", "P0001", "ZZ999",
        ],
    ),
];

const AT_THE_END: &[(Class, &[&str])] = &[
    (NotWritten, &["40001", "40P01"]),
    (Refused, &["23502", "23503", "23505", "23514"]),
    (
        Unknown,
        &[
            "40003", "53100", "57014", "P0001", "57P01", "08006", "25006", "42501", "42P01",
            "22003", "XX000", "ZZ999",
        ],
    ),
];

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), at(10))
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

/// A ring at revision 2, with k1 active and k2 staged.
async fn ring<D: TestDatabase>() -> (D, SqlxKeyProvider<D::Backend>) {
    let (database, store) = new_ring::<D>("payments").await;
    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
    assert!(matches!(service.add(key("k2"), at(20)).await.unwrap(), Outcome::Done(_)));
    (database, store)
}

/// The same ring, by another pool.
fn by<DB: Backend>(pool: sqlx::Pool<DB>) -> SqlxKeyProvider<DB> {
    SqlxKeyProvider::new(pool, ring_name("payments"))
}

async fn retirement<P: KeyProvider<Material = WrappedKey, Error = Error>>(
    store: &P,
) -> Proposal<WrappedKey> {
    let retirement = Retirement::new("k2".parse().unwrap(), at(50));
    proposal(revision(store).await, Change::Retire { retirement, material: None })
}

fn class(answer: Result<Commit, CommitError<Error>>) -> (Class, Error) {
    match answer {
        Err(CommitError::Refused(error)) => (Refused, error),
        Err(CommitError::NotWritten(error)) => (NotWritten, error),
        Err(CommitError::Unknown(error)) => (Unknown, error),
        other => panic!("{other:?}"),
    }
}

/// The answer names the ring and has this code.
async fn answers<DB: Backend>(
    store: &SqlxKeyProvider<DB>,
    sent: &Proposal<WrappedKey>,
    expected: Class,
    code: Option<&str>,
) {
    let (class, error) = class(store.commit(sent).await);
    assert_eq!(class, expected, "{code:?}: {error:?}");
    assert!(error.to_string().contains("`payments`"), "{error}");
    let found = match &error {
        Error::Database { source, .. } | Error::ReadOnly { source, .. } => source.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found, code, "{error:?}");
}

/// The ring is as it was, and the same proposal is written now, once.
async fn is_written_now<DB: Backend>(store: &SqlxKeyProvider<DB>, sent: &Proposal<WrappedKey>) {
    assert_eq!(revision(store).await, sent.expected);
    for _ in 0..2 {
        assert_eq!(store.commit(sent).await.unwrap(), Commit::Committed);
    }
    assert_eq!(revision(store).await, sent.next);
}

/// A trigger raises an error of each code, when the event of a commit is written or when its
/// transaction ends.
async fn raised(kind: &str, table: &[(Class, &[&str])]) {
    let (database, store) = ring::<PostgresDatabase>().await;
    let deferred = if kind.is_empty() { "" } else { "DEFERRABLE INITIALLY DEFERRED" };
    let fail = format!(
        "CREATE TABLE faults (code TEXT);
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE fault TEXT;
             BEGIN
                 SELECT code INTO fault FROM faults;
                 IF fault IS NOT NULL THEN RAISE EXCEPTION 'as asked' USING ERRCODE = fault; END IF;
                 RETURN NULL;
             END $$;
         CREATE {kind} TRIGGER fails AFTER INSERT ON key_rotation_events
             {deferred} FOR EACH ROW EXECUTE FUNCTION fail();"
    );
    database.carry_out(&fail).await.unwrap();
    let pool = database.pool().await;
    for (class, codes) in table {
        for code in *codes {
            let sent = rewrapping(&store).await;
            sqlx::query("INSERT INTO faults VALUES ($1)").bind(code).execute(&pool).await.unwrap();
            answers(&store, &sent, *class, Some(code)).await;
            sqlx::query("DELETE FROM faults").execute(&pool).await.unwrap();
            is_written_now(&store, &sent).await;
        }
    }
}

/// A change that always fits.
async fn rewrapping<DB: Backend>(store: &SqlxKeyProvider<DB>) -> Proposal<WrappedKey> {
    let change = Change::Rewrap { id: "k1".parse().unwrap(), material: wrapped(b"anew").into() };
    proposal(revision(store).await, change)
}

async fn lock_timeout() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let sent = retirement(&store).await;
    let impatient = by(database.pool_with(&[("lock_timeout", "50ms")]).await);
    let pool = database.pool().await;
    let mut other = pool.begin().await.unwrap();
    let lock = "SELECT revision FROM key_rotation_rings FOR UPDATE";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    answers(&impatient, &sent, NotWritten, Some("55P03")).await;
    other.rollback().await.unwrap();
    is_written_now(&impatient, &sent).await;
}

async fn statement_timeout() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let sent = retirement(&store).await;
    let impatient = by(database.pool_with(&[("statement_timeout", "50ms")]).await);
    let pool = database.pool().await;
    let mut other = pool.begin().await.unwrap();
    let lock = "SELECT revision FROM key_rotation_rings FOR UPDATE";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    answers(&impatient, &sent, NotWritten, Some("57014")).await;
    other.rollback().await.unwrap();
    is_written_now(&impatient, &sent).await;
}

async fn missing_right() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let sent = retirement(&store).await;
    let reader = by(database.pool_as("pg_read_all_data").await);
    answers(&reader, &sent, Refused, Some("42501")).await;
    is_written_now(&store, &sent).await;
}

async fn read_only<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let sent = retirement(&store).await;
    let reader = by(database.read_only_pool().await);
    let (class, error) = class(reader.commit(&sent).await);
    assert_eq!(class, Refused);
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    is_written_now(&store, &sent).await;
}

async fn missing_table<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let sent = retirement(&store).await;
    let moved = "ALTER TABLE key_rotation_events RENAME TO events_elsewhere";
    let back = "ALTER TABLE events_elsewhere RENAME TO key_rotation_events";
    database.carry_out(moved).await.unwrap();
    assert_eq!(class(store.commit(&sent).await).0, Refused);
    assert!(store.load(Revision::EMPTY).await.is_err());
    assert!(store.load(sent.expected).await.is_err());
    database.carry_out(back).await.unwrap();
    is_written_now(&store, &sent).await;
}

async fn missing_database() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let sent = retirement(&store).await;
    let options = PgPool::connect_lazy(&database.url()).unwrap().connect_options();
    let elsewhere = sqlx::postgres::PgConnectOptions::clone(&options).database("not_there");
    let nowhere = by(PgPoolOptions::new().connect_lazy_with(elsewhere));
    answers(&nowhere, &sent, Refused, Some("3D000")).await;
    is_written_now(&store, &sent).await;
}

async fn no_connection<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let sent = retirement(&store).await;
    let options = database.pool().await.connect_options();
    let one = sqlx::pool::PoolOptions::<D::Backend>::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(100));
    let pool = one.connect_lazy_with((*options).clone());
    let taken = pool.acquire().await.unwrap();
    let waiting = by(pool.clone());
    answers(&waiting, &sent, NotWritten, None).await;
    let error = waiting.load(Revision::EMPTY).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        "the pool had no connection in time: it is too small, or the database is out of reach"
    );
    drop(taken);
    is_written_now(&waiting, &sent).await;
}

async fn nobody_there<D: TestDatabase>() {
    let (_database, store) = ring::<D>().await;
    let sent = retirement(&store).await;
    let nobody = by(D::pool_of_none());
    let (class, error) = class(nobody.commit(&sent).await);
    assert_eq!(class, NotWritten, "{error:?}");
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    is_written_now(&store, &sent).await;
}

/// The server ends the connection while it carries out the end of the transaction.
async fn lost_at_the_end() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let sent = retirement(&store).await;
    let die = "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON key_rotation_events
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();";
    database.carry_out(die).await.unwrap();
    let (class, error) = class(store.commit(&sent).await);
    assert_eq!(class, Unknown, "{error:?}");
    // The service sends it again and again, and does not make an answer up.
    let error = service(store.clone()).retire("k2", at(50)).await.unwrap_err();
    assert!(
        matches!(error, key_rotation::error::RotationError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    database.carry_out("DROP TRIGGER dies ON key_rotation_events").await.unwrap();
    is_written_now(&store, &sent).await;
}

const RAISE: &str = "CREATE TRIGGER fails BEFORE INSERT ON key_rotation_events
    BEGIN SELECT RAISE(ABORT, 'as asked'); END;";
const DEFERRED: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER fails AFTER INSERT ON key_rotation_events
    BEGIN INSERT INTO child VALUES (9); END;";

async fn constraint(trigger: &str, code: &str) {
    let (database, store) = ring::<SqliteFile>().await;
    let sent = retirement(&store).await;
    database.carry_out(trigger).await.unwrap();
    answers(&store, &sent, Refused, Some(code)).await;
    database.carry_out("DROP TRIGGER fails").await.unwrap();
    is_written_now(&store, &sent).await;
}

async fn full_disk() {
    let (database, store) = ring::<SqliteFile>().await;
    let record = key_rotation::KeyRef::from(&Key::new(
        "large".parse().unwrap(),
        wrapped(&[7; WrappedKey::MAX_LEN]),
        at(10),
    ))
    .to_record();
    let sent = proposal(revision(&store).await, Change::Add(record));
    let mut connection = sqlx::SqliteConnection::connect(&database.url()).await.unwrap();
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut connection).await.unwrap();
    let options = database.pool().await.connect_options();
    let options = sqlx::sqlite::SqliteConnectOptions::clone(&options);
    let full = options.pragma("max_page_count", pages.to_string());
    let full = by(sqlx::SqlitePool::connect_lazy_with(full));
    answers(&full, &sent, NotWritten, Some("13")).await;
    assert!(matches!(full.load(sent.expected).await.unwrap(), Loaded::Unchanged { .. }));
    is_written_now(&store, &sent).await;
    assert_eq!(loaded(&store).await.records.len(), 3);
}
