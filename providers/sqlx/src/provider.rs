//! [`SqlxKeyProvider`]: a ring in a database.

use std::fmt;

use key_rotation::KeyProvider;
use key_rotation::store::{Change, Commit, Revision, Snapshot};
use sqlx::Pool;

use crate::dialect::Backend;
use crate::error::Error;
use crate::ring_name::RingName;
use crate::wrapped::WrappedKey;
use crate::{commit, load, schema};

/// One ring in a database, through the application's own pool.
///
/// A commit is one transaction: it locks the ring, compares the revision, writes the change and an
/// audit event, and announces itself. A partial unique index keeps any program, and any hand, from
/// storing a second active key. A load is one transaction too, so it sees one revision and never
/// half a change.
///
/// Several providers may share a pool, each for a ring of its own; a provider clones as its pool
/// does.
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
/// let wrapped = WrappedKey::new(b"what the KMS gave".as_slice());
/// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), wrapped, now), now).await?;
/// assert_eq!(ring.active().id().as_str(), "k1");
/// # Ok(()) }
/// ```
pub struct SqlxKeyProvider<DB: Backend> {
    pool: Pool<DB>,
    ring: RingName,
}

impl<DB: Backend> SqlxKeyProvider<DB> {
    /// Makes the provider of the ring of this name. It need not exist: it is empty until its first key is created.
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
        Self { pool, ring }
    }

    /// Returns the name of the ring.
    #[must_use]
    pub fn ring(&self) -> &RingName {
        &self.ring
    }

    /// Reads the revision of the ring, in one statement of three lookups by index: for a process
    /// that polls, and loads when it has grown. A ring without a first key is at [`Revision::EMPTY`].
    ///
    /// # Errors
    ///
    /// [`Error::NoSchema`], [`Error::UnknownSchema`], [`Error::Row`] and [`Error::Database`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::store::Revision;
    /// use key_rotation_sqlx::{Error, SqlxKeyProvider};
    ///
    /// # async fn example(store: SqlxKeyProvider<sqlx::Sqlite>, seen: Revision) -> Result<(), Error> {
    /// if store.revision().await? > seen {
    ///     println!("somebody has changed the ring");
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn revision(&self) -> Result<Revision, Error> {
        let revision = async {
            let connection = self.pool.acquire().await;
            let mut connection = connection.map_err(Error::database::<DB>(&self.ring))?;
            load::revision::<DB>(&mut connection, &self.ring).await
        };
        self.explained(revision.await).await
    }

    /// The answer; its error says so if the tables are why.
    async fn explained<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(schema::explain(&self.pool, &self.ring, error).await),
        }
    }
}

#[cfg(feature = "postgres")]
impl SqlxKeyProvider<sqlx::Postgres> {
    /// Listens to what PostgreSQL announces of this ring's commits, on a connection of its own, with
    /// the pool's options: none is taken from the pool.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation_sqlx::{Error, SqlxKeyProvider};
    ///
    /// # async fn example(store: SqlxKeyProvider<sqlx::Postgres>) -> Result<(), Error> {
    /// let mut commits = store.listen().await?;
    /// loop {
    ///     commits.next().await?;
    ///     println!("revision {}", store.revision().await?);
    /// #   break;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn listen(&self) -> Result<crate::CommitListener, Error> {
        crate::CommitListener::connect(&self.pool, &self.ring).await
    }
}

impl<DB: Backend> KeyProvider for SqlxKeyProvider<DB> {
    type Material = WrappedKey;
    type Error = Error;

    async fn load(&self) -> Result<Snapshot<WrappedKey>, Error> {
        self.explained(load::load(&self.pool, &self.ring).await).await
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<WrappedKey>,
    ) -> Result<Commit, Error> {
        let answer = commit::commit(&self.pool, &self.ring, expected, change).await;
        self.explained(answer).await
    }

    fn is_refusal(error: &Error) -> bool {
        error.is_refusal()
    }
}

impl<DB: Backend> Clone for SqlxKeyProvider<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), ring: self.ring.clone() }
    }
}

/// Shows the ring, and nothing of where the database is.
impl<DB: Backend> fmt::Debug for SqlxKeyProvider<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlxKeyProvider").field("ring", &self.ring).finish_non_exhaustive()
    }
}
