//! No byte of stored material is in an error at any depth, nor in a statement, whatever the database
//! quotes.
//!
//! A database quotes rows where a constraint is violated, and so does a trigger that somebody has added.
//! The search that is used is the one of the core's own test, which shows that it finds each form.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

#[path = "../../../tests/redaction/encodings.rs"]
mod encodings;
mod support;

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use key_rotation::error::RotationError;
use key_rotation::store::{Change, CommitError, Loaded, Revision};
use key_rotation::{
    Inactive, Key, KeyProvider, KeyRef, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{Error, SqlxKeyProvider, WrappedKey};
use log::LevelFilter;
use sqlx::{ConnectOptions, Pool};
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, new_ring, postgres, proposal, revision, ring_name,
    wrapped,
};
use tracing::field::{Field, Visit};
use tracing::span;

use self::encodings::{CANARY, base64, hex, leak_in};

fn main() -> ExitCode {
    tracing::subscriber::set_global_default(Heard).unwrap();
    let mut trials = vec![
        trial("sqlite::statements_have_no_material", statements::<SqliteFile>),
        trial("postgres::statements_have_no_material", statements::<PostgresDatabase>),
        trial("postgres::a_server_that_logs_all_but_values", server_log),
    ];
    for (name, prepare) in POSTGRES {
        trials.push(trial(format!("postgres::{name}"), || violated::<PostgresDatabase>(prepare)));
    }
    for (name, prepare) in SQLITE {
        trials.push(trial(format!("sqlite::{name}"), || violated::<SqliteFile>(prepare)));
    }
    trials.push(trial("postgres::a_view_that_breaks", || {
        unreadable::<PostgresDatabase>(BROKEN_VIEW)
    }));
    trials.push(trial("sqlite::a_blob_that_is_a_text", || unreadable::<SqliteFile>(TEXT_FOR_BLOB)));
    trials.push(trial("sqlite::the_search_finds_it", the_search_finds_it));
    run(trials)
}

/// What an administrator may have added, and what then refuses a row with the material of this test.
const POSTGRES: [(&str, &str); 9] = [
    ("a_check", "ALTER TABLE key_rotation_keys ADD CHECK (octet_length(material) < 9) NOT VALID"),
    (
        "a_column_that_may_not_be_null",
        "ALTER TABLE key_rotation_keys ADD COLUMN more TEXT NOT NULL DEFAULT 'x'; \
         ALTER TABLE key_rotation_keys ALTER COLUMN more DROP DEFAULT; \
         CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN NEW.more := NULL; RETURN NEW; END $$; \
         CREATE TRIGGER forgets BEFORE UPDATE ON key_rotation_keys \
         FOR EACH ROW EXECUTE FUNCTION forget();",
    ),
    (
        "a_unique_index",
        "CREATE UNIQUE INDEX one_of_each ON key_rotation_keys (left(material::text, 40))",
    ),
    (
        "a_foreign_key",
        "CREATE TABLE allowed (material BYTEA PRIMARY KEY); \
         ALTER TABLE key_rotation_keys ADD FOREIGN KEY (material) REFERENCES allowed NOT VALID",
    ),
    (
        "a_foreign_key_at_the_end",
        "CREATE TABLE allowed (material BYTEA PRIMARY KEY); \
         ALTER TABLE key_rotation_keys ADD FOREIGN KEY (material) REFERENCES allowed \
         DEFERRABLE INITIALLY DEFERRED NOT VALID",
    ),
    (
        "a_trigger_that_quotes_it",
        "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION '%', encode(NEW.material, 'hex') USING \
             DETAIL = encode(NEW.material, 'base64'), HINT = encode(NEW.material, 'escape'); END $$; \
         CREATE TRIGGER quotes BEFORE INSERT OR UPDATE ON key_rotation_keys \
         FOR EACH ROW EXECUTE FUNCTION quote();",
    ),
    (
        "a_trigger_that_quotes_it_in_names",
        "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION USING MESSAGE = 'no', ERRCODE = '23514', \
             COLUMN = encode(NEW.material, 'escape'), CONSTRAINT = encode(NEW.material, 'hex'), \
             TABLE = encode(NEW.material, 'escape'), SCHEMA = encode(NEW.material, 'escape'); END $$; \
         CREATE TRIGGER quotes BEFORE INSERT OR UPDATE ON key_rotation_keys \
         FOR EACH ROW EXECUTE FUNCTION quote();",
    ),
    (
        "a_trigger_that_quotes_it_at_the_end",
        "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION '%', encode(NEW.material, 'escape') USING \
             DETAIL = encode(NEW.material, 'hex'); END $$; \
         CREATE CONSTRAINT TRIGGER quotes AFTER INSERT OR UPDATE ON key_rotation_keys \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION quote();",
    ),
    (
        "a_value_that_does_not_fit",
        "CREATE FUNCTION cast_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM encode(NEW.material, 'escape')::integer; RETURN NEW; END $$; \
         CREATE TRIGGER casts BEFORE INSERT OR UPDATE ON key_rotation_keys \
         FOR EACH ROW EXECUTE FUNCTION cast_it();",
    ),
];

