//! Databases that hold what is no ring, or cannot be used: a typed error that names the ring and
//! the row, nothing changed, and never a part of a ring.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod support;

use std::process::ExitCode;

use key_rotation::error::{ChangeMismatch, EscapedText, RotationError, Violation};
use key_rotation::key::Retirement;
use key_rotation::store::{Change, Commit, CommitError, Loaded, Revision};
use key_rotation::{
    Inactive, Key, KeyId, KeyProvider, KeyRecord, KeyRef, KeyStatus, Outcome, RotationService,
    StrictSingleActive, Timestamp,
};
use key_rotation_sqlx::{
    Backend, Error, MigrationProblem, RowProblem, SqlxKeyProvider, WrappedKey, migrate,
};
use libtest_mimic::Trial;
use support::trials::{run, trial};
use support::{
    PostgresDatabase, SqliteFile, TestDatabase, loaded, new_ring, proposal, revision, ring_name,
    wrapped,
};

fn main() -> ExitCode {
    let mut trials = of::<SqliteFile>("sqlite");
    trials.extend(of::<PostgresDatabase>("postgres"));
    trials.extend([
        trial("sqlite::texts_that_are_no_utf_8", not_utf_8),
        trial("sqlite::keys_without_types", || {
            untyped::<SqliteFile>("k2", UNTYPED_KEYS, "created_at")
        }),
        trial("sqlite::rings_without_types", || {
            untyped::<SqliteFile>("payments", UNTYPED_RINGS, "revision")
        }),
    ]);
    run(trials)
}

