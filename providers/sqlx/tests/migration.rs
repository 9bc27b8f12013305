//! A database of version 1: it comes with all that it knows, and with nothing made up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::borrow::Cow;
use std::process::ExitCode;

use key_rotation::key::Destruction;
use key_rotation::store::{Events, History, Loaded, Revision};
use key_rotation::{
    DecryptionKeyError, KeyId, KeyInfo, KeyProvider, KeyStatus, Outcome, RotationService,
    StrictSingleActive, Times, Timestamp,
};
use key_rotation_sqlx::{Error, SqlxKeyProvider, migrate};
use libtest_mimic::Trial;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use support::trials::{run, trial};
use support::{PostgresDatabase, SqliteFile, TestDatabase, loaded, ring_name};

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite", SQLITE);
    trials.extend(of::<PostgresDatabase>("postgres", POSTGRES));
    run(trials)
}

fn of<D: TestDatabase>(name: &str, version_1: Version1) -> Vec<Trial> {
    vec![
        trial(format!("{name}::it_comes_with_all_that_it_knows"), move || known::<D>(version_1)),
        trial(format!("{name}::it_changes_like_any_other"), move || changes::<D>(version_1)),
        trial(format!("{name}::a_revoked_key_is_stored"), move || revoked::<D>(version_1)),
    ]
}

/// How version 1 makes its tables, and the type of what a key is made of.
#[derive(Clone, Copy)]
struct Version1 {
    tables: &'static str,
    blob: &'static str,
}

const SQLITE: Version1 =
    Version1 { tables: include_str!("../migrations/sqlite/0001_rings_and_keys.sql"), blob: "BLOB" };
const POSTGRES: Version1 = Version1 {
    tables: include_str!("../migrations/postgres/0001_rings_and_keys.sql"),
    blob: "BYTEA",
};

/// The columns of a key: ring, id, status, created, activated, in its status since, added in, and
/// its material. Of `k6` no time is known, which version 1 writes as 0.
const ROWS: &str = "\
    INSERT INTO key_rotation_rings VALUES ('payments', 10); \
    INSERT INTO key_rotation_keys VALUES \
        ('payments', 'k1', 'destroyed', 10, 11, 40, 1, NULL), \
        ('payments', 'k2', 'retired', 12, 20, 35, 2, CAST('k2' AS BLOB)), \
        ('payments', 'k3', 'inactive', 13, 25, 30, 3, CAST('k3' AS BLOB)), \
        ('payments', 'k4', 'active', 14, 30, 30, 4, CAST('k4' AS BLOB)), \
        ('payments', 'k5', 'inactive', 15, NULL, 16, 9, CAST('k5' AS BLOB)), \
        ('payments', 'k6', 'inactive', 0, 0, 0, 10, CAST('k6' AS BLOB)); \
    INSERT INTO key_rotation_events VALUES \
        ('payments', 5, 'activate', 'k2', 'k1', 20), \
        ('payments', 6, 'activate', 'k3', 'k2', 25), \
        ('payments', 7, 'activate', 'k4', 'k3', 30), \
        ('payments', 10, 'add', 'k6', NULL, 0)";

/// A database as version 1 has left it, and its ring.
async fn left<D: TestDatabase>(version_1: Version1) -> (D, SqlxKeyProvider<D::Backend>) {
    let database = D::create().await;
    let pool = database.pool().await;
    let tables = version_1.tables.into_sql_str();
    let simple = MigrationType::Simple;
    let migrator = Migrator {
        migrations: vec![Migration::new(1, "rings and keys".into(), simple, tables, false)].into(),
        locking: false,
        table_name: Cow::Borrowed("key_rotation_migrations"),
        ..Migrator::DEFAULT
    };
    let mut connection = pool.acquire().await.unwrap();
    migrator.run_direct(None, &mut *connection, false).await.unwrap();
    drop(connection);
    database.carry_out(&ROWS.replace("BLOB", version_1.blob)).await.unwrap();
    (database, SqlxKeyProvider::new(pool, ring_name("payments")))
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// Everything of which version 1 says nothing is unknown.
fn info(id: &'static str, status: KeyStatus, added_in: u64) -> KeyInfo {
    KeyInfo {
        id: KeyId::from_static(id),
        status,
        times: Times::default(),
        used: true,
        counted: false,
        added_in,
        deactivated_in: 0,
    }
}

async fn known<D: TestDatabase>(version_1: Version1) {
    let (database, store) = left::<D>(version_1).await;
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::UnknownSchema { found: 1, known: 3, .. }), "{error:?}");
    migrate(&database.pool().await).await.unwrap();

    let expected = [
        KeyInfo {
            times: Times {
                created_at: Some(at(12)),
                activated_at: Some(at(20)),
                retired_at: Some(at(35)),
                ..Times::default()
            },
            deactivated_in: 6,
            ..info("k2", KeyStatus::Retired, 2)
        },
        KeyInfo {
            times: Times {
                created_at: Some(at(13)),
                activated_at: Some(at(25)),
                deactivated_at: Some(at(30)),
                ..Times::default()
            },
            deactivated_in: 7,
            ..info("k3", KeyStatus::Inactive, 3)
        },
        KeyInfo {
            times: Times {
                created_at: Some(at(14)),
                activated_at: Some(at(30)),
                ..Times::default()
            },
            ..info("k4", KeyStatus::Active, 4)
        },
        KeyInfo {
            times: Times { created_at: Some(at(15)), added_at: Some(at(16)), ..Times::default() },
            used: false,
            ..info("k5", KeyStatus::Inactive, 9)
        },
        info("k6", KeyStatus::Inactive, 10),
    ];
    let snapshot = loaded(&store).await;
    assert_eq!((snapshot.revision.number, snapshot.ids), (10, 6));
    events_are_kept(&store, snapshot.revision).await;
    assert_eq!(snapshot.destroyed, [Destruction::new(KeyId::from_static("k1"), at(40))]);
    let found: Vec<KeyInfo> = snapshot.records.iter().map(|record| record.info.clone()).collect();
    assert_eq!(found, expected);
    for record in snapshot.records {
        assert_eq!(record.material.as_bytes(), record.info.id.as_str().as_bytes());
        assert_eq!(record.material_in, record.info.added_in);
    }
}

