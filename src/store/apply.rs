//! The meaning of a commit, on rows: [`Snapshot::apply`].

use alloc::vec::Vec;
use core::mem;

use thiserror::Error;

use super::{Change, Commit, Revision, Snapshot};
use crate::id::KeyId;
use crate::key::TimeConflict;
use crate::key::{Destruction, KeyInfo, KeyRecord};
use crate::ring::TakenBy;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

impl<M> Snapshot<M> {
    /// Applies the change, if it expects this revision: makes this the snapshot after it.
    ///
    /// This is [`commit`](crate::KeyProvider::commit) for a store that keeps the whole ring in one
    /// place, such as a vault entry or a file.
    ///
    /// # Errors
    ///
    /// [`ChangeMismatch`] if the revision matches and the change does not fit the rows. Then, as on
    /// a conflict, nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::store::{Change, ChangeMismatch, Commit, Revision, Snapshot};
    /// use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    ///
    /// let mut store = Snapshot::empty();
    /// let id = KeyId::from_static("k1");
    /// let first = KeyRecord::new(id, KeyStatus::Active, Timestamp::now(), "cipher");
    /// let change = Change::Create(first);
    ///
    /// assert_eq!(store.apply(Revision::EMPTY, &change)?, Commit::Committed(Revision::new(1)));
    /// assert_eq!(store.apply(Revision::EMPTY, &change)?, Commit::Conflict);
    /// # Ok::<(), ChangeMismatch>(())
    /// ```
    pub fn apply(
        &mut self,
        expected: Revision,
        change: &Change<M>,
    ) -> Result<Commit, ChangeMismatch> {
        self.apply_keeping(expected, change).map(|(commit, _removed)| commit)
    }

    /// Applies the change as [`apply`](Self::apply) does, and returns the records that are gone.
    /// The caller drops them, because the drop of a material may panic or take its time.
    pub(super) fn apply_keeping(
        &mut self,
        expected: Revision,
        change: &Change<M>,
    ) -> Result<(Commit, Vec<KeyRecord<M>>), ChangeMismatch> {
        if expected != self.revision {
            return Ok((Commit::Conflict, Vec::new()));
        }
        let mut removed: Vec<KeyRecord<M>> = Vec::new();
        match change {
            Change::Create(record) => {
                if !self.is_empty() {
                    return Err(ChangeMismatch::NotEmpty { id: record.info.id.clone() });
                }
                has_status(&record.info, KeyStatus::Active)?;
                has_consistent_times(record)?;
                self.records.push(added(record, self.revision.next()));
            }
            Change::Add(record) => {
                has_status(&record.info, KeyStatus::Inactive)?;
                has_consistent_times(record)?;
                let id = &record.info.id;
                if let Some(taken_by) = self.taken_by(id) {
                    return Err(ChangeMismatch::KeyIdTaken { id: id.clone(), taken_by });
                }
                self.records.push(added(record, self.revision.next()));
            }
            Change::Activate(rotation) => {
                let (from, to, at) = (&rotation.from, &rotation.to, rotation.at);
                self.fitting(from, KeyStatus::Active, at)?;
                let used = self.fitting(to, KeyStatus::Inactive, at)?.info.used;
                if used != rotation.reactivated {
                    return Err(ChangeMismatch::Reactivation { id: to.clone() });
                }
                let deactivated_in = self.revision.next().as_u64();
                for row in self.rows_of(from) {
                    row.info.enter(KeyStatus::Inactive, at);
                    row.info.deactivated_in = deactivated_in;
                }
                self.rows_of(to).for_each(|row| row.info.enter(KeyStatus::Active, at));
            }
            Change::Retire(retirement) => {
                let (id, at) = (&retirement.id, retirement.at);
                self.fitting(id, KeyStatus::Inactive, at)?;
                self.rows_of(id).for_each(|row| row.info.enter(KeyStatus::Retired, at));
            }
            Change::Destroy(Destruction { id, at, .. }) => {
                self.fitting(id, KeyStatus::Retired, *at)?;
                self.destroyed.push(Destruction::new(id.clone(), *at));
                let (gone, kept) =
                    mem::take(&mut self.records).into_iter().partition(|row| row.info.id == *id);
                self.records = kept;
                removed = gone;
            }
        }
        self.revision = self.revision.next();
        Ok((Commit::Committed(self.revision), removed))
    }