fn of<D: TestDatabase>(name: &str) -> Vec<Trial> {
    vec![
        trial(format!("{name}::no_schema"), no_schema::<D>),
        trial(format!("{name}::no_ring"), no_ring::<D>),
        trial(format!("{name}::unknown_schema"), unknown_schema::<D>),
        trial(format!("{name}::old_schema"), old_schema::<D>),
        trial(format!("{name}::a_stray_hand_cannot_store_two_active_keys"), one_active::<D>),
        trial(format!("{name}::two_active_keys"), two_active_keys::<D>),
        trial(format!("{name}::no_active_key"), no_active_key::<D>),
        trial(format!("{name}::deleted_rows_are_no_cold_start"), deleted_rows::<D>),
        trial(format!("{name}::a_lost_row_is_seen_and_its_id_is_not_free"), lost_row::<D>),
        trial(format!("{name}::a_renamed_row_is_named"), renamed_row::<D>),
        trial(format!("{name}::rows_of_a_creation_are_missed_too"), renamed_row_of_many::<D>),
        trial(format!("{name}::rows_that_no_key_has"), garbage::<D>),
        trial(format!("{name}::a_revision_of_no_commit"), another_revision::<D>),
        trial(format!("{name}::a_change_that_leaves_no_ring"), no_ring_after::<D>),
        trial(format!("{name}::read_only"), read_only::<D>),
        trial(format!("{name}::closed"), closed::<D>),
        trial(format!("{name}::migrated_by_many_at_once"), migrated_by_many::<D>),
    ]
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

fn create(id: &str) -> Change<WrappedKey> {
    let records = vec![KeyRef::from(&key(id).activate(at(50))).to_record()];
    Change::Create { records, destroyed: vec![] }
}

fn retire(id: &str) -> Change<WrappedKey> {
    Change::Retire { retirement: Retirement::new(id.parse().unwrap(), at(50)), material: None }
}

/// A ring `payments` with k1 active, k2 staged and k3 retired, and beside it a sound ring `other`.
async fn ring<D: TestDatabase>() -> (D, SqlxKeyProvider<D::Backend>) {
    let (database, store) = new_ring::<D>("payments").await;
    let other = SqlxKeyProvider::new(database.pool().await, ring_name("other"));
    let _ = service(other).bootstrap(key("k1"), at(20)).await.unwrap();
    let service = service(store.clone());
    let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
    assert!(matches!(service.add(key("k2"), at(20)).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.add(key("k3"), at(20)).await.unwrap(), Outcome::Done(_)));
    assert!(matches!(service.retire("k3", at(30)).await.unwrap(), Outcome::Done(_)));
    (database, store)
}

/// The ring does not load, and neither takes a change; the other ring goes on.
async fn is_refused<D: TestDatabase>(
    database: &D,
    store: &SqlxKeyProvider<D::Backend>,
    expected: impl Fn(&Error) -> bool,
) -> String {
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    assert!(expected(&error), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("`payments`"), "{text}");

    assert!(std::error::Error::source(&error).is_none(), "said twice: {error:?}");

    // A commit reads what it needs. It meets the damage, or sees that the ring is not empty.
    match store.commit(&proposal(Revision::EMPTY, create("k9"))).await {
        Err(CommitError::Refused(error)) => assert!(expected(&error), "{error:?}"),
        Ok(Commit::Conflict) => {}
        other => panic!("{other:?}"),
    }
    let error = service(store.clone()).bootstrap(key("k9"), at(50)).await.unwrap_err();
    assert!(matches!(&error, RotationError::Provider(error) if expected(error)), "{error:?}");
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    assert!(expected(&error), "nothing is changed: {error:?}");

    let other = SqlxKeyProvider::new(database.pool().await, ring_name("other"));
    assert_eq!(service(other).keyring().await.unwrap().active().id().as_str(), "k1");
    text
}

async fn no_schema<D: TestDatabase>() {
    let database = D::create().await;
    let store = SqlxKeyProvider::new(database.pool().await, ring_name("payments"));
    let refused = store.commit(&proposal(Revision::EMPTY, create("k1"))).await.unwrap_err();
    let CommitError::Refused(refused) = refused else { panic!("{refused:?}") };
    for error in [
        store.load(Revision::EMPTY).await.unwrap_err(),
        store.load(Revision::new(1, 1)).await.unwrap_err(),
        refused,
    ] {
        assert!(matches!(error, Error::NoSchema { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the database has no tables for ring `payments`: run `key_rotation_sqlx::migrate` on it"
        );
    }
}

async fn no_ring<D: TestDatabase>() {
    let (_database, store) = new_ring::<D>("payments").await;
    assert!(loaded(&store).await.is_empty());
    let error = service(store).keyring().await.unwrap_err();
    assert!(matches!(error, RotationError::EmptyStore));
}

async fn unknown_schema<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    database
        .by_hand(
            "INSERT INTO key_rotation_migrations \
             (version, description, success, checksum, execution_time) \
             SELECT 7, 'from the future', success, checksum, 0 FROM key_rotation_migrations WHERE version = 1",
        )
        .await
        .unwrap();
    for seen in [Revision::EMPTY, Revision::new(1, 1)] {
        let error = store.load(seen).await.unwrap_err();
        assert!(matches!(error, Error::UnknownSchema { found: 7, known: 3, .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the tables of ring `payments` are of version 7, and this library knows version 3: \
             update this program"
        );
    }
    let error = migrate(&database.pool().await).await.unwrap_err();
    assert!(matches!(error, Error::Migration(MigrationProblem::Unknown(7))), "{error:?}");
    // The refused migration holds nothing that a second would wait for.
    assert!(migrate(&database.pool().await).await.is_err());
    database.by_hand("DELETE FROM key_rotation_migrations WHERE version = 7").await.unwrap();
    assert_eq!(loaded(&store).await.records.len(), 3);
}

async fn old_schema<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    database.by_hand("DELETE FROM key_rotation_migrations WHERE version = 3").await.unwrap();
    let error = store.load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::UnknownSchema { found: 2, known: 3, .. }), "{error:?}");
    assert!(error.to_string().ends_with("run `key_rotation_sqlx::migrate`"));
}

const SECOND_ACTIVE: &str =
    "UPDATE key_rotation_keys SET status = 'active' WHERE ring = 'payments' AND id = 'k2'";

async fn one_active<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let error = database.by_hand(SECOND_ACTIVE).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation(), "{error:?}");
    assert_eq!(loaded(&store).await.records.len(), 3);
}

async fn two_active_keys<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    database.by_hand("DROP INDEX key_rotation_one_active_key").await.unwrap();
    database.by_hand(SECOND_ACTIVE).await.unwrap();
    let ids = [KeyId::from_static("k1"), KeyId::from_static("k2")];
    let text = is_refused(&database, &store, |error| {
        matches!(error, Error::InvalidRing { reason, .. } if reason.violations().iter().any(
            |violation| matches!(violation, Violation::MultipleActiveKeys { ids: found } if *found == ids)
        ))
    })
    .await;
    assert!(text.contains("`k1`") && text.contains("`k2`"), "{text}");
}

async fn no_active_key<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    database
        .by_hand(
            "UPDATE key_rotation_keys SET status = 'inactive' \
             WHERE ring = 'payments' AND id = 'k1'",
        )
        .await
        .unwrap();
    is_refused(&database, &store, |error| {
        matches!(error, Error::InvalidRing { reason, .. }
            if reason.violations() == [Violation::NoActiveKey])
    })
    .await;
}