/// Each old commit has its event, with a tag of its own.
async fn events_are_kept<P: History<Error: std::fmt::Debug>>(store: &P, head: Revision) {
    let Events::Since(events) = store.history(Revision::EMPTY).await.unwrap() else {
        panic!("everything comes after the beginning")
    };
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "1970-01-01T00:00:00.020Z ring `payments` 5 by unknown: key `k2` became active in the place of key `k1`",
            "1970-01-01T00:00:00.025Z ring `payments` 6 by unknown: key `k3` became active in the place of key `k2`",
            "1970-01-01T00:00:00.030Z ring `payments` 7 by unknown: key `k4` became active in the place of key `k3`",
            "1970-01-01T00:00:00.000Z ring `payments` 10 by unknown: key `k6` was added",
        ]
    );
    let tags: std::collections::HashSet<u64> =
        events.iter().map(|event| event.revision.tag).collect();
    assert_eq!(tags.len(), events.len(), "tags are drawn");
    assert_eq!(events.last().map(|event| event.revision), Some(head));
    assert!(matches!(store.load(head).await.unwrap(), Loaded::Unchanged { .. }));
}

async fn changes<D: TestDatabase>(version_1: Version1) {
    let (database, store) = left::<D>(version_1).await;
    migrate(&database.pool().await).await.unwrap();
    let service = RotationService::new(store.clone(), StrictSingleActive);
    assert!(matches!(service.rotate_to("k5", at(50)).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.retire("k4", at(60)).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.destroy("k2", at(70)).await.unwrap(), Outcome::Done(_)));
    let snapshot = loaded(&store).await;
    let k4 = snapshot.records.iter().find(|record| record.info.id == *"k4").unwrap();
    let times = Times {
        created_at: Some(at(14)),
        activated_at: Some(at(30)),
        deactivated_at: Some(at(50)),
        retired_at: Some(at(60)),
        ..Times::default()
    };
    assert_eq!((k4.info.times, k4.info.deactivated_in), (times, 11));
    assert_eq!(snapshot.destroyed.len(), 2);
    // The database still takes no second active key.
    let second = "UPDATE key_rotation_keys SET status = 'active' WHERE id = 'k3'";
    let error = database.carry_out(second).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation(), "{error:?}");
}

/// No change revokes a key in a store yet. The tables and the reader are ready for one.
async fn revoked<D: TestDatabase>(version_1: Version1) {
    let (database, store) = left::<D>(version_1).await;
    migrate(&database.pool().await).await.unwrap();
    let revoke = "UPDATE key_rotation_keys SET status = 'revoked', revoked_at = 50, counted = 1 \
        WHERE id = 'k2'";
    database.carry_out(revoke).await.unwrap();
    let ring = loaded(&store).await.into_keyring().unwrap();
    assert!(ring.get("k2").unwrap().info().counted);
    let error = ring.decryption_key("k2").unwrap_err();
    assert!(
        matches!(error, DecryptionKeyError::KeyRevoked { at: Some(since), .. } if since == at(50)),
        "{error:?}"
    );
    let unheard_of = "UPDATE key_rotation_keys SET status = 'lost' WHERE id = 'k2'";
    let error = database.carry_out(unheard_of).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_check_violation(), "{error:?}");
}
