//! The tables: how they are made, and whether they are those that this library knows.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Pool, SqlSafeStr};

use crate::dialect::{Backend, Dialect};
use crate::error::Error;
use crate::ring_name::RingName;

/// The version that this library reads and writes: that of the last migration.
const KNOWN: i64 = 2;
const TABLE: &str = "key_rotation_migrations";
const VERSION: &str = "SELECT max(version) FROM key_rotation_migrations WHERE success";

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
    let failed = |error: sqlx::Error| Error::Migration(error.into());
    if installed(pool).await.map_err(failed)? == Some(KNOWN) {
        return Ok(());
    }
    // One transaction, in which each migration is a savepoint.
    let mut transaction = pool.begin_with(DB::BEGIN_WRITE).await.map_err(failed)?;
    match make_tables::<DB>(&mut transaction).await {
        Ok(()) => transaction.commit().await.map_err(failed),
        Err(error) => {
            // Waited for, as in `commit.rs`: others wait for the lock.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

async fn make_tables<DB: Backend>(connection: &mut DB::Connection) -> Result<(), Error> {
    if let Some(lock) = DB::LOCK_MIGRATIONS {
        let locked = DB::execute(connection, lock, &[]).await;
        locked.map_err(|error| Error::Migration(error.into()))?;
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
async fn installed<DB: Backend>(pool: &Pool<DB>) -> sqlx::Result<Option<i64>> {
    let mut connection = pool.acquire().await?;
    if DB::numbers(&mut connection, DB::HAS_SCHEMA, &[]).await? != [Some(1)] {
        return Ok(None);
    }
    let [version] = DB::numbers(&mut connection, VERSION, &[]).await?;
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
pub(crate) async fn explain<DB: Backend>(pool: &Pool<DB>, ring: &RingName, error: Error) -> Error {
    let Error::Database { source, .. } = &error else { return error };
    let code = source.as_database_error().and_then(|error| error.code());
    if !code.is_some_and(|code| DB::NOT_THERE.contains(&&*code)) {
        return error;
    }
    match installed(pool).await {
        Ok(None) => Error::NoSchema { ring: ring.clone() },
        Ok(version) => check(ring, version).err().unwrap_or(error),
        Err(_) => error,
    }
}