async fn deleted_rows<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    database.by_hand("DELETE FROM key_rotation_keys WHERE ring = 'payments'").await.unwrap();
    let text =
        is_refused(&database, &store, |error| is_other_ids(error, &["k1", "k2", "k3"], &[])).await;
    assert_eq!(
        text,
        "ring `payments`: row `k1`, `k2`, `k3` was deleted, hidden or renamed: restore rings, keys \
         and events from one backup"
    );
}

/// A row that is deleted, hidden or renamed under an unchanged revision is seen by the next poll,
/// and its id is not free.
async fn lost_row<D: TestDatabase>() {
    for by_hand in [
        "DELETE FROM key_rotation_keys WHERE ring = 'payments' AND id = 'k2'",
        "UPDATE key_rotation_keys SET ring = 'other' WHERE ring = 'payments' AND id = 'k2'",
    ] {
        let lost = |error: &Error| is_other_ids(error, &["k2"], &[]);
        let (database, store) = ring::<D>().await;
        let seen = revision(&store).await;
        assert!(matches!(store.load(seen).await.unwrap(), Loaded::Unchanged { .. }));
        database.by_hand(by_hand).await.unwrap();
        for seen in [seen, Revision::EMPTY] {
            let error = store.load(seen).await.unwrap_err();
            assert!(lost(&error), "{error:?}");
        }
        is_not_free(&store, seen, "k2", lost).await;
    }
}

/// An id is neither free by the service, which loads the ring, nor by a commit on its own.
async fn is_not_free<DB: Backend>(
    store: &SqlxKeyProvider<DB>,
    seen: Revision,
    id: &str,
    expected: impl Fn(&Error) -> bool,
) {
    let error = service(store).add(key(id), at(60)).await.unwrap_err();
    assert!(matches!(&error, RotationError::Provider(error) if expected(error)), "{error:?}");
    let change = Change::Add(KeyRef::from(&key(id)).to_record());
    match store.commit(&proposal(seen, change)).await {
        Err(CommitError::Refused(Error::OtherIds { reason, .. })) => {
            assert_eq!(reason.lost(), [id.parse::<KeyId>().unwrap()]);
        }
        other => panic!("{other:?}"),
    }
}

/// An id that was changed by hand leaves the number of rows as it is. The next load that reads the
/// rows says which it was, and the old id is not free.
async fn renamed_row<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let seen = revision(&store).await;
    let by_hand = "UPDATE key_rotation_keys SET id = 'x2' WHERE ring = 'payments' AND id = 'k2'";
    database.by_hand(by_hand).await.unwrap();
    let renamed = |error: &Error| is_other_ids(error, &["k2"], &["x2"]);
    let text = is_refused(&database, &store, renamed).await;
    assert_eq!(
        text,
        "ring `payments`: row `k2` was deleted, hidden or renamed, and row `x2` was put in or \
         renamed by hand: restore rings, keys and events from one backup"
    );
    is_not_free(&store, seen, "k2", renamed).await;
}

/// The same of keys that came in one commit.
async fn renamed_row_of_many<D: TestDatabase>() {
    let (database, store) = new_ring::<D>("payments").await;
    let records = ["a", "k%", "k_2", "k_22"].map(|id| KeyRef::from(&key(id)).to_record());
    let first = KeyRef::from(&key("first").activate(at(50))).to_record();
    let records = std::iter::once(first).chain(records).collect();
    let create = proposal(Revision::EMPTY, Change::Create { records, destroyed: vec![] });
    assert_eq!(store.commit(&create).await.unwrap(), Commit::Committed);
    let by_hand = "DELETE FROM key_rotation_keys WHERE id IN ('k_2', 'first')";
    database.by_hand(by_hand).await.unwrap();
    let lost = |error: &Error| is_other_ids(error, &["first", "k_2"], &[]);
    for id in ["k_2", "first"] {
        is_not_free(&store, create.next, id, lost).await;
    }
    // What only looks like a lost id is free.
    let change = Change::Add(KeyRef::from(&key("k_")).to_record());
    assert_eq!(store.commit(&proposal(create.next, change)).await.unwrap(), Commit::Committed);
}

