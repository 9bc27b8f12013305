//! Other tables of the same names, and rows that are hidden: a ring is that of its own schema, whatever
//! the connection has, and what is hidden is missed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use key_rotation::error::RotationError;
use key_rotation::store::{Change, Commit, CommitError, Loaded, Revision, RingDirectory};
use key_rotation::{
    Inactive, Key, KeyId, KeyProvider, KeyRef, Outcome, RotationService, StrictSingleActive,
    Timestamp,
};
use key_rotation_sqlx::{
    Backend, Error, InvalidSchemaName, MigrationProblem, RowProblem, SchemaName, SqlxKeyProvider,
    SqlxRings, WrappedKey,
};
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, Executor, PgPool, Pool};
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, proposal, revision, ring_name,
    unique, wrapped,
};

fn main() -> ExitCode {
    run(vec![
        trial("postgres::a_search_path_has_no_effect", search_path),
        trial("postgres::temporary_tables_have_no_effect", || {
            temporary::<PostgresDatabase>(TEMPORARY)
        }),
        trial("postgres::rings_of_two_schemas_are_apart", two_schemas),
        trial("postgres::a_migration_makes_the_tables_of_its_schema", migrated_in_its_schema),
        trial("postgres::a_schema_that_is_missing", missing_schema),
        trial("postgres::a_hidden_key_is_missed", hidden_key),
        trial("postgres::a_hidden_ring_is_no_cold_start", hidden_ring),
        trial("postgres::a_hidden_event_is_missed", hidden_event),
        trial("postgres::hidden_tables_are_not_written_over", hidden_tables),
        trial("sqlite::temporary_tables_have_no_effect", || {
            temporary::<SqliteFile>(TEMPORARY_LITE)
        }),
        trial("sqlite::an_attached_file_has_no_effect", attached),
        trial("sqlite::a_name_of_a_schema_is_checked", schema_names),
    ])
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(id: &str) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(id.as_bytes()), at(10))
}

fn service<P: KeyProvider>(store: P) -> RotationService<P, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

fn by<DB: Backend>(pool: Pool<DB>) -> SqlxKeyProvider<DB> {
    SqlxKeyProvider::new(pool, ring_name("payments"))
}

fn schema(name: &str) -> SchemaName {
    name.parse().unwrap()
}

/// A ring at revision 2, with k1 active and k2 staged.
async fn begin<DB: Backend>(store: &SqlxKeyProvider<DB>, ids: [&str; 2]) {
    let service = service(store.clone());
    let _ = service.bootstrap(key(ids[0]), at(20)).await.unwrap();
    assert!(matches!(service.add(key(ids[1]), at(20)).await.unwrap(), Outcome::Done(_)));
}

async fn ring<D: TestDatabase>() -> (D, SqlxKeyProvider<D::Backend>) {
    let (database, store) = new_ring::<D>("payments").await;
    begin(&store, ["k1", "k2"]).await;
    (database, store)
}

async fn ids<DB: Backend>(store: &SqlxKeyProvider<DB>) -> Vec<String> {
    loaded(store).await.records.iter().map(|record| record.info.id.to_string()).collect()
}

/// Through `shadowed`, the ring is the one of `store`: it is read, polled, changed and listed.
async fn has_no_effect<DB: Backend>(shadowed: Pool<DB>, store: &SqlxKeyProvider<DB>) {
    let through = by(shadowed.clone());
    assert_eq!(ids(&through).await, ["k1", "k2"]);
    let seen = revision(&through).await;
    assert!(matches!(through.load(seen).await.unwrap(), Loaded::Unchanged { .. }));
    let outcome = service(through.clone()).add(key("k3"), at(30)).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)));
    assert_eq!(ids(store).await, ["k1", "k2", "k3"], "what was acknowledged is there");
    let events = service(through.clone()).history(Revision::EMPTY).await.unwrap();
    assert_eq!(events, service(store.clone()).history(Revision::EMPTY).await.unwrap());
    assert_eq!(events.len(), 3);
    let rings = SqlxRings::new(shadowed);
    let heads = rings.rings().await.unwrap();
    let found: Vec<Revision> = heads.iter().map(|head| head.revision).collect();
    assert_eq!(found, [revision(store).await]);
    rings.migrate().await.unwrap();
}