    /// The row of this id, if it has the status that a change needs and no time after the change.
    fn fitting(
        &self,
        id: &KeyId,
        expected: KeyStatus,
        at: Timestamp,
    ) -> Result<&KeyRecord<M>, ChangeMismatch> {
        let row = self
            .records
            .iter()
            .find(|row| row.info.id == *id)
            .ok_or_else(|| ChangeMismatch::KeyNotFound { id: id.clone() })?;
        has_status(&row.info, expected)?;
        match row.info.times.latest() {
            Some(carried) if at < carried => {
                Err(ChangeMismatch::Backdated { id: id.clone(), at, carried })
            }
            _ => Ok(row),
        }
    }

    /// The row of this id.
    fn rows_of<'s>(&'s mut self, id: &'s KeyId) -> impl Iterator<Item = &'s mut KeyRecord<M>> {
        self.records.iter_mut().filter(move |row| row.info.id == *id)
    }

    fn taken_by(&self, id: &KeyId) -> Option<TakenBy> {
        let by_key = self
            .records
            .iter()
            .find(|row| row.info.id == *id)
            .map(|row| TakenBy::Key(row.info.status));
        let tombstone = || self.destroyed.iter().find(|tombstone| tombstone.id == *id);
        by_key.or_else(|| tombstone().map(|tombstone| TakenBy::Tombstone { at: tombstone.at }))
    }
}

/// A new row, with what the store says about it.
fn added<M>(record: &KeyRecord<M>, revision: Revision) -> KeyRecord<M> {
    let mut row = record.clone();
    row.info.added_in = revision.as_u64();
    row.material_in = revision.as_u64();
    row
}

fn has_status(key: &KeyInfo, expected: KeyStatus) -> Result<(), ChangeMismatch> {
    let (id, found) = (&key.id, key.status);
    if found == expected {
        Ok(())
    } else {
        Err(ChangeMismatch::WrongStatus { id: id.clone(), expected, found })
    }
}

fn has_consistent_times<M>(record: &KeyRecord<M>) -> Result<(), ChangeMismatch> {
    match record.conflicts().next() {
        None => Ok(()),
        Some(conflict) => {
            Err(ChangeMismatch::InconsistentTimes { id: record.info.id.clone(), conflict })
        }
    }
}

/// The error for a change that does not fit the rows of the store, at the revision that it expects.
/// The writer or the store is wrong, and to try again does not help.
///
/// # Examples
///
/// ```
/// use key_rotation::key::Retirement;
/// use key_rotation::store::{Change, Revision, Snapshot};
/// use key_rotation::{KeyId, Timestamp};
///
/// let retire = Change::Retire(Retirement::new(KeyId::from_static("k1"), Timestamp::now()));
/// let error = Snapshot::<()>::empty().apply(Revision::EMPTY, &retire).unwrap_err();
/// assert_eq!(error.to_string(), "the store has no key `k1`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChangeMismatch {
    /// A first key for a store that has keys or tombstones.
    #[error("key `{id}` cannot be the first: the store is not empty")]
    NotEmpty {
        /// The key that was to be the first.
        id: KeyId,
    },
    /// A new key whose id is taken.
    #[error("the key id `{id}` is taken by {taken_by}")]
    KeyIdTaken {
        /// The id.
        id: KeyId,
        /// The key or the tombstone that has it already.
        taken_by: TakenBy,
    },
    /// The key that is to change is not there.
    #[error("the store has no key `{id}`")]
    KeyNotFound {
        /// The id.
        id: KeyId,
    },
    /// The key that is to change, or to be stored, has another status than the change needs.
    #[error("key `{id}` is {found}, and the change needs it to be {expected}")]
    WrongStatus {
        /// The key.
        id: KeyId,
        /// The status that the change needs.
        expected: KeyStatus,
        /// The status that the key has.
        found: KeyStatus,
    },
    /// The change is dated before something that has happened to the key.
    #[error(
        "the change of key `{id}` is dated {at}, before {carried}, which the key carries already"
    )]
    Backdated {
        /// The key.
        id: KeyId,
        /// The time of the change.
        at: Timestamp,
        /// The latest time that the key carries.
        carried: Timestamp,
    },
    /// The times of a new key contradict each other: no ring would load it.
    #[error("the times of key `{id}` contradict each other: {conflict}")]
    InconsistentTimes {
        /// The key.
        id: KeyId,
        /// The conflict.
        conflict: TimeConflict,
    },
    /// The change and the row disagree on whether the key was active before.
    #[error("the change and the store disagree on whether key `{id}` was active before")]
    Reactivation {
        /// The key.
        id: KeyId,
    },
}
