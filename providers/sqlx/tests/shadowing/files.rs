//! SQLite: temporary tables, and other files that are attached, with tables of the same names.

use key_rotation::KeyProvider;
use key_rotation::KeyStatus;
use key_rotation::store::Revision;
use key_rotation_sqlx::{Error, MigrationProblem, SqlxRings};
use libtest_mimic::Trial;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, SqlitePool};

use crate::life::{bootstraps, keys, lives};
use crate::support::trials::trial;
use crate::support::{SqliteFile, TestDatabase, loaded, ring_name};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("sqlite::temporary_tables", temporary_tables),
        trial("sqlite::temporary_tables_before_the_tables_are_made", before_the_tables),
        trial("sqlite::an_attached_file", attached),
        trial("sqlite::an_attached_file_named_like_a_word_of_sql", words_of_sql),
        trial("sqlite::a_file_without_tables_that_is_attached", attached_without_tables),
    ]
}

/// A file with a ring `payments` that has the key `decoy`.
async fn decoy() -> SqliteFile {
    let file = SqliteFile::create().await;
    let rings = SqlxRings::new(file.pool().await);
    rings.migrate().await.unwrap();
    bootstraps(&rings.ring(ring_name("payments")), "decoy").await;
    file
}

async fn is_decoy(file: &SqliteFile) {
    let store = SqlxRings::new(file.pool().await).ring(ring_name("payments"));
    assert_eq!(keys(&store).await, [("decoy".into(), KeyStatus::Active, b"decoy".to_vec())]);
    assert_eq!(loaded(&store).await.revision.number, 1);
}

/// A pool of the file, each connection of which has begun with these statements.
async fn pool_that_begins_with(file: &SqliteFile, statements: String) -> SqlitePool {
    let options = file.pool_of_one().await.connect_options().as_ref().clone();
    let pool = SqlitePoolOptions::new().max_connections(3).after_connect(move |connection, _| {
        let statements = statements.clone();
        Box::pin(async move {
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.map(drop)
        })
    });
    pool.connect_with(options).await.unwrap()
}

fn attach(file: &SqliteFile, name: &str) -> String {
    format!("ATTACH '{}' AS \"{name}\";", file.path().display())
}

const TEMPORARY: &str = "\
    CREATE TEMP TABLE key_rotation_rings AS SELECT * FROM decoy.key_rotation_rings; \
    CREATE TEMP TABLE key_rotation_keys AS SELECT * FROM decoy.key_rotation_keys; \
    CREATE TEMP TABLE key_rotation_events AS SELECT * FROM decoy.key_rotation_events; \
    CREATE TEMP TABLE key_rotation_migrations AS SELECT * FROM decoy.key_rotation_migrations; \
    DETACH decoy";

async fn has_temporary_decoys(pool: &SqlitePool) {
    for (what, expected) in [
        ("SELECT group_concat(ring || ' ' || revision) FROM temp.key_rotation_rings", "payments 1"),
        ("SELECT group_concat(id || ' ' || status) FROM temp.key_rotation_keys", "decoy active"),
        ("SELECT group_concat(revision || ' ' || id) FROM temp.key_rotation_events", "1 decoy"),
    ] {
        assert_eq!(sqlx::query_scalar::<_, String>(what).fetch_one(pool).await.unwrap(), expected);
    }
}

async fn temporary_tables() {
    let (file, decoy) = (SqliteFile::create().await, decoy().await);
    SqlxRings::new(file.pool().await).migrate().await.unwrap();
    let begin = attach(&decoy, "decoy") + TEMPORARY;
    let pool = pool_that_begins_with(&file, begin).await;
    lives(&SqlxRings::new(pool.clone())).await;
    has_temporary_decoys(&pool).await;
    let store = SqlxRings::new(file.pool().await).ring(ring_name("payments"));
    assert_eq!(keys(&store).await.len(), 2);
    is_decoy(&decoy).await;
}

async fn before_the_tables() {
    let (file, decoy) = (SqliteFile::create().await, decoy().await);
    let begin = attach(&decoy, "decoy") + TEMPORARY;
    let pool = pool_that_begins_with(&file, begin).await;
    let rings = SqlxRings::new(pool.clone());
    let error = rings.migrate().await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrationProblem::Shadowed)), "{error:?}");
    has_temporary_decoys(&pool).await;
    let error = rings.ring(ring_name("payments")).load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");
    let made = "SELECT count(*) FROM main.sqlite_master";
    assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap(), 0);
}

async fn attached() {
    let (file, decoy) = (SqliteFile::create().await, decoy().await);
    let pool = pool_that_begins_with(&file, attach(&decoy, "decoy")).await;
    let rings = SqlxRings::new(pool);
    lives(&rings).await;
    is_decoy(&decoy).await;
    let other = rings.in_schema("decoy".parse().unwrap());
    other.migrate().await.unwrap();
    let store = other.ring(ring_name("payments"));
    assert_eq!(keys(&store).await, [("decoy".into(), KeyStatus::Active, b"decoy".to_vec())]);
}

async fn words_of_sql() {
    for name in ["order", "select", "group", "_"] {
        let (file, other) = (SqliteFile::create().await, SqliteFile::create().await);
        SqlxRings::new(other.pool().await).migrate().await.unwrap();
        let pool = pool_that_begins_with(&file, attach(&other, name)).await;
        lives(&SqlxRings::new(pool).in_schema(name.parse().unwrap())).await;
        let made = "SELECT count(*) FROM sqlite_master";
        let made = sqlx::query_scalar::<_, i64>(made).fetch_one(&file.pool().await).await;
        assert_eq!(made.unwrap(), 0);
        let store = SqlxRings::new(other.pool().await).ring(ring_name("payments"));
        assert_eq!(keys(&store).await.len(), 2);
    }
}

/// The tables are made in the file of its own, and never in the place of the one that was meant.
async fn attached_without_tables() {
    let (file, other) = (SqliteFile::create().await, SqliteFile::create().await);
    let begin = attach(&other, "other");
    let pool = pool_that_begins_with(&file, begin).await;
    for name in ["other", "temp", "missing"] {
        let rings = SqlxRings::new(pool.clone()).in_schema(name.parse().unwrap());
        let error = rings.migrate().await.unwrap_err();
        match &error {
            Error::Migration(MigrationProblem::Attached) if name != "missing" => assert_eq!(
                error.to_string(),
                "the tables for rings could not be made or updated: SQLite makes them in the \
                 schema `main` alone: migrate the file by itself, before it is attached"
            ),
            Error::Migration(MigrationProblem::Database(source)) if name == "missing" => {
                assert_eq!(source.code(), Some("1"));
            }
            other => panic!("{name}: {other:?}"),
        }
        for schema in ["main", "other", "temp"] {
            let made = format!("SELECT count(*) FROM {schema}.sqlite_master");
            let made = sqlx::query_scalar::<_, i64>(AssertSqlSafe(made)).fetch_one(&pool).await;
            assert_eq!(made.unwrap(), 0, "{name}: {schema}");
        }
        let error = rings.ring(ring_name("payments")).load(Revision::EMPTY).await.unwrap_err();
        assert_eq!(matches!(error, Error::NoSchema { .. }), name != "missing", "{error:?}");
    }
}
