//! Transaction mode without care for prepared statements: what one program has prepared under a name,
//! another calls by that name.

use std::collections::BTreeSet;
use std::time::Duration;

use key_rotation::store::{Loaded, Revision, RingDirectory, Snapshot};
use key_rotation::{KeyProvider, Outcome, Timestamp};
use key_rotation_sqlx::{DatabaseError, Error, SqlxKeyProvider, SqlxRings, WrappedKey};
use libtest_mimic::Trial;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use crate::bouncer::{Bouncer, Setup, UNTRACKED};
use crate::support::trials::trial;
use crate::support::{PostgresDatabase, TestDatabase, loaded, ring_name};
use crate::{key, service};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials =
        vec![trial("postgres::untracked::a_statement_of_another_program", another_statement)];
    for kept in [100, 0] {
        let name = |what: &str| format!("postgres::untracked::{what}_with_{kept}_statements_kept");
        trials.extend([
            trial(name("no_reader_gets_another_answer"), move || readers(kept)),
            trial(name("writers_go_on"), move || writers(kept)),
        ]);
    }
    trials
}

/// What there is to say, of whatever a poll ran into.
const WHAT_TO_SET: &str = "a pooler hands out another server for each transaction and does not keep \
    track of prepared statements: set it to session mode, or let it keep track (PgBouncer from 1.21: \
    `max_prepared_statements = 100`)";
const CODES: [&str; 3] = ["26000", "42P05", "08P01"];

fn says_what_to_set(error: &DatabaseError) {
    let text = error.to_string();
    assert!(error.code().is_none_or(|code| CODES.contains(&code)), "{text}");
    if error.code() == Some("08P01") {
        assert!(text.contains("set it to session mode, or let it keep track"), "{text}");
    } else {
        assert!(text.ends_with(WHAT_TO_SET), "{text}");
    }
}

const SCHEMAS: [&str; 2] = ["one", "two"];

/// Two schemas of one database, each with a ring `payments`, and a key that is named like the schema.
async fn two_schemas() -> PostgresDatabase {
    let database = PostgresDatabase::create().await;
    database.carry_out("CREATE SCHEMA one; CREATE SCHEMA two").await.unwrap();
    let admin = database.pool().await;
    for schema in SCHEMAS {
        rings(&admin, schema).migrate().await.unwrap();
        let ring = service(store(&admin, schema)).bootstrap(key(schema), Timestamp::now()).await;
        assert_eq!(ring.unwrap().active().id().as_str(), schema);
    }
    database
}

fn rings(pool: &PgPool, schema: &str) -> SqlxRings<Postgres> {
    SqlxRings::new(pool.clone()).in_schema(schema.parse().unwrap())
}

fn store(pool: &PgPool, schema: &str) -> SqlxKeyProvider<Postgres> {
    rings(pool, schema).ring(ring_name("payments"))
}

fn ids(snapshot: &Snapshot<WrappedKey>) -> BTreeSet<String> {
    snapshot.records.iter().map(|record| record.info.id.as_str().to_owned()).collect()
}

/// Eight programs read on four servers, half of them one schema and half the other.
async fn readers(kept: usize) {
    let database = two_schemas().await;
    let admin = database.pool().await;
    let bouncer = Bouncer::start(&database.url(), UNTRACKED);
    let mut reading = Vec::new();
    for schema in SCHEMAS.repeat(4) {
        let seen = loaded(&store(&admin, schema)).await.revision;
        let pool = bouncer.pool(kept, 1);
        reading.push(tokio::spawn(async move { reads(&pool, schema, seen).await }));
    }
    let mut failed = 0;
    for reader in reading {
        failed += reader.await.unwrap();
    }
    assert!(failed > 0, "not one poll has met another's statement: the test shows nothing");
}

