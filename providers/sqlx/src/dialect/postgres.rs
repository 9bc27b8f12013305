//! PostgreSQL.

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{PgConnection, Postgres, Row, SqlSafeStr};

use super::{Backend, Dialect, Value, query};
use crate::row::StoredRow;

/// `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";

impl Backend for Postgres {}

impl Dialect for Postgres {
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    // Named, because the default may be set to another: rows are read after the ring's row is
    // locked, and must be as the last writer left them.
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const HAS_SCHEMA: &'static str =
        "SELECT (to_regclass('key_rotation_migrations') IS NOT NULL)::int::bigint";
    const LOCK_REVISION: &'static str =
        "SELECT revision FROM key_rotation_rings WHERE ring = $1 FOR UPDATE";
    // The number is any that others are unlikely to use.
    const LOCK_MIGRATIONS: Option<&'static str> =
        Some("SELECT 1::bigint FROM pg_advisory_xact_lock(7741035520923411)");
    const ANNOUNCE: Option<&'static str> =
        Some("SELECT 1::bigint FROM pg_notify('key_rotation', $1)");

    fn migrations() -> Vec<Migration> {
        let first = include_str!("../../migrations/postgres/0001_rings_and_keys.sql");
        vec![Migration::new(
            1,
            "rings and keys".into(),
            MigrationType::Simple,
            first.into_sql_str(),
            false,
        )]
    }

    fn is_read_only(error: &sqlx::Error) -> bool {
        error
            .as_database_error()
            .and_then(|error| error.code())
            .is_some_and(|code| code == READ_ONLY)
    }

    async fn number(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Option<i64>> {
        let row = query::<Self>(statement, values).fetch_optional(connection).await?;
        row.map(|row| row.try_get(0)).transpose()
    }

    async fn rows(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Vec<StoredRow>> {
        let rows = query::<Self>(statement, values).fetch_all(connection).await?;
        rows.iter().map(StoredRow::read).collect()
    }

    async fn execute(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64> {
        Ok(query::<Self>(statement, values).execute(connection).await?.rows_affected())
    }
}
