//! How a process hears of the commits of others: PostgreSQL announces them, SQLite is polled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use key_rotation::live::Refreshed;
use key_rotation::store::{Change, Commit, Loaded, Mark, Revision, RingDirectory};
use key_rotation::{
    Inactive, Key, KeyProvider, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Announcement, SqlxKeyProvider, SqlxRings, WrappedKey};
use sqlx::Row;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, proposal, revision, ring_name,
    wrapped,
};

fn main() -> ExitCode {
    run(vec![
        trial("sqlite::a_shared_ring_follows_by_polling", follows_by_polling::<SqliteFile>),
        trial("postgres::a_shared_ring_follows_by_polling", follows_by_polling::<PostgresDatabase>),
        trial("postgres::one_listener_hears_all_rings", is_announced),
        trial("postgres::a_conflict_is_not_announced", conflict_is_not_announced),
        trial("postgres::a_lost_connection_is_a_hint", lost_connection_is_a_hint),
        trial("postgres::a_listener_takes_nothing_from_the_pool", takes_nothing),
        trial("postgres::an_unchanged_poll_is_one_statement", one_statement),
        trial("sqlite::the_directory_lists_what_has_changed", directory::<SqliteFile>),
        trial("postgres::the_directory_lists_what_has_changed", directory::<PostgresDatabase>),
        trial("postgres::a_slow_commit_is_not_missed", slow_commit),
        trial("postgres::another_schema_has_rings_and_a_channel_of_its_own", another_schema),
    ])
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), Timestamp::now())
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

