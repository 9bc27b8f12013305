//! [`Lent`]: a connection of the application's pool, inside a transaction.

use sqlx::Pool;
use sqlx::pool::PoolConnection;

use crate::dialect::Backend;

/// A connection inside a transaction. It goes back to the pool only after the transaction has ended:
/// where a future is dropped half-way, or an end fails, it is closed.
///
/// sqlx's own transaction cannot be used for this: it counts a transaction when `BEGIN` was
/// answered, and a future that is dropped before leaves a connection in a transaction behind.
pub(crate) struct Lent<DB: Backend> {
    connection: PoolConnection<DB>,
    has_ended: bool,
}

impl<DB: Backend> Lent<DB> {
    pub(crate) async fn begin(pool: &Pool<DB>, begin: &'static str) -> sqlx::Result<Self> {
        let mut lent = Self::take(pool).await?;
        DB::control(&mut lent.connection, begin).await?;
        Ok(lent)
    }

    /// Takes a connection on which the caller begins and ends a transaction.
    pub(crate) async fn take(pool: &Pool<DB>) -> sqlx::Result<Self> {
        Ok(Self { connection: pool.acquire().await?, has_ended: false })
    }

    /// Says that the caller's transaction has ended.
    pub(crate) fn give_back(mut self) {
        self.has_ended = true;
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        let ended = DB::control(&mut self.connection, "COMMIT").await;
        self.has_ended = ended.is_ok();
        ended
    }

    /// Waited for on every way out: a transaction that is merely dropped holds the ring against the
    /// whole fleet until its connection is closed. One that cannot be rolled back is closed, and so
    /// is not committed either.
    pub(crate) async fn roll_back(mut self) {
        self.has_ended = DB::control(&mut self.connection, "ROLLBACK").await.is_ok();
    }
}

impl<DB: Backend> Drop for Lent<DB> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.connection.close_on_drop();
        }
    }
}