fn is_other_ids(error: &Error, lost: &[&str], unknown: &[&str]) -> bool {
    let Error::OtherIds { reason, .. } = error else { return false };
    let texts = |ids: &[KeyId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    texts(reason.lost()) == lost && texts(reason.unknown()) == unknown
}

async fn garbage<D: TestDatabase>() {
    type Expected = fn(&RowProblem) -> bool;
    let cases: [(&str, &str, Expected); 12] = [
        ("id = 'no id'", "no id", |problem| matches!(problem, RowProblem::Id(_))),
        ("id = ''", "", |problem| matches!(problem, RowProblem::Id(_))),
        ("status = 'ACTIVE'", "k2", |problem| matches!(problem, RowProblem::Status(_))),
        ("status = 'primary'", "k2", |problem| matches!(problem, RowProblem::Status(_))),
        ("created_at = -1", "k2", |problem| {
            matches!(problem, RowProblem::Time { column: "created_at", millis: -1 })
        }),
        ("activated_at = 253402300800000", "k2", |problem| {
            matches!(
                problem,
                RowProblem::Time { column: "activated_at", millis: 253_402_300_800_000 }
            )
        }),
        ("added_at = -5", "k2", |problem| {
            matches!(problem, RowProblem::Time { column: "added_at", millis: -5 })
        }),
        ("added_in = -1", "k2", |problem| {
            matches!(problem, RowProblem::Column { column: "added_in" })
        }),
        ("used = 2", "k2", |problem| matches!(problem, RowProblem::Column { column: "used" })),
        ("material = NULL", "k2", |problem| matches!(problem, RowProblem::NoMaterial)),
        ("status = 'destroyed', destroyed_at = 50", "k2", |problem| {
            matches!(problem, RowProblem::MaterialOfTombstone)
        }),
        ("status = 'destroyed', material = NULL", "k2", |problem| {
            matches!(problem, RowProblem::Column { column: "destroyed_at" })
        }),
    ];
    for (assignment, row_named, expected) in cases {
        let (database, store) = ring::<D>().await;
        let seen = revision(&store).await;
        let by_hand = format!(
            "UPDATE key_rotation_keys SET {assignment} WHERE ring = 'payments' AND id = 'k2'"
        );
        database.by_hand(&by_hand).await.unwrap();
        // Where the row cannot be read, a change of its key is refused; where its id is another,
        // the key is not there.
        match store.commit(&proposal(seen, retire("k2"))).await {
            Err(CommitError::Refused(Error::Row { reason, .. })) => assert!(expected(&reason)),
            Err(CommitError::Mismatch(ChangeMismatch::KeyNotFound { .. })) => {}
            other => panic!("{assignment}: {other:?}"),
        }
        let text = is_refused(
            &database,
            &store,
            |error| matches!(error, Error::Row { reason, .. } if expected(reason)),
        )
        .await;
        assert!(text.contains(&format!("row `{row_named}`")), "{text}");
    }

    let (database, store) = ring::<D>().await;
    database
        .by_hand("UPDATE key_rotation_rings SET revision = -3 WHERE ring = 'payments'")
        .await
        .unwrap();
    is_refused(&database, &store, |error| {
        matches!(
            error,
            Error::Row { reason: RowProblem::Number { column: "revision", number: -3 }, .. }
        )
    })
    .await;
}

/// Only SQLite stores such a text.
async fn not_utf_8() {
    for (assignment, row_named) in
        [("id = CAST(x'6bff' AS TEXT)", "k\u{fffd}"), ("status = CAST(x'ff' AS TEXT)", "k2")]
    {
        let (database, store) = ring::<SqliteFile>().await;
        let by_hand = format!(
            "UPDATE key_rotation_keys SET {assignment} WHERE ring = 'payments' AND id = 'k2'"
        );
        database.by_hand(&by_hand).await.unwrap();
        let text = is_refused(&database, &store, |error| {
            matches!(error, Error::Row { reason: RowProblem::Id(_) | RowProblem::Status(_), .. })
        })
        .await;
        let row_named = EscapedText::from(row_named);
        assert!(text.contains(&format!("row `{row_named}`")), "{text}");
    }
}

/// Tables that somebody has made anew without the types of ours.
async fn untyped<D: TestDatabase>(name: &'static str, make_anew: &str, column: &'static str) {
    let (database, store) = ring::<D>().await;
    database.by_hand(make_anew).await.unwrap();
    let text = is_refused(&database, &store, |error| {
        matches!(error, Error::Row { reason: RowProblem::Column { column: found }, .. } if *found == column)
    })
    .await;
    assert!(text.contains(&format!("row `{name}`: `{column}` has no value of its type")), "{text}");
}

const UNTYPED_KEYS: &str = "ALTER TABLE key_rotation_keys RENAME TO old; \
    CREATE TABLE key_rotation_keys AS SELECT * FROM old; \
    UPDATE key_rotation_keys SET created_at = 'then' WHERE ring = 'payments' AND id = 'k2'";
const UNTYPED_RINGS: &str = "ALTER TABLE key_rotation_rings RENAME TO old; \
    CREATE TABLE key_rotation_rings (ring TEXT PRIMARY KEY, revision, tag, ids, closed_at, changed); \
    INSERT INTO key_rotation_rings SELECT * FROM old; \
    UPDATE key_rotation_rings SET revision = 'four' WHERE ring = 'payments'";

/// The revision of the ring is that of its newest event, or somebody has been at one of them.
async fn another_revision<D: TestDatabase>() {
    for by_hand in [
        "UPDATE key_rotation_rings SET revision = 0 WHERE ring = 'payments'",
        "UPDATE key_rotation_rings SET revision = 3 WHERE ring = 'payments'",
        "UPDATE key_rotation_rings SET revision = 5 WHERE ring = 'payments'",
        "DELETE FROM key_rotation_rings WHERE ring = 'payments'",
        "DELETE FROM key_rotation_keys WHERE ring = 'payments'; \
         DELETE FROM key_rotation_rings WHERE ring = 'payments'",
        "DELETE FROM key_rotation_events WHERE ring = 'payments'",
    ] {
        let (database, store) = ring::<D>().await;
        database.by_hand(by_hand).await.unwrap();
        let text = is_refused(&database, &store, |error| {
            matches!(error, Error::Row { reason: RowProblem::RevisionMismatch { .. }, .. })
        })
        .await;
        assert!(text.contains("restore rings, keys and events from one backup"), "{text}");
    }
    let (database, store) = ring::<D>().await;
    let both = "DELETE FROM key_rotation_events WHERE ring = 'payments'; \
        DELETE FROM key_rotation_rings WHERE ring = 'payments'";
    database.by_hand(both).await.unwrap();
    is_refused(&database, &store, |error| {
        matches!(error, Error::Row { reason: RowProblem::NoRevision, .. })
    })
    .await;
    // A tag that is another is another history.
    let (database, store) = ring::<D>().await;
    let tag = "UPDATE key_rotation_rings SET tag = 12345 WHERE ring = 'payments'";
    database.by_hand(tag).await.unwrap();
    is_refused(&database, &store, |error| {
        matches!(error, Error::Row { reason: RowProblem::RevisionMismatch { .. }, .. })
    })
    .await;
}

async fn no_ring_after<D: TestDatabase>() {
    let (_database, store) = new_ring::<D>("payments").await;
    let (id, material) = (KeyId::from_static("k1"), wrapped(b"k1"));
    let staged = KeyRecord::new(id, KeyStatus::Inactive, at(10), material).staged();
    let error = store.commit(&proposal(Revision::EMPTY, Change::Add(staged))).await.unwrap_err();
    assert!(matches!(error, CommitError::Mismatch(_)), "{error:?}");
    assert!(loaded(&store).await.is_empty());
}

async fn read_only<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let reader = SqlxKeyProvider::new(database.read_only_pool().await, ring_name("payments"));
    let service = service(reader);
    assert_eq!(service.keyring().await.unwrap().active().id().as_str(), "k1");
    let error = service.rotate_to("k2", at(40)).await.unwrap_err();
    assert!(
        matches!(&error, RotationError::Rejected { id: Some(id), source: Error::ReadOnly { .. }, .. }
            if id.as_str() == "k2"),
        "{error:?}"
    );
    assert_eq!(revision(&store).await.number, 4);
}

