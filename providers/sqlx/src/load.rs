//! Reading a ring.

use key_rotation::error::EscapedText;
use key_rotation::store::{Revision, Snapshot};
use sqlx::Pool;

use crate::dialect::{Backend, Value};
use crate::error::{Error, RowProblem};
use crate::ring_name::RingName;
use crate::row::{BadRow, Stored};
use crate::schema;
use crate::wrapped::WrappedKey;

/// One row, whatever the tables hold: the version of the tables, the revision of the ring, and that
/// of its newest event.
const REVISION: &str = "SELECT \
    (SELECT max(version) FROM key_rotation_migrations WHERE success), \
    (SELECT revision FROM key_rotation_rings WHERE ring = $1), \
    (SELECT max(revision) FROM key_rotation_events WHERE ring = $1)";
const ROWS: &str = "SELECT id, status, created_at, added_at, activated_at, deactivated_at, \
    retired_at, revoked_at, destroyed_at, used, counted, added_in, deactivated_in, material_in, \
    material FROM key_rotation_keys WHERE ring = $1 ORDER BY added_in, id";

/// The ring as of one revision.
pub(crate) async fn load<DB: Backend>(
    pool: &Pool<DB>,
    ring: &RingName,
) -> Result<Snapshot<WrappedKey>, Error> {
    let begun = pool.begin_with(DB::BEGIN_READ).await;
    let mut transaction = begun.map_err(Error::database::<DB>(ring))?;
    let snapshot = snapshot::<DB>(&mut transaction, ring).await;
    // Waited for on every way out, as in `commit.rs`. What was read is read, however this ends.
    let _ = transaction.rollback().await;
    snapshot
}

/// The revision of the ring; [`Revision::EMPTY`] for one without a row.
pub(crate) async fn revision<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<Revision, Error> {
    let damaged =
        |reason| Error::Row { ring: ring.clone(), row: EscapedText::from(ring.as_str()), reason };
    let [version, revision, newest_event] =
        match DB::numbers(connection, REVISION, &[Value::Text(ring.as_str())]).await {
            Err(sqlx::Error::ColumnDecode { index, .. }) => {
                let column = match index.as_str() {
                    "0" => "version",
                    "1" => "revision",
                    _ => "revision of the newest event",
                };
                return Err(damaged(RowProblem::Column { column }));
            }
            answer => answer.map_err(Error::database::<DB>(ring))?,
        };
    schema::check(ring, version)?;
    let parse = |number: Option<i64>| {
        let number = number.unwrap_or(0);
        u64::try_from(number).map(Revision::new).map_err(|_| damaged(RowProblem::Revision(number)))
    };
    let (revision, newest_event) = (parse(revision)?, parse(newest_event)?);
    if revision == newest_event {
        Ok(revision)
    } else {
        Err(damaged(RowProblem::RevisionMismatch { revision, newest_event }))
    }
}

/// The ring as it is, if its rows make one.
pub(crate) async fn snapshot<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
) -> Result<Snapshot<WrappedKey>, Error> {
    let revision = revision::<DB>(connection, ring).await?;
    let mut snapshot = Snapshot { revision, ..Snapshot::empty() };
    let rows = DB::rows(connection, ROWS, &[Value::Text(ring.as_str())]).await;
    let rows = rows.map_err(Error::database::<DB>(ring))?;
    for row in
        rows.map_err(|BadRow { row, reason }| Error::Row { ring: ring.clone(), row, reason })?
    {
        match row {
            Stored::Key(record) => snapshot.records.push(record),
            Stored::Tombstone(tombstone) => snapshot.destroyed.push(tombstone),
        }
    }
    check_ring(ring, &snapshot)?;
    Ok(snapshot)
}

/// Checks that the rows make a ring. Only a ring that nothing was ever written to may have none, and it
/// must have none, so that rows which were deleted by hand are damage and not a cold start.
pub(crate) fn check_ring(ring: &RingName, snapshot: &Snapshot<WrappedKey>) -> Result<(), Error> {
    if snapshot.revision == Revision::EMPTY {
        let row = EscapedText::from(ring.as_str());
        let damaged = Error::Row { ring: ring.clone(), row, reason: RowProblem::NoRevision };
        return if snapshot.is_empty() { Ok(()) } else { Err(damaged) };
    }
    // The records are pointers to the material.
    match snapshot.clone().into_keyring() {
        Ok(_) => Ok(()),
        Err(reason) => Err(Error::InvalidRing { ring: ring.clone(), reason }),
    }
}
