//! [`CommitListener`]: what PostgreSQL announces.

use std::fmt;
use std::sync::Arc;

use key_rotation::store::RingName;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::error::Error;
use crate::rings::Tables;

/// Hears of the commits to all rings of a schema in PostgreSQL.
///
/// A hint to read again, and no more than that: an announcement may be about the listener's own
/// commit, and is lost where the connection is. So read each ring at the start, at each hint, and
/// now and then without one.
///
/// It connects with the options that the pool had when it was made, also when it connects again, and
/// runs none of the pool's hooks. Where a password is good for a while only, listen anew after an
/// error.
///
/// [`SqlxRings::listen`](crate::SqlxRings::listen) makes one.
pub struct CommitListener {
    listener: PgListener,
    tables: Arc<Tables>,
}

/// A commit that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an announcement says this and no more")]
pub struct Announcement {
    /// The ring.
    pub ring: RingName,
    /// The number of the revision that the commit made.
    pub number: u64,
}

impl Announcement {
    /// Reads the payload of an announcement: the number and the ring, with a blank between them.
    fn read(payload: &str) -> Option<Self> {
        let (number, ring) = payload.split_once(' ')?;
        Some(Self { ring: ring.parse().ok()?, number: number.parse().ok()? })
    }
}

impl CommitListener {
    pub(crate) async fn connect(pool: &PgPool, tables: Arc<Tables>) -> Result<Self, Error> {
        let failed = |error: sqlx::Error| Error::Rings {
            schema: tables.schema.clone(),
            source: error.into(),
        };
        // It would keep a connection of the application's pool for good. One of its own opens the
        // connection again where it is lost.
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(pool.options().get_acquire_timeout())
            .connect_lazy_with(PgConnectOptions::clone(&pool.connect_options()));
        let mut listener = PgListener::connect_with(&own).await.map_err(failed)?;
        listener.listen(&tables.channel).await.map_err(failed)?;
        Ok(Self { listener, tables })
    }

    /// Waits for the next commit. `None` means that the connection was lost, and announcements with
    /// it: every ring may have changed. The connection is opened again in the next call.
    ///
    /// May be cancelled at any time, and nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Rings`]: the connection was lost and could not be opened again.
    pub async fn next(&mut self) -> Result<Option<Announcement>, Error> {
        loop {
            let heard = self.listener.try_recv().await.map_err(|error| Error::Rings {
                schema: self.tables.schema.clone(),
                source: error.into(),
            })?;
            let Some(notice) = heard else { return Ok(None) };
            // Anybody may write to a channel.
            if let Some(announcement) = Announcement::read(notice.payload()) {
                return Ok(Some(announcement));
            }
        }
    }
}

impl fmt::Debug for CommitListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitListener")
            .field("schema", &self.tables.schema)
            .finish_non_exhaustive()
    }
}
