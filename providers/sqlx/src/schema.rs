//! The tables: how they are made, and whether they are those that this library knows.

use std::borrow::Cow;

use key_rotation::store::RingName;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, Pool, SqlSafeStr};

use crate::dialect::{Backend, Dialect, Value};
use crate::error::{Error, MigrationProblem};
use crate::lent::Lent;
use crate::rings::{SqlxRings, Tables};
use crate::statements::Statements;

/// The version that this library reads and writes: that of the last migration.
const KNOWN: i64 = 3;
const TABLE: &str = "key_rotation_migrations";

/// Makes the tables for rings in this database, or brings them up to date. Any number of processes
/// may do so at once. Where there is nothing to do it only reads: it takes no lock, and needs no
/// right to make tables.
///
/// The tables are named `key_rotation_…`, that of the migrations too, so that they stand apart from
/// those of the application.
///
/// # Errors
///
/// [`Error::Migration`]: the database has failed, or has tables of a version that this library
/// does not know.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
/// key_rotation_sqlx::migrate(&pool).await?;
/// # Ok(()) }
/// ```
pub async fn migrate<DB: Backend>(pool: &Pool<DB>) -> Result<(), Error> {
    SqlxRings::new(pool.clone()).migrate().await
}

/// Makes the tables of one schema, or brings them up to date.
pub(crate) async fn migrate_tables<DB: Backend>(
    pool: &Pool<DB>,
    tables: &Tables,
) -> Result<(), MigrationProblem> {
    if installed(pool, &tables.statements).await? == Some(KNOWN) {
        return Ok(());
    }
    let mut lent = Lent::take(pool).await?;
    // One transaction of sqlx's, in which each migration is a savepoint.
    let mut transaction = lent.connection().begin_with(DB::BEGIN_WRITE).await?;
    match make_tables::<DB>(&mut transaction, tables).await {
        Ok(()) => transaction.commit().await?,
        Err(problem) => {
            // Waited for: others wait for the lock.
            transaction.rollback().await?;
            lent.give_back();
            return Err(problem);
        }
    }
    lent.give_back();
    Ok(())
}

async fn make_tables<DB: Backend>(
    connection: &mut DB::Connection,
    Tables { schema, statements, .. }: &Tables,
) -> Result<(), MigrationProblem> {
    if let Some(lock) = &statements.lock_migrations {
        DB::execute(connection, lock, &[]).await?;
    }
    let schema = [Value::Text(schema.as_str())];
    if let Some(enter) = &statements.enter_schema {
        DB::execute(connection, enter, &schema).await?;
    }
    if DB::numbers(connection, &statements.is_entered, &schema).await? != [Some(1)] {
        return Err(DB::not_entered());
    }
    if let Some(shadows) = DB::SHADOWS {
        let [shadows] = DB::numbers(connection, &shadows.into_sql_str(), &[]).await?;
        if shadows != Some(0) {
            return Err(MigrationProblem::Shadowed);
        }
    }
    Ok(migrator::<DB>().run_direct(None, connection, false).await?)
}

fn migrator<DB: Dialect>() -> Migrator {
    const { assert!(DB::MIGRATIONS.len() as i64 == KNOWN, "the last migration is the known version") };
    let migrations = (1..).zip(DB::MIGRATIONS).map(|(version, &(description, statements))| {
        let statements = statements.into_sql_str();
        Migration::new(version, description.into(), MigrationType::Simple, statements, false)
    });
    Migrator {
        migrations: migrations.collect(),
        // The transaction holds the lock, and lets go of it also when a migration fails.
        locking: false,
        table_name: Cow::Borrowed(TABLE),
        ..Migrator::DEFAULT
    }
}

/// The version of the tables; `None` where there are none.
async fn installed<DB: Backend>(
    pool: &Pool<DB>,
    statements: &Statements,
) -> sqlx::Result<Option<i64>> {
    let mut lent = Lent::begin(pool, DB::BEGIN_READ).await?;
    let version = version::<DB>(lent.connection(), statements).await;
    lent.roll_back().await;
    version
}

async fn version<DB: Backend>(
    connection: &mut DB::Connection,
    statements: &Statements,
) -> sqlx::Result<Option<i64>> {
    if DB::numbers(connection, &statements.has_tables, &[]).await? != [Some(1)] {
        return Ok(None);
    }
    let [version] = DB::numbers(connection, &statements.version, &[]).await?;
    Ok(version.or(Some(0)))
}

/// Checks that tables of this version are those that this library reads and writes.
pub(crate) fn check(ring: &RingName, version: Option<i64>) -> Result<(), Error> {
    match version.unwrap_or(0) {
        KNOWN => Ok(()),
        found => Err(Error::UnknownSchema { ring: ring.clone(), found, known: KNOWN }),
    }
}

/// Explains why a table or a column is not there: the tables are not those that this library knows.
/// Asked only then, because the question costs as much as what it spares.
pub(crate) async fn explain<DB: Backend>(
    pool: &Pool<DB>,
    statements: &Statements,
    ring: &RingName,
    error: Error,
) -> Error {
    let Error::Database { source, .. } = &error else { return error };
    if !source.code().is_some_and(|code| DB::NOT_THERE.contains(&code)) {
        return error;
    }
    match installed(pool, statements).await {
        Ok(None) => Error::NoSchema { ring: ring.clone() },
        Ok(version) => check(ring, version).err().unwrap_or(error),
        Err(_) => error,
    }
}
