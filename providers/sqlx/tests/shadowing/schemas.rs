//! Schemas of one database: two with the same ring, and those of odd names.

use key_rotation::store::{Change, Commit, Events, History, Loaded, Revision, RingDirectory};
use key_rotation::{KeyProvider, KeyRef};
use key_rotation_sqlx::{
    Error, InvalidSchemaName, MigrationProblem, SchemaName, SqlxKeyProvider, SqlxRings,
};
use libtest_mimic::Trial;

use crate::life::{bootstraps, content, events, has_lived, key, keys, lives};
use crate::support::trials::trial;
use crate::support::{PostgresDatabase, TestDatabase, proposal, revision, ring_name, unique};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("postgres::two_schemas_see_nothing_of_each_other", two_schemas),
        trial("postgres::a_schema_named_like_a_word_of_sql", words_of_sql),
        trial("postgres::a_schema_that_is_not_there_gets_no_tables", not_there),
        trial("postgres::a_schema_that_the_role_may_not_use", not_usable),
        trial("names_that_no_schema_has_are_refused", || async { odd_names() }),
    ]
}

async fn two_schemas() {
    let database = PostgresDatabase::create().await;
    database.carry_out("CREATE SCHEMA one; CREATE SCHEMA two").await.unwrap();
    let pool = database.pool().await;
    let all = SqlxRings::new(pool.clone());
    let [one, two] = ["one", "two"].map(|name| all.clone().in_schema(name.parse().unwrap()));
    one.migrate().await.unwrap();
    let store = |schema: &str| {
        SqlxKeyProvider::new(pool.clone(), ring_name("payments")).in_schema(schema.parse().unwrap())
    };
    let error = store("two").load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");
    two.migrate().await.unwrap();
    let error = store("public").load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");

    bootstraps(&store("one"), "of-one").await;
    assert_eq!(keys(&store("two")).await, []);
    assert_eq!(two.rings().await.unwrap(), []);
    bootstraps(&store("two"), "of-two").await;
    let [first, second] = [revision(&store("one")).await, revision(&store("two")).await];
    assert_eq!((first.number, second.number), (1, 1));

    // A revision of the one is none of the other.
    let Loaded::NotInHistory { seen, found } = store("two").load(first).await.unwrap() else {
        panic!("{first} is of the other schema")
    };
    assert_eq!((seen, found), (first, second));
    let history = store("one").history(second).await.unwrap();
    assert_eq!(history, Events::NotInHistory { seen: second, found: first });
    let add = Change::Add(KeyRef::from(&key("k2")).to_record().staged());
    let astray = proposal(first, add);
    assert_eq!(store("two").commit(&astray).await.unwrap(), Commit::Conflict);
    assert_eq!(store("one").commit(&astray).await.unwrap(), Commit::Committed);
    assert_eq!(store("two").commit(&astray).await.unwrap(), Commit::Conflict);

    assert_eq!(
        content(&pool, "one").await,
        [
            "ring payments 2",
            "key payments k2 inactive",
            "key payments of-one active",
            "event payments 1 create of-one",
            "event payments 2 add k2",
        ]
    );
    assert_eq!(
        content(&pool, "two").await,
        ["ring payments 1", "key payments of-two active", "event payments 1 create of-two"]
    );
    assert_eq!(events(&store("one"), first).await, ["key `k2` was added"]);
    assert_eq!(events(&store("two"), second).await, [] as [&str; 0]);
    for (rings, number) in [(&one, 2), (&two, 1)] {
        let heads = rings.rings().await.unwrap();
        let heads: Vec<_> =
            heads.iter().map(|head| (head.ring.as_str(), head.revision.number)).collect();
        assert_eq!(heads, [("payments", number)]);
    }
}

