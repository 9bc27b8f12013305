//! Reading a ring.

use std::collections::HashSet;

use key_rotation::error::EscapedText;
use key_rotation::store::{Events, Loaded, Revision, RingName, Snapshot};
use key_rotation::{KeyId, Timestamp};
use sqlx::{Pool, SqlStr};

use crate::database_error::DatabaseError;
use crate::dialect::{Backend, Value};
use crate::error::{Error, RowProblem};
use crate::lent::Lent;
use crate::other_ids::OtherIds;
use crate::row::{BadRow, Stored, StoredEvent, UsedIds, time_of};
use crate::schema;
use crate::statements::Statements;
use crate::wrapped::WrappedKey;

/// The columns that [`Statements::poll`] selects, for an error.
const COLUMNS: [&str; 11] = [
    "mark",
    "version",
    "revision",
    "tag",
    "ids",
    "closed_at",
    "number of rows",
    "revision of the newest event",
    "tag of the newest event",
    "number of events",
    "time",
];

/// What is known of a ring without its keys.
pub(crate) struct Head {
    pub(crate) revision: Revision,
    pub(crate) ids: u64,
    pub(crate) closed: Option<Timestamp>,
    pub(crate) store_time: Option<Timestamp>,
    /// The number of rows, where it was counted.
    rows: Option<u64>,
    /// True if the revision that was asked about is in the history.
    pub(crate) is_known: bool,
}

impl Head {
    pub(crate) fn snapshot(&self, ring: &RingName) -> Snapshot<WrappedKey> {
        Snapshot {
            revision: self.revision,
            ids: self.ids,
            closed: self.closed,
            store_time: self.store_time,
            ..Snapshot::empty(ring.clone())
        }
    }
}

/// Reads the ring, unless it is as it was seen.
pub(crate) async fn load<DB: Backend>(
    pool: &Pool<DB>,
    statements: &Statements,
    ring: &RingName,
    seen: Revision,
) -> Result<Loaded<WrappedKey>, Error> {
    if seen != Revision::EMPTY {
        let mut connection = pool.acquire().await.map_err(Error::database::<DB>(ring))?;
        let values = asked_of(ring, seen);
        let (poll, mark) = (&statements.poll, statements.mark_of_poll);
        let polled = DB::marked_numbers(&mut connection, poll, &values, mark).await;
        let polled = polled.map_err(DatabaseError::from);
        let polled = polled.and_then(|numbers| numbers.ok_or_else(DatabaseError::statement));
        let head = head_of::<DB>(ring, polled)?;
        if !head.is_known {
            return Ok(Loaded::NotInHistory { seen, found: head.revision });
        }
        if head.revision == seen && head.rows == Some(head.ids) {
            return Ok(Loaded::Unchanged { store_time: head.store_time });
        }
    }
    let begun = Lent::begin(pool, DB::BEGIN_READ).await;
    let mut lent = begun.map_err(Error::database::<DB>(ring))?;
    let read = read::<DB>(lent.connection(), statements, ring, seen).await;
    lent.roll_back().await;
    read
}

/// Reads the ring, inside a transaction that sees one state of it.
async fn read<DB: Backend>(
    connection: &mut DB::Connection,
    statements: &Statements,
    ring: &RingName,
    seen: Revision,
) -> Result<Loaded<WrappedKey>, Error> {
    let head = head::<DB>(connection, &statements.head, ring, seen).await?;
    if seen != Revision::EMPTY && !head.is_known {
        return Ok(Loaded::NotInHistory { seen, found: head.revision });
    }
    let mut snapshot = head.snapshot(ring);
    let name = [Value::Text(ring.as_str())];
    put_rows::<DB>(connection, &statements.rows, &name, &mut snapshot).await?;
    if snapshot.revision != Revision::EMPTY {
        check_ids::<DB>(connection, statements, &snapshot).await?;
    }
    check_ring(&snapshot)?;
    Ok(Loaded::Ring(snapshot))
}

/// Reads what is known of the ring without its keys; [`Revision::EMPTY`] for one without a row.
pub(crate) async fn head<DB: Backend>(
    connection: &mut DB::Connection,
    statement: &SqlStr,
    ring: &RingName,
    asked: Revision,
) -> Result<Head, Error> {
    let numbers = DB::numbers(connection, statement, &asked_of(ring, asked)).await;
    head_of::<DB>(ring, numbers.map_err(DatabaseError::from))
}

fn asked_of(ring: &RingName, asked: Revision) -> [Value<'_>; 3] {
    [
        Value::Text(ring.as_str()),
        Value::Integer(asked.number.cast_signed()),
        Value::Integer(asked.tag.cast_signed()),
    ]
}

fn head_of<DB: Backend>(
    ring: &RingName,
    numbers: Result<[Option<i64>; COLUMNS.len()], DatabaseError>,
) -> Result<Head, Error> {
    let damaged =
        |reason| Error::Row { ring: ring.clone(), row: EscapedText::from(ring.as_str()), reason };
    let [_, version, revision, tag, ids, closed, rows, newest, newest_tag, events, now] =
        match numbers {
            Ok(numbers) => numbers,
            Err(error) => {
                let index = error.column().and_then(|index| index.parse::<usize>().ok());
                return Err(match index.and_then(|index| COLUMNS.get(index)) {
                    Some(column) => damaged(RowProblem::Column { column }),
                    None => Error::of::<DB>(ring.clone(), error),
                });
            }
        };
    schema::check(ring, version)?;
    let unsigned = |column, number: Option<i64>| {
        let number = number.unwrap_or(0);
        u64::try_from(number).map_err(|_| damaged(RowProblem::Number { column, number }))
    };
    let time = |column, millis: Option<i64>| {
        millis.map(|millis| time_of(column, millis)).transpose().map_err(damaged)
    };
    let of =
        |number: u64, tag: Option<i64>| Revision::new(number, tag.unwrap_or(0).cast_unsigned());
    let revision = of(unsigned("revision", revision)?, tag);
    let newest_event = of(unsigned("revision of the newest event", newest)?, newest_tag);
    if revision != newest_event {
        return Err(damaged(RowProblem::RevisionMismatch { revision, newest_event }));
    }
    Ok(Head {
        revision,
        ids: unsigned("ids", ids)?,
        closed: time("closed_at", closed)?,
        store_time: time("time", now)?,
        rows: rows.map(|rows| unsigned("number of rows", Some(rows))).transpose()?,
        is_known: events.unwrap_or(0) > 0,
    })
}

