//! Reading a ring.

use key_rotation::{EscapedText, Revision, Snapshot};
use sqlx::Pool;

use crate::dialect::{Backend, Value};
use crate::error::{Error, RowProblem};
use crate::ring_name::RingName;
use crate::row::{BadRow, Stored};
use crate::schema;
use crate::wrapped::WrappedKey;

const REVISION: &str = "SELECT revision FROM key_rotation_rings WHERE ring = $1";
const ROWS: &str = "SELECT id, status, created_at, activated_at, status_since, material \
    FROM key_rotation_keys WHERE ring = $1 ORDER BY added_in, id";

/// The ring as of one revision.
pub(crate) async fn load<DB: Backend>(
    pool: &Pool<DB>,
    ring: &RingName,
) -> Result<Snapshot<WrappedKey>, Error> {
    let begun = pool.begin_with(DB::BEGIN_READ).await;
    let mut transaction = begun.map_err(Error::database::<DB>(ring))?;
    let snapshot = read::<DB>(&mut transaction, ring).await;
    // Waited for on every way out, as in `commit.rs`. What was read is read, however this ends.
    let _ = transaction.rollback().await;
    snapshot
}

async fn read<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<Snapshot<WrappedKey>, Error> {
    schema::check::<DB>(connection, ring).await?;
    let revision = revision::<DB>(connection, ring).await?.unwrap_or(Revision::EMPTY);
    let snapshot = snapshot::<DB>(connection, ring, revision).await?;
    check_ring(ring, &snapshot)?;
    Ok(snapshot)
}

/// The revision of the ring; `None` for a ring without a row.
pub(crate) async fn revision<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<Option<Revision>, Error> {
    revision_by::<DB>(connection, REVISION, ring).await
}

/// The same, and nobody else changes the ring until the transaction ends.
pub(crate) async fn lock_revision<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<Option<Revision>, Error> {
    revision_by::<DB>(connection, DB::LOCK_REVISION, ring).await
}

async fn revision_by<DB: Backend>(
    connection: &mut DB::Connection,
    statement: &'static str,
    ring: &RingName,
) -> Result<Option<Revision>, Error> {
    let values = [Value::Text(ring.as_str())];
    let damaged =
        |reason| Error::Row { ring: ring.clone(), row: EscapedText::from(ring.as_str()), reason };
    let number = match DB::number(connection, statement, &values).await {
        Err(sqlx::Error::ColumnDecode { .. }) => {
            return Err(damaged(RowProblem::Column { column: "revision" }));
        }
        answer => answer.map_err(Error::database::<DB>(ring))?,
    };
    let parse = |number: i64| {
        u64::try_from(number).map(Revision::new).map_err(|_| damaged(RowProblem::Revision(number)))
    };
    number.map(parse).transpose()
}

/// The rows of the ring as they are, each of which says what a row may say.
pub(crate) async fn snapshot<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
    revision: Revision,
) -> Result<Snapshot<WrappedKey>, Error> {
    let mut snapshot = Snapshot { revision, ..Snapshot::empty() };
    let values = [Value::Text(ring.as_str())];
    let rows = DB::rows(connection, ROWS, &values).await.map_err(Error::database::<DB>(ring))?;
    for row in
        rows.map_err(|BadRow { row, reason }| Error::Row { ring: ring.clone(), row, reason })?
    {
        match row {
            Stored::Key(record) => snapshot.records.push(record),
            Stored::Tombstone(tombstone) => snapshot.destroyed.push(tombstone),
        }
    }
    Ok(snapshot)
}

/// Whether the rows make a ring. Only a ring that nothing was ever written to may have none, so
/// that rows which were deleted by hand are damage and not a cold start.
pub(crate) fn check_ring(ring: &RingName, snapshot: &Snapshot<WrappedKey>) -> Result<(), Error> {
    if snapshot.revision == Revision::EMPTY && snapshot.is_empty() {
        return Ok(());
    }
    // The records are pointers to the material.
    match snapshot.clone().into_keyring() {
        Ok(_) => Ok(()),
        Err(reason) => Err(Error::InvalidRing { ring: ring.clone(), reason }),
    }
}