async fn closed<D: TestDatabase>() {
    let (database, store) = ring::<D>().await;
    let pool = database.pool().await;
    let gone = SqlxKeyProvider::new(pool.clone(), ring_name("payments"));
    assert!(gone.load(Revision::EMPTY).await.is_ok());
    pool.close().await;
    let error = gone.load(Revision::EMPTY).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    let error = service(gone).rotate_to("k2", at(40)).await.unwrap_err();
    assert!(matches!(error, RotationError::Provider(Error::Database { .. })), "{error:?}");

    let seen = revision(&store).await;
    let error = store.commit(&proposal(seen, retire("k1"))).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::Mismatch(ChangeMismatch::WrongStatus { .. })),
        "{error:?}"
    );
    assert_eq!(revision(&store).await.number, 4);
}

async fn migrated_by_many<D: TestDatabase>() {
    let database = D::create().await;
    let mut pools = Vec::new();
    for _ in 0..8 {
        pools.push(database.pool().await);
    }
    let running: Vec<_> = pools.into_iter().map(|pool| tokio::spawn(migrated(pool))).collect();
    for migrated in running {
        migrated.await.unwrap();
    }
}

async fn migrated<DB: Backend>(pool: sqlx::Pool<DB>) {
    migrate(&pool).await.unwrap();
    let store = SqlxKeyProvider::new(pool, ring_name("payments"));
    assert!(loaded(&store).await.is_empty());
}
