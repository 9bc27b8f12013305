//! PostgreSQL.

use sqlx::{Postgres, Row};

use super::{Backend, Dialect, Value, query};
use crate::row::{BadRow, Stored};

/// `read_only_sql_transaction`, and `insufficient_privilege`: of a role that may only read.
const READ_ONLY: [&str; 2] = ["25006", "42501"];

impl Backend for Postgres {}

impl Dialect for Postgres {
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    // Named, because the default may be set to another: rows are read after the ring's row is
    // locked, and must be as the last writer left them.
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const HAS_SCHEMA: &'static str =
        "SELECT (to_regclass('key_rotation_migrations') IS NOT NULL)::int::bigint";
    const NOT_THERE: &'static [&'static str] = &["42P01", "42703"];
    // A statement of its own: one that waits here sees its other rows as they were before.
    const LOCK_RING: Option<&'static str> =
        Some("SELECT revision FROM key_rotation_rings WHERE ring = $1 FOR UPDATE");
    // The number is any that others are unlikely to use.
    const LOCK_MIGRATIONS: Option<&'static str> =
        Some("SELECT pg_advisory_xact_lock(7741035520923411)");
    const ANNOUNCE: Option<&'static str> = Some("SELECT pg_notify('key_rotation', $1)");
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[
        ("rings and keys", include_str!("../../migrations/postgres/0001_rings_and_keys.sql")),
        (
            "events of a key's life",
            include_str!("../../migrations/postgres/0002_events_of_a_keys_life.sql"),
        ),
    ];

    fn is_read_only(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| READ_ONLY.contains(&&*code))
    }

    questions!();
}
