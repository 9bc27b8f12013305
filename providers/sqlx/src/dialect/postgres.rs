//! PostgreSQL.

use sqlx::{Postgres, Row, SqlStr};

use super::{Backend, Dialect, Value, query};
use crate::database_error::DatabaseError;
use crate::error::MigrationProblem;
use crate::row::{BadRow, FromStored};

/// `read_only_sql_transaction`, and `insufficient_privilege`: of a role that may only read.
const READ_ONLY: [&str; 2] = ["25006", "42501"];
/// Codes, and classes of codes, of what fails again: a missing database or schema, a limit of the
/// program, wrong data, a violated constraint, a revoked right, a wrong statement (PostgreSQL,
/// appendix A).
const REFUSALS: [&str; 12] =
    ["25006", "3D000", "3F000", "54000", "22", "23", "28", "42", "44", "0A", "0L", "0P"];
/// A `COMMIT` that fails so has been rolled back: a deadlock, a serialization failure, a deferred
/// constraint.
const ROLLED_BACK: [&str; 3] = ["40001", "40P01", "23"];

impl Backend for Postgres {}

impl Dialect for Postgres {
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    // Named, because the default may be set to another: rows are read after the ring's row is
    // locked, and must be as the last writer left them.
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const KEEPS_STATEMENTS: bool = false;
    const OWN: &'static str = "pg_catalog.";
    const OPERATOR: &'static str = "OPERATOR(pg_catalog.{})";
    const USUAL_SCHEMA: &'static str = "public";
    const NOW: &'static str =
        "{pg}floor(extract(epoch FROM {pg}clock_timestamp()) {*} 1000)::bigint";
    const CHANGE: &'static str = "{pg}pg_current_xact_id()";
    const CHANGED_SINCE: &'static str = "changed {>=} ($1::bigint)::{pg}text::{pg}xid8";
    // What is older is visible to everybody: a slow commit is not missed.
    const MARK: &'static str =
        "SELECT {pg}pg_snapshot_xmin({pg}pg_current_snapshot())::{pg}text::bigint";
    const HAS_TABLES: &'static str =
        "SELECT ({pg}to_regclass('{schema}.key_rotation_migrations') IS NOT NULL)::int::bigint";
    const NOT_THERE: &'static [&'static str] = &["42P01", "42703", "3F000"];
    // A statement of its own: one that waits here sees its other rows as they were before.
    const LOCK_RING: Option<&'static str> =
        Some("SELECT revision FROM {schema}.key_rotation_rings WHERE ring {=} $1 FOR UPDATE");
    // The number is any that others are unlikely to use.
    const LOCK_MIGRATIONS: Option<&'static str> =
        Some("SELECT {pg}pg_advisory_xact_lock(7741035520923411)");
    // Temporary tables come first unless they are named.
    const ENTER_SCHEMA: Option<&'static str> =
        Some("SELECT {pg}set_config('search_path', $1 {||} ', pg_temp', true)");
    // One that is not there, or that the role may not use, is passed over, and the tables would be
    // temporary.
    const IS_ENTERED: &'static str =
        "SELECT coalesce(({pg}current_schema()::{pg}text {=} $1)::int::bigint, 0)";
    const SHADOWS: Option<&'static str> = None;
    const ANNOUNCE: Option<&'static str> = Some("SELECT {pg}pg_notify($1, $2)");
    const ERASURE: &'static str = "PostgreSQL keeps the bytes of a destroyed key in the table until \
        it is vacuumed, and in its log and backups after that: to be sure, destroy the wrapping key";
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[
        ("rings and keys", include_str!("../../migrations/postgres/0001_rings_and_keys.sql")),
        (
            "events of a key's life",
            include_str!("../../migrations/postgres/0002_events_of_a_keys_life.sql"),
        ),
        ("history", include_str!("../../migrations/postgres/0003_history.sql")),
    ];

    fn not_entered() -> MigrationProblem {
        MigrationProblem::Database(DatabaseError::no_schema())
    }

    fn is_read_only(error: &DatabaseError) -> bool {
        error.code().is_some_and(|code| READ_ONLY.contains(&code))
    }

    fn is_refusal(error: &DatabaseError) -> bool {
        begins_with_one_of(error, &REFUSALS)
    }

    fn nothing_is_committed(error: &DatabaseError) -> bool {
        begins_with_one_of(error, &ROLLED_BACK)
    }

    questions!();
}

fn begins_with_one_of(error: &DatabaseError, codes: &[&str]) -> bool {
    // Every code of PostgreSQL has five characters.
    error.code().is_some_and(|code| code.len() == 5 && codes.iter().any(|c| code.starts_with(c)))
}
