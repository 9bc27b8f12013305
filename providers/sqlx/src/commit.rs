//! Changing a ring: one transaction for the revision check, the change and its audit event.

use std::io;

use key_rotation::store::{Change, Commit, Revision, Snapshot};
use key_rotation::{KeyId, KeyInfo, KeyRecord, Timestamp};
use sqlx::Pool;

use crate::dialect::{Backend, Value};
use crate::error::Error;
use crate::failpoint::{self, reached};
use crate::load;
use crate::ring_name::RingName;
use crate::row::DESTROYED;
use crate::wrapped::WrappedKey;

const CREATE_RING: &str =
    "INSERT INTO key_rotation_rings (ring, revision) VALUES ($1, 0) ON CONFLICT (ring) DO NOTHING";
const SET_REVISION: &str =
    "UPDATE key_rotation_rings SET revision = $3 WHERE ring = $1 AND revision = $2";
const ADD_KEY: &str = "INSERT INTO key_rotation_keys \
    (ring, id, status, created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at, \
     used, counted, added_in, deactivated_in, material_in, material) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const SET_INFO: &str = "UPDATE key_rotation_keys \
    SET status = $3, created_at = $4, added_at = $5, activated_at = $6, deactivated_at = $7, \
    retired_at = $8, revoked_at = $9, used = $10, counted = $11, added_in = $12, \
    deactivated_in = $13 WHERE ring = $1 AND id = $2";
const BURY: &str = "UPDATE key_rotation_keys \
    SET status = $3, destroyed_at = $4, material = NULL WHERE ring = $1 AND id = $2";
const RECORD: &str = "INSERT INTO key_rotation_events \
    (ring, revision, action, id, from_id, at) VALUES ($1, $2, $3, $4, $5, $6)";

pub(crate) async fn commit<DB: Backend>(
    pool: &Pool<DB>,
    ring: &RingName,
    expected: Revision,
    change: &Change<WrappedKey>,
) -> Result<Commit, Error> {
    let failed = Error::database::<DB>(ring);
    let mut transaction = pool.begin_with(DB::BEGIN_WRITE).await.map_err(&failed)?;
    reached(failpoint::BEGUN);
    let answer = write::<DB>(&mut transaction, ring, expected, change).await;
    if !matches!(answer, Ok(Commit::Committed(_))) {
        // Waited for: a transaction that is dropped holds the ring against the whole fleet until
        // its runtime is polled again. If it cannot be rolled back, it cannot be committed either.
        let _ = transaction.rollback().await;
        return answer;
    }
    reached(failpoint::BEFORE_COMMIT);
    transaction.commit().await.map_err(&failed)?;
    reached(failpoint::COMMITTED);
    if failpoint::answer_is_lost() {
        return Err(failed(io::Error::from(io::ErrorKind::ConnectionReset).into()));
    }
    answer
}

/// Does all that a commit does between the beginning and the end of its transaction.
async fn write<DB: Backend>(
    connection: &mut DB::Connection,
    ring: &RingName,
    expected: Revision,
    change: &Change<WrappedKey>,
) -> Result<Commit, Error> {
    let mut write = Write::<DB> { connection, ring, name: Value::Text(ring.as_str()) };
    if expected == Revision::EMPTY {
        // Of two first keys, the second waits here for what becomes of the first.
        write.execute(CREATE_RING, &[write.name]).await?;
    }
    if let Some(lock) = DB::LOCK_RING {
        write.execute(lock, &[write.name]).await?;
    }
    let mut snapshot = load::snapshot::<DB>(write.connection, ring).await?;
    let committed = match snapshot.apply(expected, change) {
        Ok(Commit::Committed(revision)) => revision,
        Ok(Commit::Conflict) => return Ok(Commit::Conflict),
        Err(reason) => return Err(Error::Mismatch { ring: ring.clone(), reason }),
    };
    load::check_ring(ring, &snapshot)?;
    reached(failpoint::CHECKED);

    write.change(change, &snapshot).await?;
    write.revision(expected, committed).await?;
    reached(failpoint::WRITTEN);
    write.event(change, committed).await?;
    reached(failpoint::RECORDED);
    if let Some(announce) = DB::ANNOUNCE {
        write.execute(announce, &[write.name]).await?;
    }
    Ok(Commit::Committed(committed))
}

/// Writes a commit, statement by statement.
struct Write<'t, DB: Backend> {
    connection: &'t mut DB::Connection,
    ring: &'t RingName,
    /// The ring's name, as the first value of each statement.
    name: Value<'t>,
}