async fn search_path() {
    let (database, store) = ring::<PostgresDatabase>().await;
    database.carry_out("CREATE SCHEMA elsewhere").await.unwrap();
    let elsewhere = SqlxRings::new(database.pool().await).in_schema(schema("elsewhere"));
    elsewhere.migrate().await.unwrap();
    let other = elsewhere.ring(ring_name("payments"));
    begin(&other, ["x1", "x2"]).await;

    let paths = ["elsewhere", "elsewhere, public", "pg_temp, elsewhere", "\"\""];
    let (path, others) = paths.split_first().unwrap();
    has_no_effect(database.pool_with(&[("search_path", path)]).await, &store).await;
    for path in others {
        let pool = database.pool_with(&[("search_path", path)]).await;
        assert_eq!(ids(&by(pool)).await, ["k1", "k2", "k3"], "{path}");
    }
    assert_eq!(ids(&other).await, ["x1", "x2"]);
}

/// Tables of the connection, with the names of the library's, and another ring in them.
const TEMPORARY: &str =
    "CREATE TEMPORARY TABLE key_rotation_rings AS TABLE public.key_rotation_rings;
    CREATE TEMPORARY TABLE key_rotation_keys AS TABLE public.key_rotation_keys;
    CREATE TEMPORARY TABLE key_rotation_events AS TABLE public.key_rotation_events;
    CREATE TEMPORARY TABLE key_rotation_migrations AS TABLE public.key_rotation_migrations;
    UPDATE pg_temp.key_rotation_keys SET id = 'x' || id;
    UPDATE pg_temp.key_rotation_rings SET revision = 77";
const TEMPORARY_LITE: &str =
    "CREATE TEMPORARY TABLE key_rotation_rings AS SELECT * FROM main.key_rotation_rings;
    CREATE TEMPORARY TABLE key_rotation_keys AS SELECT * FROM main.key_rotation_keys;
    CREATE TEMPORARY TABLE key_rotation_events AS SELECT * FROM main.key_rotation_events;
    CREATE TEMPORARY TABLE key_rotation_migrations AS SELECT * FROM main.key_rotation_migrations;
    UPDATE temp.key_rotation_keys SET id = 'x' || id;
    UPDATE temp.key_rotation_rings SET revision = 77";

/// A pool on each of whose connections these statements were carried out.
async fn prepared<D: TestDatabase>(database: &D, statements: &'static str) -> Pool<D::Backend>
where
    for<'c> &'c mut <D::Backend as sqlx::Database>::Connection: Executor<'c, Database = D::Backend>,
{
    let options = database.pool().await.connect_options();
    PoolOptions::new()
        .after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(statements).execute(connection).await.map(drop) })
        })
        .connect_with((*options).clone())
        .await
        .unwrap()
}

