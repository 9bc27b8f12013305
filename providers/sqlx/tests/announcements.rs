//! How a process hears of the commits of others: PostgreSQL announces them, SQLite is polled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use key_rotation::live::Refreshed;
use key_rotation::store::Revision;
use key_rotation::{
    Inactive, Key, KeyProvider, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{SqlxKeyProvider, WrappedKey};
use sqlx::Row;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use support::trials::{run, trial};
use support::{PostgresSchema, SqliteFile, TestDatabase, new_ring, ring_name, unique};

fn main() -> ExitCode {
    run(vec![
        trial("sqlite::a_shared_ring_follows_by_polling", follows_by_polling::<SqliteFile>),
        trial("postgres::a_shared_ring_follows_by_polling", follows_by_polling::<PostgresSchema>),
        trial("postgres::a_commit_is_announced_to_its_ring_alone", is_announced),
        trial("postgres::a_conflict_is_not_announced", conflict_is_not_announced),
        trial("postgres::a_lost_connection_is_a_hint", lost_connection_is_a_hint),
        trial("postgres::a_listener_takes_nothing_from_the_pool", takes_nothing),
        trial("postgres::the_revision_is_one_statement", one_statement),
    ])
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), WrappedKey::new(id.as_bytes()), Timestamp::now())
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

async fn follows_by_polling<D: TestDatabase>() {
    let (database, store) = new_ring::<D>("payments").await;
    let (here, now) = (service(store.clone()), Timestamp::now());
    let there = service(SqlxKeyProvider::new(database.pool().await, ring_name("payments")));
    assert_eq!(store.revision().await.unwrap(), Revision::EMPTY);
    let _ = there.bootstrap(key("k1"), now).await.unwrap();

    let mut unwrapped = 0;
    let mut unwrap = |_, wrapped: std::sync::Arc<WrappedKey>| {
        unwrapped += 1;
        std::future::ready(Ok::<_, std::convert::Infallible>(wrapped.as_bytes().to_vec()))
    };
    let shared = here.share_with(now, &mut unwrap).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), shared.revision());
    assert!(matches!(there.add(key("k2"), Timestamp::now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(there.rotate_to("k2", now).await.unwrap(), Outcome::Done(_)));
    assert!(store.revision().await.unwrap() > shared.revision());
    let refreshed = here.refresh_with(&shared, now, &mut unwrap).await.unwrap();
    assert_eq!(refreshed, Refreshed::Newer { revision: Revision::new(3), prepared: 1 });
    assert_eq!(shared.load().encryption_key().material(), b"k2");
    assert_eq!(unwrapped, 2);
}

/// Long enough for any announcement that there is.
const A_WHILE: Duration = Duration::from_secs(20);
/// Long enough for an announcement that there is none of: longer makes the test surer, not truer.
const A_MOMENT: Duration = Duration::from_millis(300);

/// A ring of a name that no other process uses, because a channel is the whole database's.
async fn postgres_ring() -> (PostgresSchema, SqlxKeyProvider<sqlx::Postgres>) {
    new_ring(&format!("payments-{}-{}", std::process::id(), unique())).await
}

async fn is_announced() {
    let (database, store) = postgres_ring().await;
    let other = SqlxKeyProvider::new(database.pool().await, ring_name("another-ring"));
    let mut commits = store.listen().await.unwrap();
    let _ = service(other).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    assert!(tokio::time::timeout(A_MOMENT, commits.next()).await.is_err(), "of another ring");

    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
    // What the hint is about can be read when it comes.
    assert_eq!(store.revision().await.unwrap(), Revision::new(1));
    for id in ["k2", "k3"] {
        assert!(matches!(service.add(key(id), Timestamp::now()).await.unwrap(), Outcome::Done(_)));
        tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
    }
}

async fn conflict_is_not_announced() {
    let (_database, store) = postgres_ring().await;
    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    let mut commits = store.listen().await.unwrap();
    let add = key_rotation::store::Change::Add(key_rotation::KeyRef::from(&key("k2")).to_record());
    let answer = store.commit(Revision::EMPTY, &add).await.unwrap();
    assert_eq!(answer, key_rotation::store::Commit::Conflict);
    let mismatch = key_rotation::store::Change::Retire(key_rotation::key::Retirement::new(
        "k1".parse().unwrap(),
        Timestamp::now(),
    ));
    assert!(store.commit(Revision::new(1), &mismatch).await.is_err());
    assert!(tokio::time::timeout(A_MOMENT, commits.next()).await.is_err());
}

async fn lost_connection_is_a_hint() {
    let (database, store) = postgres_ring().await;
    let mut commits = store.listen().await.unwrap();
    let listening = tokio::spawn(async move {
        commits.next().await.unwrap();
        commits
    });
    tokio::time::sleep(A_MOMENT).await;
    let pool = database.pool().await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' \
         AND application_name = current_schema()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut commits = tokio::time::timeout(A_WHILE, listening).await.unwrap().unwrap();

    let _ = service(store).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
}

async fn takes_nothing() {
    let (database, _store) = postgres_ring().await;
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(A_WHILE);
    let pool = options.connect_with(database.pool().await.connect_options().as_ref().clone()).await;
    let store = SqlxKeyProvider::new(pool.unwrap(), ring_name("payments"));
    let _commits = store.listen().await.unwrap();
    assert!(store.load().await.unwrap().is_empty());
}

async fn one_statement() {
    let (database, _store) = postgres_ring().await;
    let options = PgConnectOptions::from_str(&database.url()).unwrap().application_name("polls");
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlxKeyProvider::new(pool.clone(), ring_name("payments"));
    let _ = store.revision().await.unwrap();
    // The last that the server heard of is not the end of a transaction.
    let last = "SELECT query FROM pg_stat_activity WHERE application_name = 'polls'";
    let last: Vec<String> =
        sqlx::query_scalar(last).fetch_all(&database.pool().await).await.unwrap();
    let prepared = sqlx::raw_sql("SELECT statement FROM pg_prepared_statements");
    let prepared = prepared.fetch_all(&pool).await.unwrap();
    let prepared: Vec<String> = prepared.iter().map(|row| row.get(0)).collect();
    assert_eq!(prepared, last);
}