impl<DB: Backend> Write<'_, DB> {
    /// Writes the rows that the change leaves behind, as the snapshot has them.
    async fn change(
        &mut self,
        change: &Change<WrappedKey>,
        after: &Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        match change {
            Change::Create(record) | Change::Add(record) => {
                self.add(&record.info.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
            }
            Change::Activate(rotation) => {
                // In this order, because the index does not let two keys be active for a moment.
                self.info(&rotation.from, after).await?;
                reached(failpoint::HALF_WRITTEN);
                self.info(&rotation.to, after).await?;
            }
            Change::Retire(retirement) => {
                self.info(&retirement.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
            }
            Change::Destroy(tombstone) => {
                let at = time(tombstone.at);
                let values = [self.name, id(&tombstone.id), Value::Text(DESTROYED), at];
                self.execute_once(BURY, &values).await?;
                reached(failpoint::HALF_WRITTEN);
            }
        }
        Ok(())
    }

    /// Writes a new row, as the snapshot has it.
    async fn add(&mut self, key: &KeyId, after: &Snapshot<WrappedKey>) -> Result<(), Error> {
        for record in after.records.iter().filter(|record| record.info.id == *key) {
            let material = [number(record.material_in), Value::Bytes(record.material.as_bytes())];
            let values = [self.info_of(record).as_slice(), &material].concat();
            self.execute_once(ADD_KEY, &values).await?;
        }
        Ok(())
    }

    /// Writes all that the key has after the change besides its material.
    async fn info(&mut self, key: &KeyId, after: &Snapshot<WrappedKey>) -> Result<(), Error> {
        for record in after.records.iter().filter(|record| record.info.id == *key) {
            self.execute_once(SET_INFO, &self.info_of(record)).await?;
        }
        Ok(())
    }

    /// The first values of [`ADD_KEY`], and those of [`SET_INFO`].
    fn info_of<'v>(&self, record: &'v KeyRecord<WrappedKey>) -> [Value<'v>; 13]
    where
        Self: 'v,
    {
        let KeyInfo { id: key, status, times, used, counted, added_in, deactivated_in } =
            &record.info;
        [
            self.name,
            id(key),
            Value::Text(status.as_str()),
            time_or_null(times.created_at),
            time_or_null(times.added_at),
            time_or_null(times.activated_at),
            time_or_null(times.deactivated_at),
            time_or_null(times.retired_at),
            time_or_null(times.revoked_at),
            Value::Integer((*used).into()),
            Value::Integer((*counted).into()),
            number(*added_in),
            number(*deactivated_in),
        ]
    }

    async fn revision(&mut self, expected: Revision, committed: Revision) -> Result<(), Error> {
        let values = [self.name, number(expected.as_u64()), number(committed.as_u64())];
        self.execute_once(SET_REVISION, &values).await
    }

    async fn event(
        &mut self,
        change: &Change<WrappedKey>,
        revision: Revision,
    ) -> Result<(), Error> {
        let (action, from, at) = match change {
            Change::Create(record) => ("create", None, added_at(record)),
            Change::Add(record) => ("add", None, added_at(record)),
            Change::Activate(rotation) => ("activate", Some(rotation.from.as_str()), rotation.at),
            Change::Retire(retirement) => ("retire", None, retirement.at),
            Change::Destroy(tombstone) => ("destroy", None, tombstone.at),
        };
        let values = [
            self.name,
            number(revision.as_u64()),
            Value::Text(action),
            id(change.id()),
            Value::MaybeText(from),
            time(at),
        ];
        self.execute_once(RECORD, &values).await
    }

    async fn execute(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let changed = DB::execute(self.connection, statement, values).await;
        changed.map_err(Error::database::<DB>(self.ring))
    }

    /// Changes one row and no other: the transaction is given up if what it has read is not there.
    async fn execute_once(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), Error> {
        match self.execute(statement, values).await? {
            1 => Ok(()),
            _ => Err(Error::database::<DB>(self.ring)(sqlx::Error::RowNotFound)),
        }
    }
}

fn id(id: &KeyId) -> Value<'_> {
    Value::Text(id.as_str())
}

fn number(number: u64) -> Value<'static> {
    Value::Integer(number.cast_signed())
}

/// When the ring got the key. An event has a time in any case: 0 stands for one that is not known.
fn added_at(record: &KeyRecord<WrappedKey>) -> Timestamp {
    record.info.times.added_at.unwrap_or(Timestamp::UNIX_EPOCH)
}

fn time(at: Timestamp) -> Value<'static> {
    Value::Integer(at.as_unix_millis().cast_signed())
}

fn time_or_null(at: Option<Timestamp>) -> Value<'static> {
    Value::MaybeInteger(at.map(|at| at.as_unix_millis().cast_signed()))
}