async fn words_of_sql() {
    let database = PostgresDatabase::create().await;
    let pool = database.pool().await;
    let longest = "x".repeat(SchemaName::MAX_LEN);
    for name in ["order", "select", "user", "all", "_", "temp", "main", longest.as_str()] {
        database.carry_out(&format!("CREATE SCHEMA \"{name}\"")).await.unwrap();
        let rings = SqlxRings::new(pool.clone()).in_schema(name.parse().unwrap());
        let mut commits = rings.listen().await.unwrap();
        lives(&rings).await;
        has_lived(&pool, name).await;
        let heard = commits.next().await.unwrap().unwrap();
        assert_eq!((heard.ring, heard.number), (ring_name("payments"), 1));
    }
}

/// The migration is refused, and no connection is left with tables of its own.
async fn gets_no_tables(rings: &SqlxRings<sqlx::Postgres>, pool: &sqlx::PgPool) {
    let error = rings.migrate().await.unwrap_err();
    let Error::Migration(MigrationProblem::Database(source)) = &error else { panic!("{error:?}") };
    assert_eq!(source.code(), Some("3F000"));
    assert_eq!(
        error.to_string(),
        "the tables for rings could not be made or updated: \
         the database has answered 3F000: the schema is not there, or the role may not use it"
    );
    let made = "SELECT count(*) FROM pg_class WHERE relname LIKE 'key_rotation%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(pool).await.unwrap(), 0);
}

async fn not_there() {
    let database = PostgresDatabase::create().await;
    let pool = database.pool_of_one().await;
    let rings = SqlxRings::new(pool.clone()).in_schema("missing".parse().unwrap());
    gets_no_tables(&rings, &pool).await;
    let error = rings.ring(ring_name("payments")).load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");
    let error = rings.rings().await.unwrap_err();
    assert!(matches!(&error, Error::Rings { source, .. } if source.code() == Some("42P01")));
}

async fn not_usable() {
    let database = PostgresDatabase::create().await;
    let role = format!("key_rotation_stranger_{}_{}", std::process::id(), unique());
    database.carry_out(&format!("CREATE SCHEMA closed; CREATE ROLE {role}")).await.unwrap();
    let pool = database.pool_as(&role).await;
    let rings = SqlxRings::new(pool.clone()).in_schema("closed".parse().unwrap());
    let error = rings.migrate().await.unwrap_err();
    let Error::Migration(MigrationProblem::Database(source)) = &error else { panic!("{error:?}") };
    assert!(matches!(source.code(), Some("42501" | "3F000")), "{error:?}");
    let made = "SELECT count(*) FROM pg_class WHERE relname LIKE 'key_rotation%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap(), 0);
    pool.close().await;
    database.carry_out(&format!("DROP ROLE {role}")).await.unwrap();
}

fn odd_names() {
    let too_long = "x".repeat(SchemaName::MAX_LEN + 1);
    for (name, len) in [("", 0), (too_long.as_str(), 51)] {
        assert_eq!(name.parse::<SchemaName>(), Err(InvalidSchemaName::Length { len }));
    }
    for (name, byte, position) in [
        ("pay ments", b' ', 3),
        ("Payments", b'P', 0),
        ("pay\"ments", b'"', 3),
        ("pay;ments", b';', 3),
        ("pay'ments", b'\'', 3),
        ("pay.ments", b'.', 3),
        ("pay,ments", b',', 3),
        ("$user", b'$', 0),
        ("pay\0ments", 0, 3),
        ("1payments", b'1', 0),
        ("{schema}", b'{', 0),
        ("pay-ments", b'-', 3),
        ("zahlungsmodalität", 0xc3, 15),
    ] {
        let error = name.parse::<SchemaName>().unwrap_err();
        assert_eq!(error, InvalidSchemaName::Byte { byte, position }, "{name}");
    }
    // PostgreSQL keeps these for itself: `pg_temp` is another schema in each connection.
    for name in ["pg_temp", "pg_catalog", "pg_toast", "pg_", "information_schema"] {
        assert_eq!(name.parse::<SchemaName>(), Err(InvalidSchemaName::Reserved), "{name}");
    }
    assert_eq!("pgrings".parse::<SchemaName>().unwrap().as_str(), "pgrings");
}
