//! [`CommitListener`]: what PostgreSQL announces.

use std::fmt;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::error::Error;
use crate::ring_name::RingName;

/// The channel of `NOTIFY`. The payload is the ring's name.
const CHANNEL: &str = "key_rotation";

/// Hears of the commits of a ring in PostgreSQL.
///
/// A hint to read again, and no more than that: an announcement carries no revision, may be about
/// the listener's own commit, and is lost where the connection is. So read the ring at the start,
/// at each hint, and now and then without one.
///
/// It connects with the options that the pool had when it was made, also when it connects again, and
/// runs none of the pool's hooks. Where a password is good for a while only, listen anew after an
/// error.
///
/// # Examples
///
/// ```
/// use key_rotation_sqlx::{Error, SqlxKeyProvider};
///
/// # async fn example(store: SqlxKeyProvider<sqlx::Postgres>) -> Result<(), Error> {
/// let mut commits = store.listen().await?;
/// commits.next().await?;
/// # Ok(()) }
/// ```
pub struct CommitListener {
    listener: PgListener,
    ring: RingName,
}

impl CommitListener {
    pub(crate) async fn connect(pool: &PgPool, ring: &RingName) -> Result<Self, Error> {
        let failed = Error::database::<sqlx::Postgres>(ring);
        // It would keep a connection of the application's pool for good. One of its own opens the
        // connection again where it is lost.
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(pool.options().get_acquire_timeout())
            .connect_lazy_with(PgConnectOptions::clone(&pool.connect_options()));
        let mut listener = PgListener::connect_with(&own).await.map_err(&failed)?;
        listener.listen(CHANNEL).await.map_err(&failed)?;
        Ok(Self { listener, ring: ring.clone() })
    }

    /// Waits until there may be something new: a commit of this ring was announced, or the
    /// connection was lost, and announcements with it. It is opened again in the next call.
    ///
    /// May be cancelled at any time, and nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Database`]: the connection was lost and could not be opened again.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation_sqlx::{CommitListener, Error};
    ///
    /// # async fn example(mut commits: CommitListener) -> Result<(), Error> {
    /// commits.next().await?;
    /// # Ok(()) }
    /// ```
    pub async fn next(&mut self) -> Result<(), Error> {
        loop {
            match self
                .listener
                .try_recv()
                .await
                .map_err(Error::database::<sqlx::Postgres>(&self.ring))?
            {
                Some(notice) if notice.payload() != self.ring.as_str() => {}
                Some(_) | None => return Ok(()),
            }
        }
    }
}

impl fmt::Debug for CommitListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitListener").field("ring", &self.ring).finish_non_exhaustive()
    }
}
