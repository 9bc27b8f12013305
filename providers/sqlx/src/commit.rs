//! Changing a ring: one transaction for the revision check, the change and its event.

use key_rotation::audit::Grounds;
use key_rotation::store::{Change, Commit, CommitError, Proposal, Revision, RingName, Snapshot};
use key_rotation::{KeyId, KeyInfo, KeyRecord, Timestamp};
use sqlx::{Pool, SqlStr};

use crate::database_error::DatabaseError;
use crate::dialect::{Backend, Value};
use crate::error::Error;
use crate::failpoint::{self, reached};
use crate::lent::Lent;
use crate::load;
use crate::other_ids::OtherIds;
use crate::row::DESTROYED;
use crate::statements::Statements;
use crate::wrapped::WrappedKey;

/// What a commit has to know besides the proposal.
pub(crate) struct Target<'t> {
    pub(crate) statements: &'t Statements,
    pub(crate) ring: &'t RingName,
    /// The channel on which the commit is announced.
    pub(crate) channel: &'t str,
}

pub(crate) async fn commit<DB: Backend>(
    pool: &Pool<DB>,
    target: &Target<'_>,
    proposal: &Proposal<WrappedKey>,
) -> Result<Commit, CommitError<Error>> {
    proposal.follows().map_err(CommitError::Mismatch)?;
    let failed = Error::database::<DB>(target.ring);
    let begun = Lent::begin(pool, DB::BEGIN_WRITE).await;
    let mut lent = begun.map_err(|error| unwritten::<DB>(failed(error)))?;
    reached(failpoint::BEGUN);
    match write::<DB>(lent.connection(), target, proposal).await {
        Ok(Written::Now) => {}
        answer => {
            lent.roll_back().await;
            return match answer {
                Ok(Written::Now | Written::Before) => Ok(Commit::Committed),
                Ok(Written::Never) => Ok(Commit::Conflict),
                Err(error) => Err(error),
            };
        }
    }
    reached(failpoint::BEFORE_COMMIT);
    if let Err(error) = lent.commit().await {
        let error = DatabaseError::from(error);
        let is_constraint = DB::is_refusal(&error);
        let is_settled = DB::nothing_is_committed(&error);
        let error = Error::of::<DB>(target.ring.clone(), error);
        return Err(match (is_settled, is_constraint) {
            (true, true) => CommitError::Refused(error),
            (true, false) => CommitError::NotWritten(error),
            (false, _) => CommitError::Unknown(error),
        });
    }
    reached(failpoint::COMMITTED);
    if failpoint::answer_is_lost() {
        let error = Error::of::<DB>(target.ring.clone(), DatabaseError::lost());
        return Err(CommitError::Unknown(error));
    }
    Ok(Commit::Committed)
}

/// The error of a commit that has failed before its end.
fn unwritten<DB: Backend>(error: Error) -> CommitError<Error> {
    if error.is_refusal::<DB>() {
        CommitError::Refused(error)
    } else {
        CommitError::NotWritten(error)
    }
}

/// What a transaction has found or done.
enum Written {
    /// The proposal is written when the transaction ends.
    Now,
    /// An earlier sending of it has been written.
    Before,
    /// The ring has moved on without it.
    Never,
}

/// Does all that a commit does between the beginning and the end of its transaction.
async fn write<DB: Backend>(
    connection: &mut DB::Connection,
    target: &Target<'_>,
    proposal: &Proposal<WrappedKey>,
) -> Result<Written, CommitError<Error>> {
    let name = Value::Text(target.ring.as_str());
    let mut write = Write::<DB> { connection, target, name, keys: 0 };
    let lock = write.lock(proposal.expected).await;
    lock.map_err(unwritten::<DB>)?;
    let (statements, ring) = (target.statements, target.ring);
    let head = load::head::<DB>(write.connection, &statements.head, ring, proposal.next).await;
    let head = head.map_err(unwritten::<DB>)?;
    if head.is_known {
        return Ok(Written::Before);
    }
    if head.revision != proposal.expected {
        return Ok(Written::Never);
    }
    let mut snapshot = head.snapshot(ring);
    write.read(&proposal.change, &mut snapshot).await.map_err(unwritten::<DB>)?;
    if let Change::Add(record) = &proposal.change {
        let checked = write.check_that_no_row_is_lost(&record.info.id, &snapshot).await;
        checked.map_err(unwritten::<DB>)?;
    }
    // The revision matches: it is written, or it does not fit.
    let _ = snapshot.apply(proposal).map_err(CommitError::Mismatch)?;
    reached(failpoint::CHECKED);
    let written = write.all(proposal, &snapshot).await;
    written.map(|()| Written::Now).map_err(unwritten::<DB>)
}

