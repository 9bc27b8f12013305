//! SQLite.

use sqlx::{Row, Sqlite};

use super::{Backend, Dialect, Value, query};
use crate::row::{BadRow, Stored};

/// `SQLITE_READONLY`, of which the extended codes carry the reason in the higher bits.
const READ_ONLY: u32 = 8;

impl Backend for Sqlite {}

impl Dialect for Sqlite {
    const BEGIN_READ: &'static str = "BEGIN";
    // Takes the write lock at once: a transaction that reads first and writes later could fail in
    // between.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const HAS_SCHEMA: &'static str = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'key_rotation_migrations'";
    // `SQLITE_ERROR`, of which this is one meaning.
    const NOT_THERE: &'static [&'static str] = &["1"];
    const LOCK_RING: Option<&'static str> = None;
    const LOCK_MIGRATIONS: Option<&'static str> = None;
    const ANNOUNCE: Option<&'static str> = None;
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[
        ("rings and keys", include_str!("../../migrations/sqlite/0001_rings_and_keys.sql")),
        (
            "events of a key's life",
            include_str!("../../migrations/sqlite/0002_events_of_a_keys_life.sql"),
        ),
    ];

    fn is_read_only(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        let code = code.and_then(|code| code.parse::<u32>().ok());
        code.is_some_and(|code| code & 0xff == READ_ONLY)
    }

    questions!();
}