const SQLITE: [(&str, &str); 3] = [
    (
        "a_unique_index",
        "CREATE UNIQUE INDEX one_of_each ON key_rotation_keys (hex(substr(material, 1, 40)))",
    ),
    (
        "a_trigger_that_quotes_it",
        "CREATE TRIGGER quotes BEFORE INSERT ON key_rotation_keys \
         BEGIN SELECT RAISE(ABORT, hex(NEW.material)); END; \
         CREATE TRIGGER quotes_too BEFORE UPDATE ON key_rotation_keys \
         BEGIN SELECT RAISE(ABORT, CAST(NEW.material AS TEXT)); END;",
    ),
    (
        "a_trigger_that_breaks",
        "CREATE TRIGGER breaks BEFORE INSERT ON key_rotation_keys \
         BEGIN SELECT json(CAST(NEW.material AS TEXT)); END; \
         CREATE TRIGGER breaks_too BEFORE UPDATE ON key_rotation_keys \
         BEGIN SELECT json(CAST(NEW.material AS TEXT)); END;",
    ),
];

const BROKEN_VIEW: &str = "ALTER TABLE key_rotation_keys RENAME TO keys_elsewhere; \
    CREATE FUNCTION quote(material BYTEA) RETURNS BYTEA LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION '%', encode(material, 'escape') USING DETAIL = encode(material, 'hex'); END $$; \
    CREATE VIEW key_rotation_keys AS SELECT ring, id, status, created_at, added_at, activated_at, \
    deactivated_at, retired_at, revoked_at, destroyed_at, used, counted, added_in, deactivated_in, \
    material_in, place, quote(material) AS material FROM keys_elsewhere";

const TEXT_FOR_BLOB: &str = "ALTER TABLE key_rotation_keys RENAME TO keys_elsewhere; \
    CREATE VIEW key_rotation_keys AS SELECT ring, id, status, created_at, added_at, activated_at, \
    deactivated_at, retired_at, revoked_at, destroyed_at, used, counted, added_in, deactivated_in, \
    CAST(material AS TEXT) AS material_in, place, CAST(material AS TEXT) AS material \
    FROM keys_elsewhere";

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(id: &str, material: &[u8]) -> Key<Inactive, WrappedKey> {
    Key::new(id.parse().unwrap(), wrapped(material), at(10))
}

/// Every way in which an error is printed, at every depth.
fn printed(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, "{error}\n{error:#}\n{error:?}\n{error:#?}\n").unwrap();
        next = error.source();
    }
    text
}

fn is_clean(what: &str, text: &str) {
    assert_eq!(leak_in(text), None, "{what} prints {text}");
}

fn has_failed<T: Debug>(what: &str, result: Result<T, RotationError<Error>>) {
    let error = result.unwrap_err();
    is_clean(what, &printed(&error));
}

/// A ring with k1 active and k2 staged, both of the canary.
async fn ring<D: TestDatabase>() -> (D, SqlxKeyProvider<D::Backend>) {
    let (database, store) = new_ring::<D>("payments").await;
    let service = RotationService::new(store.clone(), StrictSingleActive);
    let _ = service.bootstrap(key("k1", &CANARY), at(20)).await.unwrap();
    let other = [&[7], &CANARY[..]].concat();
    assert!(matches!(service.add(key("k2", &other), at(20)).await.unwrap(), Outcome::Done(_)));
    (database, store)
}

/// Writes the canary in each way in which material is written, to tables that refuse it.
async fn violated<D: TestDatabase>(prepare: &'static str) {
    let (database, store) = ring::<D>().await;
    let seen = revision(&store).await;
    database.carry_out(prepare).await.unwrap();
    let service = RotationService::new(store.clone(), StrictSingleActive);
    has_failed("add", service.add(key("k3", &CANARY), at(30)).await);
    has_failed("rewrap", service.rewrap("k2", wrapped(&CANARY), at(30)).await);

    let record = KeyRef::from(&key("k3", &CANARY)).to_record();
    let changes = [
        Change::Add(record),
        Change::Rewrap { id: "k2".parse().unwrap(), material: wrapped(&CANARY).into() },
    ];
    for change in changes {
        let sent = proposal(seen, change);
        is_clean("a proposal", &format!("{sent:?} {sent:#?}"));
        let error = store.commit(&sent).await.unwrap_err();
        is_clean("a commit", &printed(&error));
        is_clean("a commit", &format!("{error:?} {error:#?}"));
        let (CommitError::Refused(source)
        | CommitError::NotWritten(source)
        | CommitError::Unknown(source)) = error
        else {
            panic!("{error:?}");
        };
        is_clean("its source", &printed(&source));
    }

    // A ring that begins with it.
    let pool = database.pool().await;
    let other = SqlxKeyProvider::new(pool, ring_name("other"));
    let service = RotationService::new(other, StrictSingleActive);
    has_failed("bootstrap", service.bootstrap(key("k1", &CANARY), at(30)).await);
    assert_eq!(revision(&store).await, seen, "nothing is written");
}