/// Writes a commit, statement by statement.
struct Write<'t, DB: Backend> {
    connection: &'t mut DB::Connection,
    target: &'t Target<'t>,
    /// The ring's name, as the first value of each statement.
    name: Value<'t>,
    /// The number of keys before the change, where all were read.
    keys: u64,
}

impl<DB: Backend> Write<'_, DB> {
    /// Holds the ring against other writers.
    async fn lock(&mut self, expected: Revision) -> Result<(), Error> {
        if expected == Revision::EMPTY {
            // Of two first keys, the second waits here for what becomes of the first.
            self.execute(&self.target.statements.create_ring, &[self.name]).await?;
        }
        if let Some(lock) = &self.target.statements.lock_ring {
            self.execute(lock, &[self.name]).await?;
        }
        Ok(())
    }

    /// Reads the rows that the change needs.
    async fn read(
        &mut self,
        change: &Change<WrappedKey>,
        snapshot: &mut Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        let statements = self.target.statements;
        let ids: Option<Vec<&KeyId>> = change.ids().map(Iterator::collect);
        match (ids.as_deref(), change) {
            (Some([first, rest @ ..]), _) => {
                let second = rest.first().unwrap_or(first);
                let values = [self.name, id(first), id(second)];
                load::put_rows::<DB>(self.connection, &statements.rows_of, &values, snapshot).await
            }
            (_, Change::Create { .. }) => {
                let counted =
                    DB::numbers(self.connection, &statements.has_rows, &[self.name]).await;
                match counted.map_err(Error::database::<DB>(self.target.ring))? {
                    [None | Some(0)] => Ok(()),
                    [Some(_)] if snapshot.ids > 0 => Ok(()),
                    [Some(_)] => Err(load::no_revision(self.target.ring)),
                }
            }
            _ => {
                let values = [self.name];
                load::put_rows::<DB>(self.connection, &statements.rows, &values, snapshot).await?;
                // A `usize` is at most 64 bits wide.
                self.keys = snapshot.records.len() as u64;
                load::check_ring(snapshot)
            }
        }
    }

    /// Checks that an id without a row was never used: its row may have been deleted.
    async fn check_that_no_row_is_lost(
        &mut self,
        key: &KeyId,
        snapshot: &Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        if !snapshot.records.is_empty() || !snapshot.destroyed.is_empty() {
            return Ok(());
        }
        let values = [self.name, id(key)];
        let ring = self.target.ring;
        let counted = DB::numbers(self.connection, &self.target.statements.was_used, &values).await;
        let [times] = counted.map_err(Error::database::<DB>(ring))?;
        match OtherIds::lost_one(key) {
            reason if times > Some(0) => Err(Error::OtherIds { ring: ring.clone(), reason }),
            _ => Ok(()),
        }
    }

    /// Writes the rows that the change leaves behind, as the snapshot has them, the ring's own row
    /// and the event.
    async fn all(
        &mut self,
        proposal: &Proposal<WrappedKey>,
        after: &Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        self.change(proposal, after).await?;
        self.ring(proposal, after).await?;
        reached(failpoint::WRITTEN);
        self.event(proposal, after.store_time).await?;
        reached(failpoint::RECORDED);
        if let Some(announce) = &self.target.statements.announce {
            let payload = format!("{} {}", proposal.next.number, self.target.ring);
            let values = [Value::Text(self.target.channel), Value::Text(&payload)];
            self.execute(announce, &values).await?;
        }
        Ok(())
    }

    async fn change(
        &mut self,
        proposal: &Proposal<WrappedKey>,
        after: &Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        match &proposal.change {
            Change::Create { .. } => {
                let number = proposal.next.number;
                for (place, record) in (0..).zip(&after.records) {
                    self.add(record, place).await?;
                    reached(failpoint::HALF_WRITTEN);
                }
                for (place, tombstone) in (0..).zip(&after.destroyed) {
                    let values = [
                        self.name,
                        id(&tombstone.id),
                        Value::Text(DESTROYED),
                        time(tombstone.at),
                        self::number(number),
                        Value::Integer(place),
                    ];
                    self.execute_once(&self.target.statements.add_tombstone, &values).await?;
                }
                Ok(())
            }
            Change::Add(added) => {
                for record in after.records.iter().filter(|row| row.info.id == added.info.id) {
                    self.add(record, 0).await?;
                }
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
            Change::Activate(rotation) => {
                // In this order, because the index does not let two keys be active for a moment.
                self.info(&rotation.from, after).await?;
                reached(failpoint::HALF_WRITTEN);
                self.info(&rotation.to, after).await
            }
            Change::Retire { retirement, material } => {
                self.info(&retirement.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
                if material.is_some() { self.material(&retirement.id, after).await } else { Ok(()) }
            }
            Change::Revoke { revocation, material } => {
                self.info(&revocation.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
                if material.is_some() { self.material(&revocation.id, after).await } else { Ok(()) }
            }
            Change::Restore(restoration) => {
                self.info(&restoration.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
            Change::Date(dating) => {
                self.info(&dating.id, after).await?;
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
            Change::Rewrap { id, .. } => {
                self.material(id, after).await?;
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
            Change::Destroy(tombstone) => {
                let at = time(tombstone.at);
                let values = [self.name, id(&tombstone.id), Value::Text(DESTROYED), at];
                self.execute_once(&self.target.statements.bury, &values).await?;
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
            Change::Close(closing) => {
                let values = [self.name, Value::Text(DESTROYED), time(closing.at)];
                let buried = self.execute(&self.target.statements.bury_all, &values).await?;
                // A key that is hidden from the role would keep its material.
                if buried != self.keys {
                    let rows = DatabaseError::rows();
                    return Err(Error::of::<DB>(self.target.ring.clone(), rows));
                }
                reached(failpoint::HALF_WRITTEN);
                Ok(())
            }
        }
    }

    /// Writes a new row.
    async fn add(&mut self, record: &KeyRecord<WrappedKey>, place: i64) -> Result<(), Error> {
        let material = [
            number(record.material_in),
            Value::Bytes(record.material.as_bytes()),
            Value::Integer(place),
        ];
        let values = [self.info_of(record).as_slice(), &material].concat();
        self.execute_once(&self.target.statements.add_key, &values).await
    }

    /// Writes all that the key has after the change besides its material.
    async fn info(&mut self, key: &KeyId, after: &Snapshot<WrappedKey>) -> Result<(), Error> {
        for record in after.records.iter().filter(|record| record.info.id == *key) {
            self.execute_once(&self.target.statements.set_info, &self.info_of(record)).await?;
        }
        Ok(())
    }

    /// Writes the material that the key has after the change.
    async fn material(&mut self, key: &KeyId, after: &Snapshot<WrappedKey>) -> Result<(), Error> {
        for record in after.records.iter().filter(|record| record.info.id == *key) {
            let material = Value::Bytes(record.material.as_bytes());
            let values = [self.name, id(key), number(record.material_in), material];
            self.execute_once(&self.target.statements.set_material, &values).await?;
        }
        Ok(())
    }

    /// The first values of the statement that adds a key, and those of the one that changes one.
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

    /// Writes the ring's own row.
    async fn ring(
        &mut self,
        proposal: &Proposal<WrappedKey>,
        after: &Snapshot<WrappedKey>,
    ) -> Result<(), Error> {
        let Proposal { expected, next, .. } = proposal;
        let values = [
            self.name,
            number(expected.number),
            tag(*expected),
            number(next.number),
            tag(*next),
            number(after.ids),
            time_or_null(after.closed),
        ];
        self.execute_once(&self.target.statements.move_ring, &values).await
    }

    async fn event(
        &mut self,
        proposal: &Proposal<WrappedKey>,
        stored_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let (action, from, more) = described(&proposal.change);
        let (grounds, reason, counted_at) = match &proposal.provenance.grounds {
            Grounds::Ordinary => ("ordinary", None, None),
            Grounds::Emergency(reason) => ("emergency", Some(reason.as_str()), None),
            Grounds::Unreferenced(counted) => ("unreferenced", None, Some(counted.counted_at())),
            Grounds::Forced(reason) => ("forced", Some(reason.as_str()), None),
            Grounds::Distrust(reason) => ("distrust", Some(reason.as_str()), None),
        };
        let values = [
            self.name,
            number(proposal.next.number),
            tag(proposal.next),
            Value::Text(action),
            Value::Text(proposal.change.id().map_or("", KeyId::as_str)),
            Value::MaybeText(from),
            Value::MaybeText(more.as_deref()),
            Value::Text(proposal.provenance.actor.as_str()),
            Value::Text(grounds),
            Value::MaybeText(reason),
            time_or_null(counted_at),
            time(proposal.provenance.at),
            time_or_null(stored_at),
        ];
        self.execute_once(&self.target.statements.record, &values).await
    }

    async fn execute(&mut self, statement: &SqlStr, values: &[Value<'_>]) -> Result<u64, Error> {
        let changed = DB::execute(self.connection, statement, values).await;
        changed.map_err(Error::database::<DB>(self.target.ring))
    }

    /// Changes one row and no other: the transaction is given up if what it has read is not there.
    async fn execute_once(
        &mut self,
        statement: &SqlStr,
        values: &[Value<'_>],
    ) -> Result<(), Error> {
        match self.execute(statement, values).await? {
            1 => Ok(()),
            _ => Err(Error::of::<DB>(self.target.ring.clone(), DatabaseError::rows())),
        }
    }
}

/// Returns what an event says of a change: the action, the key that was active before, and the
/// other keys of a creation.
fn described(change: &Change<WrappedKey>) -> (&'static str, Option<&str>, Option<String>) {
    match change {
        Change::Create { records, destroyed } => {
            let keys = records.iter().filter(|record| !record.info.status.can_encrypt());
            let keys = keys.map(|record| record.info.id.as_str());
            let tombstones = destroyed.iter().map(|tombstone| tombstone.id.as_str());
            let more: Vec<&str> = keys.chain(tombstones).collect();
            ("create", None, (!more.is_empty()).then(|| more.join(" ")))
        }
        Change::Add(_) => ("add", None, None),
        Change::Activate(rotation) => {
            let action = if rotation.reactivated { "reactivate" } else { "activate" };
            (action, Some(rotation.from.as_str()), None)
        }
        Change::Retire { .. } => ("retire", None, None),
        Change::Revoke { .. } => ("revoke", None, None),
        Change::Restore(_) => ("restore", None, None),
        Change::Rewrap { .. } => ("rewrap", None, None),
        Change::Date(_) => ("date", None, None),
        Change::Destroy(_) => ("destroy", None, None),
        Change::Close(_) => ("close", None, None),
    }
}

fn id(id: &KeyId) -> Value<'_> {
    Value::Text(id.as_str())
}

fn number(number: u64) -> Value<'static> {
    Value::Integer(number.cast_signed())
}

fn tag(revision: Revision) -> Value<'static> {
    number(revision.tag)
}

fn time(at: Timestamp) -> Value<'static> {
    Value::Integer(at.as_unix_millis().cast_signed())
}

fn time_or_null(at: Option<Timestamp>) -> Value<'static> {
    Value::MaybeInteger(at.map(|at| at.as_unix_millis().cast_signed()))
}
