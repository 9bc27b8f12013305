//! The tables: how they are made, and whether they are those that this library knows.

use std::borrow::Cow;

use sqlx::Pool;
use sqlx::migrate::Migrator;

use crate::dialect::{Backend, Dialect};
use crate::error::Error;
use crate::ring_name::RingName;

const TABLE: &str = "key_rotation_migrations";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM key_rotation_migrations WHERE success";

/// Makes the tables for rings in this database, or brings them up to date. Any number of processes
/// may do so at once, and it does nothing where there is nothing to do.
///
/// The tables are named `key_rotation_…`, that of the migrations too, so that they stand apart from
/// those of the application.
///
/// # Errors
///
/// [`Error::Migration`]: the database has failed, or has tables of a version that this library
/// does not know.
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
    Migrator {
        migrations: Cow::Owned(DB::migrations()),
        // The transaction holds the lock, and lets go of it also when a migration fails.
        locking: false,
        table_name: Cow::Borrowed(TABLE),
        ..Migrator::DEFAULT
    }
}

/// Whether the tables are those that this library reads and writes.
pub(crate) async fn check<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<(), Error> {
    let failed = Error::database::<DB>(ring);
    if DB::number(connection, DB::HAS_SCHEMA, &[]).await.map_err(&failed)? != Some(1) {
        return Err(Error::NoSchema { ring: ring.clone() });
    }
    let found = DB::number(connection, VERSION, &[]).await.map_err(&failed)?.unwrap_or(0);
    let known = DB::migrations().iter().map(|migration| migration.version).max().unwrap_or(0);
    if found == known {
        Ok(())
    } else {
        Err(Error::UnknownSchema { ring: ring.clone(), found, known })
    }
}
