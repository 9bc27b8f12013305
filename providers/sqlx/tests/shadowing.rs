//! Other tables, functions and operators with the names that the statements use, and rows that are
//! hidden from the role: each is refused with a typed error, or nothing comes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

#[path = "shadowing/files.rs"]
mod files;
#[path = "shadowing/hidden.rs"]
mod hidden;
#[path = "shadowing/life.rs"]
mod life;
#[path = "shadowing/schemas.rs"]
mod schemas;
mod support;

use std::process::ExitCode;

use key_rotation::store::RingDirectory;
use key_rotation_sqlx::SqlxRings;
use libtest_mimic::Trial;
use life::{content, has_lived, lives};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use support::trials::{run, trial};
use support::{PostgresDatabase, TestDatabase, ring_name};

fn main() -> ExitCode {
    let mut trials = vec![
        trial("postgres::tables_of_another_schema_on_the_search_path", other_schema),
        trial("postgres::temporary_tables", temporary_tables),
        trial("postgres::temporary_tables_before_the_tables_are_made", before_the_tables),
        trial("postgres::functions_operators_and_types_before_those_of_pg_catalog", before_catalog),
        trial("postgres::operators_that_fit_better_than_those_of_pg_catalog", fits_better),
        trial("postgres::a_search_path_without_any_schema", empty_path),
    ];
    trials.extend::<Vec<Trial>>(schemas::trials());
    trials.extend(hidden::trials());
    trials.extend(files::trials());
    run(trials)
}

/// Makes the tables of the schema `decoy`, with a ring `payments` that has the key `decoy`.
async fn put_decoy(database: &PostgresDatabase) -> PgPool {
    database.carry_out("CREATE SCHEMA decoy").await.unwrap();
    let pool = database.pool().await;
    let decoys = SqlxRings::new(pool.clone()).in_schema("decoy".parse().unwrap());
    decoys.migrate().await.unwrap();
    life::bootstraps(&decoys.ring(ring_name("payments")), "decoy").await;
    assert_eq!(content(&pool, "decoy").await, DECOY);
    pool
}

/// What [`put_decoy`] leaves behind.
const DECOY: [&str; 3] =
    ["ring payments 1", "key payments decoy active", "event payments 1 create decoy"];

async fn other_schema() {
    let database = PostgresDatabase::create().await;
    let admin = put_decoy(&database).await;
    for path in ["decoy", "decoy,public", "decoy,pg_catalog,public", "pg_temp,decoy"] {
        let pool = database.pool_with(&[("search_path", path)]).await;
        lives(&SqlxRings::new(pool)).await;
        has_lived(&admin, "public").await;
        assert_eq!(content(&admin, "decoy").await, DECOY, "{path}");
        let clean = "DROP TABLE public.key_rotation_events, public.key_rotation_keys, \
            public.key_rotation_rings, public.key_rotation_migrations";
        database.carry_out(clean).await.unwrap();
    }
}

/// A pool, each connection of which has the tables of the schema `decoy` as temporary tables.
async fn pool_with_temporary_tables(database: &PostgresDatabase) -> PgPool {
    let options = PgConnectOptions::clone(&database.pool().await.connect_options());
    let pool = PgPoolOptions::new().max_connections(2).after_connect(|connection, _| {
        Box::pin(async move {
            let tables = "CREATE TEMP TABLE key_rotation_rings AS TABLE decoy.key_rotation_rings; \
                CREATE TEMP TABLE key_rotation_keys AS TABLE decoy.key_rotation_keys; \
                CREATE TEMP TABLE key_rotation_events AS TABLE decoy.key_rotation_events; \
                CREATE TEMP TABLE key_rotation_migrations AS \
                    TABLE decoy.key_rotation_migrations";
            sqlx::raw_sql(tables).execute(connection).await.map(drop)
        })
    });
    pool.connect_with(options).await.unwrap()
}