/// Reads the rows that a statement selects, and puts them into the snapshot.
pub(crate) async fn put_rows<DB: Backend>(
    connection: &mut DB::Connection,
    statement: &SqlStr,
    values: &[Value<'_>],
    snapshot: &mut Snapshot<WrappedKey>,
) -> Result<(), Error> {
    let ring = snapshot.ring.clone();
    let rows = DB::rows::<Stored>(connection, statement, values).await;
    let rows = rows.map_err(Error::database::<DB>(&ring))?;
    for row in rows.map_err(|BadRow { row, reason }| Error::Row { ring, row, reason })? {
        match row {
            Stored::Key(record) => snapshot.records.push(record),
            Stored::Tombstone(tombstone) => snapshot.destroyed.push(tombstone),
        }
    }
    Ok(())
}

/// Checks that the rows are those of the ids that the events have brought. Where the tables were made
/// by an older version, whose events could be deleted, a row may have none.
async fn check_ids<DB: Backend>(
    connection: &mut DB::Connection,
    statements: &Statements,
    snapshot: &Snapshot<WrappedKey>,
) -> Result<(), Error> {
    let ring = &snapshot.ring;
    let name = [Value::Text(ring.as_str())];
    let events = DB::rows::<UsedIds>(connection, &statements.used_ids, &name).await;
    let events = events.map_err(Error::database::<DB>(ring))?;
    let bad = |BadRow { row, reason }| Error::Row { ring: ring.clone(), row, reason };
    let used: HashSet<KeyId> = events.map_err(bad)?.into_iter().flat_map(|event| event.0).collect();
    let keys = snapshot.records.iter().map(|record| &record.info.id);
    let ids: HashSet<&KeyId> = keys.chain(snapshot.destroyed.iter().map(|gone| &gone.id)).collect();

    let lost = used.iter().filter(|id| !ids.contains(id)).cloned().collect();
    let are_all_known = used.len() as u64 == snapshot.ids;
    let unknown =
        ids.into_iter().filter(|id| are_all_known && !used.contains(*id)).cloned().collect();
    OtherIds::new(lost, unknown)
        .map_or(Ok(()), |reason| Err(Error::OtherIds { ring: ring.clone(), reason }))
}

/// Checks that the rows make a ring. Only a ring that nothing was ever written to may have none, and
/// it must have none, so that rows which were deleted by hand are damage and not a cold start.
pub(crate) fn check_ring(snapshot: &Snapshot<WrappedKey>) -> Result<(), Error> {
    let ring = || snapshot.ring.clone();
    if snapshot.revision == Revision::EMPTY {
        let is_bare = snapshot.records.is_empty() && snapshot.destroyed.is_empty();
        return if is_bare { Ok(()) } else { Err(no_revision(&snapshot.ring)) };
    }
    if snapshot.closed.is_some() && snapshot.records.is_empty() && snapshot.is_whole() {
        return Ok(());
    }
    // The records are pointers to the material.
    match snapshot.clone().into_keyring() {
        Ok(_) => Ok(()),
        Err(reason) => Err(Error::InvalidRing { ring: ring(), reason }),
    }
}

/// The error for a ring that nothing was ever written to, and that has keys.
pub(crate) fn no_revision(ring: &RingName) -> Error {
    let row = EscapedText::from(ring.as_str());
    Error::Row { ring: ring.clone(), row, reason: RowProblem::NoRevision }
}

/// Reads the events after a revision, and whether it is in the history, as of one state.
pub(crate) async fn history<DB: Backend>(
    pool: &Pool<DB>,
    statements: &Statements,
    ring: &RingName,
    after: Revision,
) -> Result<Events, Error> {
    let begun = Lent::begin(pool, DB::BEGIN_READ).await;
    let mut lent = begun.map_err(Error::database::<DB>(ring))?;
    let events = events::<DB>(lent.connection(), statements, ring, after).await;
    lent.roll_back().await;
    events
}

async fn events<DB: Backend>(
    connection: &mut DB::Connection,
    statements: &Statements,
    ring: &RingName,
    after: Revision,
) -> Result<Events, Error> {
    let head = head::<DB>(connection, &statements.head, ring, after).await?;
    if after != Revision::EMPTY && !head.is_known {
        return Ok(Events::NotInHistory { seen: after, found: head.revision });
    }
    let values = [Value::Text(ring.as_str()), Value::Integer(after.number.cast_signed())];
    let rows = DB::rows::<StoredEvent>(connection, &statements.events, &values).await;
    let rows = rows.map_err(Error::database::<DB>(ring))?;
    let bad = |BadRow { row, reason }| Error::Row { ring: ring.clone(), row, reason };
    Ok(Events::Since(rows.map_err(bad)?.into_iter().map(|event| event.of(ring)).collect()))
}
