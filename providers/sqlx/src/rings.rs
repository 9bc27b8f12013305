//! [`SqlxRings`]: the rings of a database.

use std::fmt;
use std::sync::Arc;

use key_rotation::store::{Changed, Mark, RingDirectory, RingHead, RingName};
use sqlx::{Pool, SqlStr};

use crate::dialect::{Backend, Value, channel};
use crate::error::Error;
use crate::lent::Lent;
use crate::provider::SqlxKeyProvider;
use crate::row::BadRow;
use crate::schema;
use crate::schema_name::SchemaName;
use crate::statements::Statements;

/// The rings in one schema of a database, through the application's own pool.
///
/// # Examples
///
/// ```
/// use key_rotation::store::{Mark, RingDirectory, RingName};
/// use key_rotation_sqlx::SqlxRings;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
/// # let pool = options.connect("sqlite::memory:").await?;
/// let rings = SqlxRings::new(pool);
/// rings.migrate().await?;
/// let payments = rings.ring(RingName::from_static("payments"));
///
/// for head in rings.changed_since(Mark::START).await?.rings {
///     println!("{} is at {}", head.ring, head.revision);
/// }
/// # Ok(()) }
/// ```
pub struct SqlxRings<DB: Backend> {
    pub(crate) pool: Pool<DB>,
    pub(crate) tables: Arc<Tables>,
}

/// The tables of one schema, and how they are spoken to.
pub(crate) struct Tables {
    pub(crate) schema: SchemaName,
    pub(crate) statements: Statements,
    pub(crate) channel: String,
}

impl<DB: Backend> SqlxRings<DB> {
    /// Makes the directory of the rings in the usual schema: `public` in PostgreSQL, `main` in
    /// SQLite.
    #[must_use]
    pub fn new(pool: Pool<DB>) -> Self {
        Self::of(pool, SchemaName::usual(DB::USUAL_SCHEMA))
    }

    /// Makes the same for the tables of another schema, which must be there.
    #[must_use]
    pub fn in_schema(self, schema: SchemaName) -> Self {
        Self::of(self.pool, schema)
    }

    fn of(pool: Pool<DB>, schema: SchemaName) -> Self {
        let statements = Statements::new::<DB>(&schema);
        let channel = channel(&schema, DB::USUAL_SCHEMA);
        Self { pool, tables: Arc::new(Tables { schema, statements, channel }) }
    }

    /// Makes the tables, or brings them up to date, as [`migrate`](crate::migrate) does.
    ///
    /// # Errors
    ///
    /// [`Error::Migration`].
    pub async fn migrate(&self) -> Result<(), Error> {
        schema::migrate_tables(&self.pool, &self.tables).await.map_err(Error::Migration)
    }

    /// Returns the provider of the ring of this name. The ring need not exist: it is empty until its
    /// first key is created.
    #[must_use]
    pub fn ring(&self, ring: RingName) -> SqlxKeyProvider<DB> {
        SqlxKeyProvider { rings: self.clone(), ring }
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        Error::Rings { schema: self.tables.schema.clone(), source: error.into() }
    }

    async fn heads(
        &self,
        connection: &mut DB::Connection,
        statement: &SqlStr,
        values: &[Value<'_>],
    ) -> Result<Vec<RingHead>, Error> {
        let schema = || self.tables.schema.clone();
        let heads = DB::rows::<RingHead>(connection, statement, values).await;
        let bad = |BadRow { row, reason }| Error::RingRow { schema: schema(), row, reason };
        let mut heads = heads.map_err(|error| self.failed(error))?.map_err(bad)?;
        heads.sort_by(|a, b| a.ring.cmp(&b.ring));
        Ok(heads)
    }

    /// Reads both as of one state: what is committed after it has a later mark.
    async fn changed(&self, connection: &mut DB::Connection, mark: Mark) -> Result<Changed, Error> {
        let Statements { mark: next, changed_rings, .. } = &self.tables.statements;
        let next = DB::numbers(connection, next, &[]).await;
        let [next] = next.map_err(|error| self.failed(error))?;
        let values = [Value::Integer(mark.number().cast_signed())];
        let rings = self.heads(connection, changed_rings, &values).await?;
        Ok(Changed { rings, mark: Mark::new(next.unwrap_or(0).cast_unsigned()) })
    }
}

#[cfg(feature = "postgres")]
impl SqlxRings<sqlx::Postgres> {
    /// Listens to what PostgreSQL announces of the commits to all these rings, on a connection of
    /// its own, with the pool's options: none is taken from the pool. One listener serves any number
    /// of providers.
    ///
    /// Through a pooler that hands out another server for each transaction it succeeds, and hears
    /// nothing: such a pooler does not know whom to tell. Listen on a connection to the server itself
    /// there, or through a pooler in session mode, or read now and then.
    ///
    /// # Errors
    ///
    /// [`Error::Rings`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation_sqlx::{Error, SqlxRings};
    ///
    /// # async fn example(rings: SqlxRings<sqlx::Postgres>) -> Result<(), Error> {
    /// let mut commits = rings.listen().await?;
    /// match commits.next().await? {
    ///     Some(commit) => println!("{} is at number {}", commit.ring, commit.number),
    ///     None => println!("the connection was lost: look at every ring"),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn listen(&self) -> Result<crate::CommitListener, Error> {
        crate::CommitListener::connect(&self.pool, Arc::clone(&self.tables)).await
    }
}

impl<DB: Backend> RingDirectory for SqlxRings<DB> {
    type Error = Error;

    async fn rings(&self) -> Result<Vec<RingHead>, Error> {
        let begun = Lent::begin(&self.pool, DB::BEGIN_READ).await;
        let mut lent = begun.map_err(|error| self.failed(error))?;
        let heads = self.heads(lent.connection(), &self.tables.statements.rings, &[]).await;
        lent.roll_back().await;
        heads
    }

    async fn changed_since(&self, mark: Mark) -> Result<Changed, Error> {
        let begun = Lent::begin(&self.pool, DB::BEGIN_READ).await;
        let mut lent = begun.map_err(|error| self.failed(error))?;
        let changed = self.changed(lent.connection(), mark).await;
        lent.roll_back().await;
        changed
    }
}

impl<DB: Backend> Clone for SqlxRings<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), tables: Arc::clone(&self.tables) }
    }
}

/// Shows the schema, and nothing of where the database is.
impl<DB: Backend> fmt::Debug for SqlxRings<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlxRings").field("schema", &self.tables.schema).finish_non_exhaustive()
    }
}