/// Returns the number of polls that have failed.
async fn reads(pool: &PgPool, schema: &str, seen: Revision) -> u32 {
    let (store, mut failed) = (store(pool, schema), 0);
    for _ in 0..40 {
        // Whatever happens to polls, what reads the ring is sure of its statements.
        let snapshot = loaded(&store).await;
        assert_eq!((snapshot.revision, ids(&snapshot)), (seen, [schema.to_owned()].into()));
        let heads = rings(pool, schema).rings().await.unwrap();
        assert_eq!(heads.iter().map(|head| head.revision).collect::<Vec<_>>(), [seen]);
        for _ in 0..3 {
            match store.load(seen).await {
                Ok(Loaded::Unchanged { store_time: Some(_) }) => {}
                Err(Error::Database { source, .. }) => {
                    says_what_to_set(&source);
                    failed += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    failed
}

/// Eight programs add keys on four servers, half of them to a ring in one schema and half to that
/// in the other.
async fn writers(kept: usize) {
    const EACH: usize = 6;
    let database = two_schemas().await;
    let admin = database.pool().await;
    let bouncer = Bouncer::start(&database.url(), UNTRACKED);
    let mut writing = Vec::new();
    for (number, schema) in SCHEMAS.repeat(4).into_iter().enumerate() {
        let service = service(store(&bouncer.pool(kept, 1), schema));
        writing.push(tokio::spawn(async move {
            for n in 0..EACH {
                let key = key(&format!("{schema}-{number}-{n}"));
                while let Outcome::LostRace { .. } =
                    service.add(&key, Timestamp::now()).await.unwrap()
                {}
            }
        }));
    }
    for writer in writing {
        writer.await.unwrap();
    }
    for (at, schema) in SCHEMAS.into_iter().enumerate() {
        let mut expected: BTreeSet<String> = [schema.to_owned()].into();
        for number in (at..8).step_by(2) {
            expected.extend((0..EACH).map(|n| format!("{schema}-{number}-{n}")));
        }
        let snapshot = loaded(&store(&admin, schema)).await;
        assert_eq!(ids(&snapshot), expected);
        assert_eq!((snapshot.ids, snapshot.revision.number), (25, 25));
        let events =
            format!("SELECT count(*) FROM {schema}.key_rotation_events WHERE id LIKE '{schema}%'");
        let events = sqlx::query_scalar::<_, i64>(AssertSqlSafe(events)).fetch_one(&admin).await;
        assert_eq!(events.unwrap(), 25);
    }
}

/// A poll is prepared on a server, that server ends, and on the next one another program has
/// prepared a statement of its own under the name of the poll.
async fn another_statement() {
    let database = two_schemas().await;
    let admin = database.pool().await;
    let bouncer = Bouncer::start(&database.url(), Setup { servers: 1, ..UNTRACKED });
    let seen = loaded(&store(&admin, "one")).await.revision;
    for (statement, code) in [
        // Of fewer columns, of other types, without rows.
        ("SELECT 1 WHERE $1::text IS NOT NULL AND $2::bigint > 0 AND $3::bigint <> 0", None),
        ("SELECT $1::text, $2::bigint, $3::bigint", None),
        ("SELECT $2::bigint, $3::bigint, $1::text", None),
        ("SELECT 1 WHERE $1::text IS NULL AND $2::bigint > 0 AND $3::bigint <> 0", None),
        // Of other values.
        ("SELECT $1::bigint", Some("08P01")),
        ("", Some("26000")),
    ] {
        let pool = bouncer.pool(100, 1);
        let program = store(&pool, "one");
        polls(&program, seen, &pool).await;
        end_servers(&admin).await;
        let other = bouncer.pool(100, 1);
        if !statement.is_empty() {
            let mut query = sqlx::query(AssertSqlSafe(statement));
            if code.is_none() {
                query = query.bind("text");
                query = query.bind(1_i64);
            }
            let _ = query.bind(2_i64).fetch_all(&other).await.unwrap();
        }
        is_told(&program, seen, code).await;
        end_servers(&admin).await;
    }
    // The poll of another schema.
    let pool = bouncer.pool(100, 1);
    let program = store(&pool, "one");
    polls(&program, seen, &pool).await;
    end_servers(&admin).await;
    let other = store(&bouncer.pool(100, 1), "two");
    let seen_there = loaded(&store(&admin, "two")).await.revision;
    assert!(matches!(other.load(seen_there).await.unwrap(), Loaded::Unchanged { .. }));
    is_told(&program, seen, None).await;
}

/// Finds nothing new, and waits until the connection is back in the pool, and so not in use when its
/// server ends.
async fn polls(program: &SqlxKeyProvider<Postgres>, seen: Revision, pool: &PgPool) {
    let polled = program.load(seen).await.unwrap();
    assert!(matches!(polled, Loaded::Unchanged { .. }), "{polled:?}");
    while pool.num_idle() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn is_told(program: &SqlxKeyProvider<Postgres>, seen: Revision, code: Option<&str>) {
    let error = program.load(seen).await.unwrap_err();
    let Error::Database { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.code(), code);
    says_what_to_set(source);
    if code.is_none() {
        let text = source.to_string();
        assert!(text.starts_with("another statement was carried out than was sent: "), "{text}");
    }
    assert_eq!(ids(&loaded(program).await), ["one".to_owned()].into());
}

/// Ends the server processes that pgbouncer uses.
async fn end_servers(admin: &PgPool) {
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name <> current_database() \
        AND pid <> pg_backend_pid()";
    let ended: Vec<bool> = sqlx::query_scalar(end).fetch_all(admin).await.unwrap();
    assert_eq!(ended, [true]);
}