async fn temporary<D: TestDatabase>(statements: &'static str)
where
    for<'c> &'c mut <D::Backend as sqlx::Database>::Connection: Executor<'c, Database = D::Backend>,
{
    let (database, store) = ring::<D>().await;
    has_no_effect(prepared(&database, statements).await, &store).await;

    // Where the tables are still to be made, they are made where they belong, or it is refused.
    let database = D::create().await;
    let shadow = "CREATE TEMPORARY TABLE key_rotation_rings (ring TEXT)";
    let shadowed = prepared(&database, shadow).await;
    match SqlxRings::new(shadowed).migrate().await {
        Ok(()) => begin(&by(database.pool().await), ["k1", "k2"]).await,
        Err(Error::Migration(MigrationProblem::Shadowed)) => {
            let error = by(database.pool().await).load(Revision::EMPTY).await.unwrap_err();
            assert!(matches!(error, Error::NoSchema { .. }), "nothing is made: {error:?}");
        }
        Err(error) => panic!("{error:?}"),
    }
}

async fn two_schemas() {
    let database = PostgresDatabase::create().await;
    let pool = database.pool().await;
    database.carry_out("CREATE SCHEMA one; CREATE SCHEMA other").await.unwrap();
    let of = |name| SqlxRings::new(pool.clone()).in_schema(schema(name));
    let (one, other) = (of("one"), of("other"));
    one.migrate().await.unwrap();
    other.migrate().await.unwrap();
    let name = ring_name("payments");
    begin(&one.ring(name.clone()), ["k1", "k2"]).await;
    assert!(loaded(&other.ring(name.clone())).await.is_empty());
    assert!(other.rings().await.unwrap().is_empty());

    let mut listener = other.listen().await.unwrap();
    begin(&other.ring(name.clone()), ["x1", "x2"]).await;
    assert!(matches!(
        service(one.ring(name.clone())).add(key("k3"), at(30)).await.unwrap(),
        Outcome::Done(_)
    ));
    assert!(matches!(
        service(other.ring(name.clone())).add(key("x3"), at(30)).await.unwrap(),
        Outcome::Done(_)
    ));
    for number in 1..=3 {
        let heard = tokio::time::timeout(Duration::from_secs(20), listener.next()).await;
        assert_eq!(heard.unwrap().unwrap().unwrap().number, number, "of its own schema alone");
    }
    assert_eq!(ids(&one.ring(name.clone())).await, ["k1", "k2", "k3"]);
    assert_eq!(ids(&other.ring(name.clone())).await, ["x1", "x2", "x3"]);
    // A revision of one is not in the history of the other.
    let seen = revision(&one.ring(name.clone())).await;
    let answer = other.ring(name).load(seen).await.unwrap();
    assert!(matches!(answer, Loaded::NotInHistory { .. }), "{answer:?}");
}

async fn migrated_in_its_schema() {
    let database = PostgresDatabase::create().await;
    database.carry_out("CREATE SCHEMA elsewhere").await.unwrap();
    let pool = database.pool_with(&[("search_path", "elsewhere")]).await;
    SqlxRings::new(pool.clone()).migrate().await.unwrap();
    let of = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'key\\_rotation\\_%' AND schemaname = $1";
    let tables = async |schema: &str| {
        let counted = sqlx::query_scalar::<_, i64>(of).bind(schema.to_owned());
        counted.fetch_one(&pool).await.unwrap()
    };
    assert_eq!((tables("public").await, tables("elsewhere").await), (4, 0));
    let path: String = sqlx::query_scalar("SHOW search_path").fetch_one(&pool).await.unwrap();
    assert_eq!(path, "elsewhere", "the application's setting is left as it was");
}

async fn missing_schema() {
    let database = PostgresDatabase::create().await;
    let rings = SqlxRings::new(database.pool().await).in_schema(schema("nowhere"));
    let error = rings.migrate().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tables for rings could not be made or updated: there is no schema `nowhere` to make \
         tables in: create it first; in SQLite, open its file itself"
    );
    let store = rings.ring(ring_name("payments"));
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");
}

/// A role that sees of each table what a policy lets it see.
struct Role {
    name: String,
}

impl Role {
    async fn new(database: &PostgresDatabase, policies: &str) -> (Self, PgPool) {
        let name = format!("key_rotation_role_{}_{}", std::process::id(), unique());
        let statements = format!(
            "CREATE ROLE {name};
             GRANT USAGE ON SCHEMA public TO {name};
             GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {name};
             {policies}"
        );
        database.carry_out(&statements).await.unwrap();
        let pool = database.pool_as(&name).await;
        (Self { name }, pool)
    }

    async fn drop(self, database: &PostgresDatabase, pool: PgPool) {
        pool.close().await;
        let name = self.name;
        database.carry_out(&format!("DROP OWNED BY {name}; DROP ROLE {name}")).await.unwrap();
    }
}

fn policy(table: &str, sees: &str) -> String {
    format!(
        "ALTER TABLE key_rotation_{table} ENABLE ROW LEVEL SECURITY;
         CREATE POLICY hides ON key_rotation_{table} USING ({sees}) WITH CHECK (true);"
    )
}

/// What the role does changes nothing.
async fn writes_nothing(store: &SqlxKeyProvider<sqlx::Postgres>, through: PgPool, ids: &[&str]) {
    let seen = revision(store).await;
    let through = by(through);
    for id in ids {
        let error = service(through.clone()).add(key(id), at(40)).await.unwrap_err();
        assert!(matches!(error, RotationError::Provider(_)), "{error:?}");
        let sent = proposal(seen, Change::Add(KeyRef::from(&key(id)).to_record()));
        match through.commit(&sent).await {
            Err(CommitError::Refused(_)) | Ok(Commit::Conflict) => {}
            other => panic!("{other:?}"),
        }
    }
    let error = service(through.clone()).bootstrap(key("k9"), at(40)).await.unwrap_err();
    assert!(matches!(error, RotationError::Provider(_)), "{error:?}");
    assert_eq!(revision(store).await, seen);
}

