//! SQLite.

use sqlx::{Row, SqlStr, Sqlite};

use super::{Backend, Dialect, Value, query};
use crate::database_error::DatabaseError;
use crate::error::MigrationProblem;
use crate::row::{BadRow, FromStored};

/// `SQLITE_READONLY`. Extended codes carry the reason in the higher bits, here and below.
const READ_ONLY: u32 = 8;
/// `SQLITE_CONSTRAINT`.
const CONSTRAINT: u32 = 19;
/// What fails again: `SQLITE_ERROR` (a missing table, a trigger that raises), `PERM`, `READONLY`,
/// `CORRUPT`, `TOOBIG`, `CONSTRAINT`, `MISMATCH`, `AUTH`, `NOTADB`.
const REFUSALS: [u32; 9] = [1, 3, READ_ONLY, 11, 18, CONSTRAINT, 20, 23, 26];
/// `SQLITE_BUSY` and `SQLITE_LOCKED`: the transaction is still open, and is rolled back.
const BUSY: [u32; 2] = [5, 6];

impl Backend for Sqlite {}

impl Dialect for Sqlite {
    const BEGIN_READ: &'static str = "BEGIN";
    // Takes the write lock at once: a transaction that reads first and writes later could fail in
    // between.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const KEEPS_STATEMENTS: bool = true;
    const OWN: &'static str = "";
    const OPERATOR: &'static str = "{}";
    const USUAL_SCHEMA: &'static str = "main";
    const NOW: &'static str = "NULL";
    const CHANGE: &'static str =
        "(SELECT coalesce(max(changed), 0) + 1 FROM {schema}.key_rotation_rings)";
    const CHANGED_SINCE: &'static str = "changed > $1";
    const MARK: &'static str = "SELECT coalesce(max(changed), 0) FROM {schema}.key_rotation_rings";
    const HAS_TABLES: &'static str = "SELECT count(*) FROM {schema}.sqlite_master \
        WHERE type = 'table' AND name = 'key_rotation_migrations'";
    // `SQLITE_ERROR`, of which this is one meaning.
    const NOT_THERE: &'static [&'static str] = &["1"];
    const LOCK_RING: Option<&'static str> = None;
    const LOCK_MIGRATIONS: Option<&'static str> = None;
    const ENTER_SCHEMA: Option<&'static str> = None;
    const IS_ENTERED: &'static str = "SELECT $1 = 'main'";
    const SHADOWS: Option<&'static str> = Some(
        "SELECT count(*) FROM sqlite_temp_master WHERE lower(name) LIKE 'key\\_rotation\\_%' ESCAPE '\\'",
    );
    const ANNOUNCE: Option<&'static str> = None;
    const ERASURE: &'static str = "SQLite keeps the bytes of a destroyed key in free pages, in the \
        `-wal` file and in backups, unless `secure_delete` is on: to be sure, destroy the wrapping key";
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[
        ("rings and keys", include_str!("../../migrations/sqlite/0001_rings_and_keys.sql")),
        (
            "events of a key's life",
            include_str!("../../migrations/sqlite/0002_events_of_a_keys_life.sql"),
        ),
        ("history", include_str!("../../migrations/sqlite/0003_history.sql")),
    ];

    fn not_entered() -> MigrationProblem {
        MigrationProblem::Attached
    }

    fn is_read_only(error: &DatabaseError) -> bool {
        is_one_of(error, &[READ_ONLY])
    }

    fn is_refusal(error: &DatabaseError) -> bool {
        is_one_of(error, &REFUSALS)
    }

    fn nothing_is_committed(error: &DatabaseError) -> bool {
        is_one_of(error, &BUSY) || is_one_of(error, &[CONSTRAINT])
    }

    questions!();
}

fn is_one_of(error: &DatabaseError, codes: &[u32]) -> bool {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| codes.contains(&(code & 0xff)))
}