/// Reads rows of which the database says more than it should.
async fn unreadable<D: TestDatabase>(prepare: &'static str) {
    let (database, store) = ring::<D>().await;
    database.by_hand(prepare).await.unwrap();
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    is_clean("a load", &printed(&error));
    let service = RotationService::new(store, StrictSingleActive);
    has_failed("keyring", service.keyring().await);
    has_failed("retire", service.retire("k2", at(30)).await);
    has_failed("share", service.share(at(30)).await.map(drop));
}

/// The bare error of sqlx has it: so there is something to keep back, and the search finds it.
async fn the_search_finds_it() {
    let (database, _store) = ring::<SqliteFile>().await;
    database.carry_out(SQLITE[1].1).await.unwrap();
    let pool = database.pool().await;
    let bare = "UPDATE key_rotation_keys SET material = material WHERE id = 'k1'";
    let error = sqlx::query(bare).execute(&pool).await.unwrap_err();
    assert!(leak_in(&printed(&error)).is_some(), "{error:?}");
    assert!(leak_in(&hex(&CANARY)).is_some() && leak_in(&base64(&CANARY)).is_some());
}

/// Whatever sqlx says through `tracing`.
struct Heard;

static TEXT: Mutex<String> = Mutex::new(String::new());

impl tracing::Subscriber for Heard {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Writes);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Writes);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Writes);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Writes;

impl Visit for Writes {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(text, "{field} = {value:?}").unwrap();
    }
}

/// Every statement, and how long it took, at the most talkative level: materials are values, and never
/// part of a statement.
async fn statements<D: TestDatabase>() {
    let (database, _) = ring::<D>().await;
    let options = database.pool().await.connect_options();
    let options = (*options)
        .clone()
        .log_statements(LevelFilter::Trace)
        .log_slow_statements(LevelFilter::Warn, Duration::ZERO);
    let pool = Pool::<D::Backend>::connect_with(options).await.unwrap();
    let store = SqlxKeyProvider::new(pool, ring_name("logged"));
    let service = RotationService::new(store.clone(), StrictSingleActive);
    let _ = service.bootstrap(key("k1", &CANARY), at(20)).await.unwrap();
    let _ = service.add(key("k2", &CANARY), at(30)).await.unwrap();
    let _ = service.rewrap("k2", wrapped(&[&[9], &CANARY[..]].concat()), at(30)).await.unwrap();
    assert!(matches!(store.load(Revision::EMPTY).await.unwrap(), Loaded::Ring(_)));
    let _ = service.retire("k2", at(40)).await.unwrap();
    let _ = service.destroy("k2", at(50)).await.unwrap();

    let heard = TEXT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for statement in ["INSERT INTO", "UPDATE", "SELECT id, status", "key_rotation_keys", "elapsed"]
    {
        assert!(heard.contains(statement), "`{statement}` is not heard: {heard}");
    }
    is_clean("a statement", &heard);
}

/// A server that logs each statement has the values too, unless it is told to leave them out; and the
/// rows that it quotes, unless it is terse. That is not in our hands, and `README.md` says so.
async fn server_log() {
    if !postgres::server().is_ok_and(|server| server.is_own) {
        println!("LEFT OUT: the log of the PostgreSQL server, which is not this test's own");
        return;
    }
    let written = async |settings: &[(&str, &str)]| {
        let (database, _) = ring::<PostgresDatabase>().await;
        let before = postgres::log().len();
        let all = [("log_statement", "all"), ("log_min_duration_statement", "0")];
        let pool = database.pool_with(&[&all, settings].concat()).await;
        let service = RotationService::new(
            SqlxKeyProvider::new(pool, ring_name("payments")),
            StrictSingleActive,
        );
        let _ = service.add(key("k3", &CANARY), at(30)).await.unwrap();
        database
            .carry_out(
                "ALTER TABLE key_rotation_keys ADD CHECK (octet_length(material) < 9) NOT VALID",
            )
            .await
            .unwrap();
        has_failed("add", service.add(key("k4", &CANARY), at(30)).await);
        let log = postgres::log();
        log[before..].to_owned()
    };
    let quiet =
        written(&[("log_parameter_max_length", "0"), ("log_error_verbosity", "terse")]).await;
    assert!(quiet.contains("INSERT INTO"), "{quiet}");
    is_clean("the log of the server", &quiet);
    let talkative = written(&[]).await;
    assert!(leak_in(&talkative).is_some(), "the usual settings need no warning any more");
}