async fn hidden_key() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let seen = revision(&store).await;
    let (role, pool) = Role::new(&database, &policy("keys", "id <> 'k2'")).await;
    let through = by(pool.clone());
    for seen in [seen, Revision::EMPTY] {
        let error = through.load(seen).await.unwrap_err();
        let Error::OtherIds { ring, reason } = &error else { panic!("{error:?}") };
        assert_eq!(ring.as_str(), "payments");
        assert_eq!(reason.lost(), [KeyId::from_static("k2")]);
        assert!(error.to_string().contains("row `k2` was deleted, hidden or renamed"), "{error}");
    }
    writes_nothing(&store, pool.clone(), &["k2"]).await;
    role.drop(&database, pool).await;
}

async fn hidden_ring() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let (role, pool) = Role::new(&database, &policy("rings", "false")).await;
    let error = by(pool.clone()).load(Revision::EMPTY).await.unwrap_err();
    assert!(
        matches!(&error, Error::Row { reason: RowProblem::RevisionMismatch { .. }, .. }),
        "{error:?}"
    );
    writes_nothing(&store, pool.clone(), &["k3"]).await;
    role.drop(&database, pool).await;
}

async fn hidden_event() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let (role, pool) = Role::new(&database, &policy("events", "revision <> 2")).await;
    let error = by(pool.clone()).load(Revision::EMPTY).await.unwrap_err();
    assert!(
        matches!(&error, Error::Row { reason: RowProblem::RevisionMismatch { .. }, .. }),
        "{error:?}"
    );
    writes_nothing(&store, pool.clone(), &["k3"]).await;
    role.drop(&database, pool).await;
}

/// To a role that sees no row of any table, a ring is empty. It writes over nothing: the rows are
/// there, whoever sees them.
async fn hidden_tables() {
    let (database, store) = ring::<PostgresDatabase>().await;
    let seen = revision(&store).await;
    let policies = ["rings", "keys", "events"].map(|table| policy(table, "false")).concat();
    let (role, pool) = Role::new(&database, &policies).await;
    let through = by(pool.clone());
    assert!(loaded(&through).await.is_empty());
    let answer = through.load(seen).await.unwrap();
    assert!(matches!(answer, Loaded::NotInHistory { .. }), "{answer:?}");
    let error = service(through).bootstrap(key("k9"), at(40)).await.unwrap_err();
    assert!(
        matches!(error, RotationError::Rejected { .. } | RotationError::NotWritten { .. }),
        "{error:?}"
    );
    assert_eq!(revision(&store).await, seen);
    assert_eq!(ids(&store).await, ["k1", "k2"]);
    role.drop(&database, pool).await;
}

async fn attached() {
    let (database, store) = ring::<SqliteFile>().await;
    let (elsewhere, other) = new_ring::<SqliteFile>("payments").await;
    begin(&other, ["x1", "x2"]).await;
    let attach = format!("ATTACH '{}' AS elsewhere", elsewhere.path().display());
    let options = database.pool().await.connect_options();
    let pool = PoolOptions::new()
        .after_connect(move |connection, _| {
            let attach = attach.clone();
            Box::pin(async move {
                sqlx::raw_sql(AssertSqlSafe(attach)).execute(connection).await.map(drop)
            })
        })
        .connect_with((*options).clone())
        .await
        .unwrap();
    has_no_effect(pool.clone(), &store).await;
    let through = SqlxRings::new(pool.clone()).in_schema(schema("elsewhere"));
    let through = through.ring(ring_name("payments"));
    assert_eq!(ids(&through).await, ["x1", "x2"], "the schema of an attached file is one");

    // Its tables are made by whoever opens the file itself, and nowhere else by mistake.
    elsewhere.by_hand("DELETE FROM key_rotation_migrations WHERE version = 3").await.unwrap();
    let error = SqlxRings::new(pool).in_schema(schema("elsewhere")).migrate().await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrationProblem::NoSchema(_))), "{error:?}");
}

async fn schema_names() {
    let parse = |name: &str| name.parse::<SchemaName>();
    for (name, byte, position) in [
        ("a b", b' ', 1),
        ("Public", b'P', 0),
        ("a\"b", b'"', 1),
        ("a'; DROP TABLE x; --", b'\'', 1),
        ("1a", b'1', 0),
        ("a.b", b'.', 1),
        ("é", 0xc3, 0),
        ("a\0", 0, 1),
    ] {
        assert_eq!(parse(name), Err(InvalidSchemaName::Byte { byte, position }), "{name:?}");
    }
    for len in [0, 51] {
        assert_eq!(parse(&"x".repeat(len)), Err(InvalidSchemaName::Length { len }));
    }
    assert_eq!(parse(&"x".repeat(50)).unwrap().as_str().len(), 50);
}