async fn has_temporary_decoys(pool: &PgPool) {
    let (mut one, mut two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    for connection in [&mut one, &mut two] {
        assert_eq!(life::content_of(connection, "pg_temp").await, DECOY);
    }
}

async fn temporary_tables() {
    let database = PostgresDatabase::create().await;
    let admin = put_decoy(&database).await;
    SqlxRings::new(admin.clone()).migrate().await.unwrap();
    let pool = pool_with_temporary_tables(&database).await;
    lives(&SqlxRings::new(pool.clone())).await;
    has_lived(&admin, "public").await;
    has_temporary_decoys(&pool).await;
    assert_eq!(content(&admin, "decoy").await, DECOY);
}

async fn before_the_tables() {
    let database = PostgresDatabase::create().await;
    let admin = put_decoy(&database).await;
    let pool = pool_with_temporary_tables(&database).await;
    lives(&SqlxRings::new(pool.clone())).await;
    has_lived(&admin, "public").await;
    has_temporary_decoys(&pool).await;
}

/// Functions, operators and types that the statements name, or might. Each fails when it is called.
fn traps(schema: &str) -> String {
    let of = |names: &[&str], make: fn(&str, &str) -> String| -> String {
        names.iter().map(|name| make(schema, name)).collect()
    };
    let function = |schema: &str, signature: &str| {
        format!(
            "CREATE FUNCTION {schema}.{signature} LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;"
        )
    };
    let operator = |schema: &str, operator: &str| {
        let mut parts = operator.split(' ');
        let (sign, left, right) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let answer = match sign {
            "||" => "pg_catalog.text",
            "*" => "pg_catalog.numeric",
            _ => "pg_catalog.bool",
        };
        let name =
            format!("op_{:x}_{left}_{right}", sign.bytes().fold(0, |n, b| n * 256 + u64::from(b)));
        format!(
            "CREATE FUNCTION {schema}.{name}(pg_catalog.{left}, pg_catalog.{right}) \
             RETURNS {answer} LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$; \
             CREATE OPERATOR {schema}.{sign} (FUNCTION = {schema}.{name}, \
             LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right});"
        )
    };
    let aggregate = |schema: &str, signature: &str| {
        format!(
            "CREATE AGGREGATE {schema}.{signature} (SFUNC = {schema}.step, STYPE = bigint, \
             INITCOND = '7');"
        )
    };
    let domain = |schema: &str, name: &str| {
        format!("CREATE DOMAIN {schema}.{name} AS pg_catalog.{name} CHECK (false);")
    };
    [
        of(&FUNCTIONS, function),
        of(&OPERATORS, operator),
        format!("CREATE FUNCTION {schema}.step(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7';"),
        of(&["count(*)"], aggregate),
        of(&["text", "xid8"], domain),
    ]
    .concat()
}

const FUNCTIONS: [&str; 14] = [
    "clock_timestamp() RETURNS timestamptz",
    "current_schema() RETURNS name",
    "floor(numeric) RETURNS numeric",
    "floor(double precision) RETURNS double precision",
    "length(pg_catalog.text) RETURNS integer",
    "max(bigint) RETURNS bigint",
    "now() RETURNS timestamptz",
    "pg_advisory_xact_lock(bigint) RETURNS void",
    "pg_current_snapshot() RETURNS pg_snapshot",
    "pg_current_xact_id() RETURNS pg_catalog.xid8",
    "pg_notify(pg_catalog.text, pg_catalog.text) RETURNS void",
    "pg_snapshot_xmin(pg_snapshot) RETURNS pg_catalog.xid8",
    "set_config(pg_catalog.text, pg_catalog.text, boolean) RETURNS pg_catalog.text",
    "to_regclass(pg_catalog.text) RETURNS regclass",
];

/// The sign and the types of both sides. pg_catalog has those of the last line for none of these
/// types, so that they are taken wherever they are.
const OPERATORS: [&str; 17] = [
    "= text text",
    "<> text text",
    "|| text text",
    "= int8 int8",
    "> int8 int8",
    ">= int8 int8",
    "= int8 int4",
    "> int8 int4",
    "= int4 int4",
    "= name text",
    ">= xid8 xid8",
    "= bool bool",
    "* numeric numeric",
    "* float8 float8",
    "* numeric int4",
    "|| text int8",
    "= text varchar",
];

async fn before_catalog() {
    let database = PostgresDatabase::create().await;
    let admin = database.pool().await;
    database.carry_out(&format!("CREATE SCHEMA traps; {}", traps("traps"))).await.unwrap();
    let pool = database.pool_with(&[("search_path", "traps,pg_catalog,public")]).await;
    for trapped in ["SELECT 'a'::pg_catalog.text = 'a'::pg_catalog.text", "SELECT now()"] {
        let error = sqlx::raw_sql(trapped).execute(&pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().message(), "trapped");
    }
    let rings = SqlxRings::new(pool);
    let mut commits = rings.listen().await.unwrap();
    lives(&rings).await;
    let heard = commits.next().await.unwrap().unwrap();
    assert_eq!((heard.ring, heard.number), (ring_name("payments"), 1));
    has_lived(&admin, "public").await;
}

async fn fits_better() {
    let database = PostgresDatabase::create().await;
    let admin = database.pool().await;
    database.carry_out(&traps("public")).await.unwrap();
    let error = sqlx::raw_sql("SELECT 1.5 * 2").execute(&admin).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().message(), "trapped");
    lives(&SqlxRings::new(admin.clone())).await;
    has_lived(&admin, "public").await;
}

async fn empty_path() {
    let database = PostgresDatabase::create().await;
    let rings = SqlxRings::new(database.pool_with(&[("search_path", "nowhere")]).await);
    lives(&rings).await;
    has_lived(&database.pool().await, "public").await;
    assert_eq!(rings.rings().await.unwrap().len(), 1);
}