async fn follows_by_polling<D: TestDatabase>() {
    let (database, store) = new_ring::<D>("payments").await;
    let (here, now) = (service(store.clone()), Timestamp::now());
    let there = service(SqlxKeyProvider::new(database.pool().await, ring_name("payments")));
    assert_eq!(revision(&store).await, Revision::EMPTY);
    let _ = there.bootstrap(key("k1"), now).await.unwrap();

    let mut unwrapped = 0;
    let mut unwrap = |_, wrapped: std::sync::Arc<WrappedKey>| {
        unwrapped += 1;
        std::future::ready(Ok::<_, std::convert::Infallible>(wrapped.as_bytes().to_vec()))
    };
    let shared = here.share_with(now, &mut unwrap).await.unwrap();
    let seen = shared.revision();
    assert!(matches!(store.load(seen).await.unwrap(), Loaded::Unchanged { .. }));
    assert!(matches!(there.add(key("k2"), Timestamp::now()).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(there.rotate_to("k2", now).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(store.load(seen).await.unwrap(), Loaded::Ring(_)));
    let refreshed = here.refresh_with(&shared, now, &mut unwrap).await.unwrap();
    assert!(
        matches!(refreshed, Refreshed::Newer { revision, prepared: 1 } if revision.number == 3)
    );
    assert_eq!(shared.load().encryption_key().material(), b"k2");
    assert_eq!(unwrapped, 2);
}

/// Long enough for any announcement that there is.
const A_WHILE: Duration = Duration::from_secs(20);
/// Long enough for an announcement that there is none of: longer makes the test surer, not truer.
const A_MOMENT: Duration = Duration::from_millis(300);

async fn postgres_rings() -> (PostgresDatabase, SqlxRings<sqlx::Postgres>) {
    let database = PostgresDatabase::create().await;
    let rings = SqlxRings::new(database.pool().await);
    rings.migrate().await.unwrap();
    (database, rings)
}

async fn is_announced() {
    let (_database, rings) = postgres_rings().await;
    let mut commits = rings.listen().await.unwrap();
    let mut hear = async || tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
    for name in ["payments", "webhooks"] {
        let store = rings.ring(ring_name(name));
        let _ = service(store.clone()).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
        assert_eq!(hear().await, Some(Announcement { ring: ring_name(name), number: 1 }));
        // What the hint is about can be read when it comes.
        assert_eq!(revision(&store).await.number, 1);
    }
    let service = service(rings.ring(ring_name("payments")));
    for (id, number) in [("k2", 2), ("k3", 3)] {
        assert!(matches!(service.add(key(id), Timestamp::now()).await.unwrap(), Outcome::Done(_)));
        assert_eq!(hear().await, Some(Announcement { ring: ring_name("payments"), number }));
    }
}

async fn conflict_is_not_announced() {
    let (_database, rings) = postgres_rings().await;
    let store = rings.ring(ring_name("payments"));
    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    let mut commits = rings.listen().await.unwrap();
    let add = Change::Add(key_rotation::KeyRef::from(&key("k2")).to_record());
    let answer = store.commit(&proposal(Revision::EMPTY, add)).await.unwrap();
    assert_eq!(answer, Commit::Conflict);
    let retirement = key_rotation::key::Retirement::new("k1".parse().unwrap(), Timestamp::now());
    let mismatch = Change::Retire { retirement, material: None };
    assert!(store.commit(&proposal(revision(&store).await, mismatch)).await.is_err());
    assert!(tokio::time::timeout(A_MOMENT, commits.next()).await.is_err());
}

async fn lost_connection_is_a_hint() {
    let (database, rings) = postgres_rings().await;
    let mut commits = rings.listen().await.unwrap();
    let listening = tokio::spawn(async move {
        assert_eq!(commits.next().await.unwrap(), None);
        commits
    });
    tokio::time::sleep(A_MOMENT).await;
    let pool = database.pool().await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' \
         AND datname = current_database()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut commits = tokio::time::timeout(A_WHILE, listening).await.unwrap().unwrap();

    let store = rings.ring(ring_name("payments"));
    let _ = service(store).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    let heard = tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
    assert_eq!(heard, Some(Announcement { ring: ring_name("payments"), number: 1 }));
}

async fn takes_nothing() {
    let (database, _rings) = postgres_rings().await;
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(A_WHILE);
    let pool = options.connect_with(database.pool().await.connect_options().as_ref().clone()).await;
    let rings = SqlxRings::new(pool.unwrap());
    let _commits = rings.listen().await.unwrap();
    assert!(loaded(&rings.ring(ring_name("payments"))).await.is_empty());
}

async fn one_statement() {
    let (database, rings) = postgres_rings().await;
    let _ = service(rings.ring(ring_name("payments")))
        .bootstrap(key("k1"), Timestamp::now())
        .await
        .unwrap();
    let seen = revision(&rings.ring(ring_name("payments"))).await;
    let options = PgConnectOptions::from_str(&database.url()).unwrap().application_name("polls");
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlxKeyProvider::new(pool.clone(), ring_name("payments"));
    assert!(matches!(store.load(seen).await.unwrap(), Loaded::Unchanged { store_time: Some(_) }));
    // The last that the server heard of is not the end of a transaction.
    let last = "SELECT query FROM pg_stat_activity WHERE application_name = 'polls'";
    let last: Vec<String> =
        sqlx::query_scalar(last).fetch_all(&database.pool().await).await.unwrap();
    let prepared = sqlx::raw_sql("SELECT statement FROM pg_prepared_statements");
    let prepared = prepared.fetch_all(&pool).await.unwrap();
    let prepared: Vec<String> = prepared.iter().map(|row| row.get(0)).collect();
    assert_eq!(prepared, last);
}

/// The names and numbers of rings that a directory lists.
fn named(heads: &[key_rotation::store::RingHead]) -> Vec<(&str, u64)> {
    heads.iter().map(|head| (head.ring.as_str(), head.revision.number)).collect()
}

async fn directory<D: TestDatabase>() {
    let database = D::create().await;
    let rings = SqlxRings::new(database.pool().await);
    rings.migrate().await.unwrap();
    assert_eq!(rings.rings().await.unwrap(), []);
    let service = |name| service(rings.ring(ring_name(name)));
    for name in ["b", "a", "c"] {
        let _ = service(name).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    }
    let all = rings.changed_since(Mark::START).await.unwrap();
    assert_eq!(named(&all.rings), [("a", 1), ("b", 1), ("c", 1)]);
    assert_eq!(rings.rings().await.unwrap(), all.rings);
    assert!(matches!(
        service("b").add(key("k2"), Timestamp::now()).await.unwrap(),
        Outcome::Done(_)
    ));
    let changed = rings.changed_since(all.mark).await.unwrap();
    assert!(named(&changed.rings).contains(&("b", 2)), "{changed:?}");
    assert!(matches!(
        service("c").close("erased".parse().unwrap(), Timestamp::now()).await.unwrap(),
        Outcome::Done(_)
    ));
    let closed = rings.changed_since(changed.mark).await.unwrap();
    assert!(closed.rings.iter().any(|head| head.ring.as_str() == "c" && head.closed.is_some()));
    // It may list a ring that has not changed, as long as an older transaction runs anywhere on the
    // server; and no longer.
    let mut mark = closed.mark;
    let shrinks = async {
        for number in 2.. {
            let _ = service("b").add(key(&format!("n{number}")), Timestamp::now()).await.unwrap();
            let changed = rings.changed_since(mark).await.unwrap();
            let names: Vec<_> = named(&changed.rings).into_iter().map(|(name, _)| name).collect();
            assert!(names.contains(&"b"), "{names:?}");
            if names == ["b"] {
                return;
            }
            mark = changed.mark;
        }
    };
    tokio::time::timeout(A_WHILE, shrinks).await.unwrap();
}

/// A commit that began before a mark was given, and ended after.
async fn slow_commit() {
    let (database, rings) = postgres_rings().await;
    for name in ["slow", "fast"] {
        let store = rings.ring(ring_name(name));
        let _ = service(store).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    }
    let mark = rings.changed_since(Mark::START).await.unwrap().mark;
    let mut slow = database.pool().await.begin().await.unwrap();
    let change = "UPDATE key_rotation_rings SET changed = pg_current_xact_id() WHERE ring = 'slow'";
    sqlx::query(change).execute(&mut *slow).await.unwrap();
    let fast = service(rings.ring(ring_name("fast")));
    assert!(matches!(fast.add(key("k2"), Timestamp::now()).await.unwrap(), Outcome::Done(_)));
    let first = rings.changed_since(mark).await.unwrap();
    assert!(named(&first.rings).contains(&("fast", 2)));
    slow.commit().await.unwrap();
    let second = rings.changed_since(first.mark).await.unwrap();
    assert!(named(&second.rings).contains(&("slow", 1)), "{second:?}");
}

async fn another_schema() {
    let (database, rings) = postgres_rings().await;
    database.carry_out("CREATE SCHEMA keys").await.unwrap();
    let other = SqlxRings::new(database.pool().await).in_schema("keys".parse().unwrap());
    other.migrate().await.unwrap();
    let mut usual = rings.listen().await.unwrap();
    let mut commits = other.listen().await.unwrap();
    let store = other.ring(ring_name("payments"));
    let _ = service(store.clone()).bootstrap(key("k1"), Timestamp::now()).await.unwrap();
    let heard = tokio::time::timeout(A_WHILE, commits.next()).await.unwrap().unwrap();
    assert_eq!(heard, Some(Announcement { ring: ring_name("payments"), number: 1 }));
    assert!(tokio::time::timeout(A_MOMENT, usual.next()).await.is_err());
    assert!(loaded(&rings.ring(ring_name("payments"))).await.is_empty());
    let provider = SqlxKeyProvider::new(database.pool().await, ring_name("payments"));
    assert_eq!(loaded(&provider.in_schema("keys".parse().unwrap())).await.records.len(), 1);
}
