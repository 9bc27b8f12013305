//! [`SqlxKeyProvider`]: a ring in a database.

use std::fmt;

use key_rotation::KeyProvider;
use key_rotation::store::{
    Commit, CommitError, Events, History, Loaded, Proposal, Revision, RingName,
};
use sqlx::Pool;

use crate::commit::Target;
use crate::dialect::Backend;
use crate::error::Error;
use crate::rings::SqlxRings;
use crate::schema_name::SchemaName;
use crate::wrapped::WrappedKey;
use crate::{commit, load, schema};

/// One ring in a database, through the application's own pool.
///
/// A commit is one transaction: it locks the ring, compares the revision, writes the change and its
/// event, and announces itself. It reads and writes the rows that the change needs, however many the
/// ring has. A partial unique index keeps any program, and any hand, from storing a second active
/// key. A load sees one revision and never half a change; one that finds nothing new is one
/// statement.
///
/// Several providers may share a pool, each for a ring of its own; a provider clones as its pool
/// does.
///
/// # Dropped futures
///
/// A future of this provider may be dropped at every await, as a timeout does. It costs the pool at
/// most the connection that it had: unless its transaction has ended, the connection is closed and
/// does not come back. An SQLite database in memory is gone with its last connection.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, RotationService, StrictSingleActive, Timestamp};
/// use key_rotation_sqlx::{SqlxKeyProvider, WrappedKey, migrate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
/// # let pool = options.connect("sqlite::memory:").await?;
/// migrate(&pool).await?;
/// let store = SqlxKeyProvider::new(pool, "payments".parse()?);
/// let service = RotationService::new(store, StrictSingleActive);
///
/// let now = Timestamp::now();
/// let wrapped = WrappedKey::new(b"what the KMS gave".as_slice())?;
/// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), wrapped, now), now).await?;
/// assert_eq!(ring.active().id().as_str(), "k1");
/// # Ok(()) }
/// ```
pub struct SqlxKeyProvider<DB: Backend> {
    pub(crate) rings: SqlxRings<DB>,
    pub(crate) ring: RingName,
}

impl<DB: Backend> SqlxKeyProvider<DB> {
    /// Makes the provider of the ring of this name, in the usual schema: `public` in PostgreSQL,
    /// `main` in SQLite. The ring need not exist: it is empty until its first key is created.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation_sqlx::SqlxKeyProvider;
    ///
    /// # fn example(pool: sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
    /// let payments = SqlxKeyProvider::new(pool.clone(), "payments".parse()?);
    /// let webhooks = SqlxKeyProvider::new(pool, "webhooks".parse()?);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn new(pool: Pool<DB>, ring: RingName) -> Self {
        SqlxRings::new(pool).ring(ring)
    }

    /// Makes the same for the tables of another schema, which must be there.
    #[must_use]
    pub fn in_schema(self, schema: SchemaName) -> Self {
        Self { rings: self.rings.in_schema(schema), ring: self.ring }
    }

    /// Returns the name of the ring.
    #[must_use]
    pub fn ring(&self) -> &RingName {
        &self.ring
    }

    /// The error; it says so if the tables are why.
    async fn explained(&self, error: Error) -> Error {
        let SqlxRings { pool, tables } = &self.rings;
        schema::explain(pool, &tables.statements, &self.ring, error).await
    }
}

impl<DB: Backend> KeyProvider for SqlxKeyProvider<DB> {
    type Material = WrappedKey;
    type Error = Error;

    async fn load(&self, seen: Revision) -> Result<Loaded<WrappedKey>, Error> {
        let SqlxRings { pool, tables } = &self.rings;
        match load::load(pool, &tables.statements, &self.ring, seen).await {
            Ok(loaded) => Ok(loaded),
            Err(error) => Err(self.explained(error).await),
        }
    }

    async fn commit(&self, proposal: &Proposal<WrappedKey>) -> Result<Commit, CommitError<Error>> {
        let SqlxRings { pool, tables } = &self.rings;
        let (statements, channel) = (&tables.statements, tables.channel.as_str());
        let target = Target { statements, ring: &self.ring, channel };
        match commit::commit(pool, &target, proposal).await {
            Err(CommitError::Refused(error)) => {
                Err(CommitError::Refused(self.explained(error).await))
            }
            answer => answer,
        }
    }

    fn erasure(&self) -> &'static str {
        DB::ERASURE
    }
}

impl<DB: Backend> History for SqlxKeyProvider<DB> {
    async fn history(&self, after: Revision) -> Result<Events, Error> {
        let SqlxRings { pool, tables } = &self.rings;
        match load::history(pool, &tables.statements, &self.ring, after).await {
            Ok(events) => Ok(events),
            Err(error) => Err(self.explained(error).await),
        }
    }
}

impl<DB: Backend> Clone for SqlxKeyProvider<DB> {
    fn clone(&self) -> Self {
        Self { rings: self.rings.clone(), ring: self.ring.clone() }
    }
}

/// Shows the ring, and nothing of where the database is.
impl<DB: Backend> fmt::Debug for SqlxKeyProvider<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlxKeyProvider").field("ring", &self.ring).finish_non_exhaustive()
    }
}
