//! [`Backend`]: in what the databases differ.

use std::future::Future;

use sqlx::migrate::Migrate;
use sqlx::{Database, SqlStr};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sqlx::{Encode, Type, query::Query};

use crate::database_error::DatabaseError;
use crate::error::MigrationProblem;
use crate::row::{BadRow, FromStored};
use crate::schema_name::SchemaName;

/// The questions of [`Dialect`]. Their text is the same for each database, but sqlx puts what it
/// needs of one in bounds that only a named database meets.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
macro_rules! questions {
    () => {
        async fn control(
            connection: &mut Self::Connection,
            statement: &'static str,
        ) -> sqlx::Result<()> {
            sqlx::raw_sql(statement).execute(connection).await.map(drop)
        }

        async fn numbers<const N: usize>(
            connection: &mut Self::Connection,
            statement: &SqlStr,
            values: &[Value<'_>],
        ) -> sqlx::Result<[Option<i64>; N]> {
            let query = query::<Self>(statement, values).persistent(Self::KEEPS_STATEMENTS);
            let row = query.fetch_one(connection).await?;
            let mut numbers = [None; N];
            for (column, number) in numbers.iter_mut().enumerate() {
                *number = row.try_get(column)?;
            }
            Ok(numbers)
        }

        async fn marked_numbers<const N: usize>(
            connection: &mut Self::Connection,
            statement: &SqlStr,
            values: &[Value<'_>],
            mark: i64,
        ) -> sqlx::Result<Option<[Option<i64>; N]>> {
            let row = query::<Self>(statement, values).fetch_optional(connection).await?;
            // First: a row of another statement may have fewer columns, and sqlx panics there.
            let Some(row) = row.filter(|row| row.try_get(0).is_ok_and(|found: i64| found == mark))
            else {
                return Ok(None);
            };
            let mut numbers = [None; N];
            for (column, number) in numbers.iter_mut().enumerate() {
                *number = row.try_get(column)?;
            }
            Ok(Some(numbers))
        }

        async fn rows<T: FromStored + Send>(
            connection: &mut Self::Connection,
            statement: &SqlStr,
            values: &[Value<'_>],
        ) -> sqlx::Result<Result<Vec<T>, BadRow>> {
            let query = query::<Self>(statement, values).persistent(Self::KEEPS_STATEMENTS);
            let rows = query.fetch_all(connection).await?;
            Ok(rows.iter().map(T::read).collect())
        }

        async fn execute(
            connection: &mut Self::Connection,
            statement: &SqlStr,
            values: &[Value<'_>],
        ) -> sqlx::Result<u64> {
            let query = query::<Self>(statement, values).persistent(Self::KEEPS_STATEMENTS);
            Ok(query.execute(connection).await?.rows_affected())
        }
    };
}

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// A database that can keep a ring: `sqlx::Sqlite` or `sqlx::Postgres`.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyProvider;
/// use key_rotation::store::{Loaded, Revision};
/// use key_rotation_sqlx::{Backend, SqlxKeyProvider};
///
/// /// Works with either.
/// async fn newest<DB: Backend>(store: &SqlxKeyProvider<DB>) -> Option<Revision> {
///     match store.load(Revision::EMPTY).await.ok()? {
///         Loaded::Ring(snapshot) => Some(snapshot.revision),
///         _ => None,
///     }
/// }
/// ```
pub trait Backend: Dialect {}

/// The differences. Unnameable outside, so that the set of backends is closed.
#[expect(unnameable_types, reason = "a seal")]
pub trait Dialect: Database<Connection: Migrate> {
    /// Begins a transaction that reads one state of the database.
    const BEGIN_READ: &'static str;
    /// Begins a transaction that will write.
    const BEGIN_WRITE: &'static str;
    /// Whether a prepared statement stays where it was prepared. Where a pooler hands out another
    /// server for each transaction, the name of one means that of another program there: so only a
    /// transaction can rely on a statement, and only on one that it has prepared itself.
    const KEEPS_STATEMENTS: bool;
    /// What stands before the database's own functions, so that no other is called.
    const OWN: &'static str;
    /// The database's own operator `{}`.
    const OPERATOR: &'static str;
    /// The schema that every database has.
    const USUAL_SCHEMA: &'static str;
    /// The time in milliseconds, by a clock of the database; `NULL` where it has none.
    const NOW: &'static str;
    /// A mark for a ring that is changed now.
    const CHANGE: &'static str;
    /// Chooses the rings that were changed since the mark `$1`.
    const CHANGED_SINCE: &'static str;
    /// Selects the mark of now.
    const MARK: &'static str;
    /// Selects 1 if the table of migrations is there, and 0 if not.
    const HAS_TABLES: &'static str;
    /// The codes of errors that say that a table or a column is not there.
    const NOT_THERE: &'static [&'static str];
    /// Holds a ring against other writers until the transaction ends, where to begin does not.
    const LOCK_RING: Option<&'static str>;
    /// Holds off other migrations until the transaction ends.
    const LOCK_MIGRATIONS: Option<&'static str>;
    /// Makes a migration see the tables of the schema `$1` alone, until the transaction ends.
    const ENTER_SCHEMA: Option<&'static str>;
    /// Selects 1 if a migration makes its tables in the schema `$1`, and 0 if not.
    const IS_ENTERED: &'static str;
    /// Selects the number of temporary tables that a migration would take for its own.
    const SHADOWS: Option<&'static str>;
    /// Tells listeners of the ring, when the transaction is committed.
    const ANNOUNCE: Option<&'static str>;

    /// Says where the bytes of a destroyed key may still be read.
    const ERASURE: &'static str;

    /// The name of each migration, and its statements.
    const MIGRATIONS: &'static [(&'static str, &'static str)];

    /// The problem of a schema in which a migration would not make its tables.
    fn not_entered() -> MigrationProblem;

    /// Returns true if this answers a write where none is allowed.
    fn is_read_only(error: &DatabaseError) -> bool;

    /// Returns true if a statement that has failed so fails again, whenever it is sent.
    fn is_refusal(error: &DatabaseError) -> bool;

    /// Returns true if a `COMMIT` that has failed so has written nothing.
    fn nothing_is_committed(error: &DatabaseError) -> bool;

    /// Carries out a statement that begins or ends a transaction.
    fn control(
        connection: &mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Reads the numbers that a statement selects, in its one row. In a transaction: see
    /// [`Self::KEEPS_STATEMENTS`], here and below.
    fn numbers<const N: usize>(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<[Option<i64>; N]>> + Send;

    /// Reads the numbers that a prepared statement selects, outside a transaction; `None` if they are
    /// not those of a statement that selects this mark first.
    fn marked_numbers<const N: usize>(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        values: &[Value<'_>],
        mark: i64,
    ) -> impl Future<Output = sqlx::Result<Option<[Option<i64>; N]>>> + Send;

    /// Reads the rows that a statement selects.
    fn rows<T: FromStored + Send>(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<Result<Vec<T>, BadRow>>> + Send;

    /// Carries a statement out, and returns the number of rows that it has changed.
    fn execute(
        connection: &mut Self::Connection,
        statement: &SqlStr,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;
}

/// The channel on which PostgreSQL announces commits to the rings of a schema.
pub(crate) fn channel(schema: &SchemaName, usual: &str) -> String {
    if schema.as_str() == usual {
        String::from("key_rotation")
    } else {
        format!("key_rotation_{schema}")
    }
}

/// A value that is bound to a statement.
#[expect(unnameable_types, missing_debug_implementations, reason = "behind the seal")]
#[derive(Clone, Copy)]
pub enum Value<'v> {
    Text(&'v str),
    Integer(i64),
    MaybeText(Option<&'v str>),
    MaybeInteger(Option<i64>),
    Bytes(&'v [u8]),
}

/// A statement with its values.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn query<DB: Database>(
    statement: &SqlStr,
    values: &[Value<'_>],
) -> Query<'static, DB, DB::Arguments>
where
    i64: for<'v> Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v str>: Encode<'v, DB>,
    Option<i64>: for<'v> Encode<'v, DB>,
{
    values.iter().fold(sqlx::query(statement.clone()), |query, value| match *value {
        Value::Text(text) => query.bind(text),
        Value::Integer(integer) => query.bind(integer),
        Value::MaybeText(text) => query.bind(text),
        Value::MaybeInteger(integer) => query.bind(integer),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}
