//! The meaning of a commit, on rows: [`Snapshot::apply`].

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use thiserror::Error;

use super::{Change, Commit, Proposal, Revision, RingName, Snapshot};
use crate::audit::Grounds;
use crate::id::KeyId;
use crate::key::{Destruction, KeyInfo, KeyRecord, Rotation, TimeConflict};
use crate::ring::{InvalidKeyring, Keyring, TakenBy};
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

use KeyStatus::{Active, Inactive, Retired, Revoked};

impl<M> Snapshot<M> {
    /// Applies the change, if it expects this revision: makes this the snapshot after it.
    ///
    /// This is [`commit`](crate::KeyProvider::commit) for a store that keeps the whole ring in one
    /// place, such as a vault entry or a file. The store looks first if [`Proposal::next`] is in
    /// its history: this knows one revision, and answers [`Commit::Committed`] to a second sending
    /// only as long as it is the last.
    ///
    /// A store of rows may put the rows that the change [needs](Change::ids) into a snapshot, apply
    /// the change, and write them back. [`Snapshot::ids`] is then the ring's number, and not that
    /// of the rows.
    ///
    /// # Errors
    ///
    /// [`ChangeMismatch`] if the revision matches and the change does not fit the rows. Then, as on
    /// a conflict, nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::audit::{Grounds, Provenance};
    /// use key_rotation::store::{Change, Commit, Proposal, Revision, RingName, Snapshot};
    /// use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let mut store = Snapshot::empty(RingName::from_static("payments"));
    /// let first = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Active, now, "cipher");
    /// let mut proposal = Proposal {
    ///     expected: Revision::EMPTY,
    ///     next: Revision::new(1, 0xc0ffee),
    ///     change: Change::Create { records: vec![first], destroyed: vec![] },
    ///     provenance: Provenance { actor: "alice".parse()?, grounds: Grounds::Ordinary, at: now },
    ///     valid_until: None,
    /// };
    /// assert_eq!(store.apply(&proposal)?, Commit::Committed);
    /// assert_eq!(store.apply(&proposal)?, Commit::Committed); // the same, sent again
    ///
    /// proposal.next.tag = 0xbeef; // somebody else's
    /// assert_eq!(store.apply(&proposal)?, Commit::Conflict);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&mut self, proposal: &Proposal<M>) -> Result<Commit, ChangeMismatch> {
        self.apply_keeping(proposal).map(|(commit, _removed)| commit)
    }

    /// Applies the change as [`apply`](Self::apply) does, and returns the material that is gone.
    /// The caller drops it, because the drop of a material may panic or take its time.
    pub(super) fn apply_keeping(
        &mut self,
        proposal: &Proposal<M>,
    ) -> Result<(Commit, Vec<Arc<M>>), ChangeMismatch> {
        proposal.follows()?;
        if proposal.next == self.revision {
            return Ok((Commit::Committed, Vec::new()));
        }
        if proposal.expected != self.revision {
            return Ok((Commit::Conflict, Vec::new()));
        }
        self.admits(proposal)?;
        let removed = self.change(proposal)?;
        self.revision = proposal.next;
        Ok((Commit::Committed, removed))
    }

    /// Checks what does not depend on the kind of change.
    fn admits(&self, proposal: &Proposal<M>) -> Result<(), ChangeMismatch> {
        if let Some(at) = self.closed {
            return Err(ChangeMismatch::Closed { ring: self.ring.clone(), at });
        }
        match (proposal.valid_until, self.store_time) {
            (Some(until), Some(now)) if now > until => Err(ChangeMismatch::Expired { until, now }),
            _ => Ok(()),
        }
    }

    /// Changes the rows, or none of them. Returns the material that is gone.
    fn change(&mut self, proposal: &Proposal<M>) -> Result<Vec<Arc<M>>, ChangeMismatch> {
        let number = proposal.next.number;
        match &proposal.change {
            Change::Create { records, destroyed } => {
                if self.ids > 0 || !self.records.is_empty() || !self.destroyed.is_empty() {
                    return Err(ChangeMismatch::NotEmpty { ring: self.ring.clone() });
                }
                let _ring = Keyring::from_parts(records.clone(), destroyed.clone())
                    .map_err(ChangeMismatch::InvalidKeyring)?;
                self.records = records.iter().map(|record| added(record, number)).collect();
                self.destroyed = destroyed.iter().map(kept).collect();
                self.ids = (self.records.len() + self.destroyed.len()) as u64;
                Ok(Vec::new())
            }
            Change::Add(record) => {
                has_status(&record.info, &[Inactive])?;
                has_consistent_times(record)?;
                let id = &record.info.id;
                if let Some(taken_by) = self.taken_by(id) {
                    return Err(ChangeMismatch::KeyIdTaken { id: id.clone(), taken_by });
                }
                if self.ids == 0 {
                    // A ring that begins with an inactive key has no active one, for ever.
                    let _ring = Keyring::from_parts([record.clone()], [])
                        .map_err(ChangeMismatch::InvalidKeyring)?;
                }
                self.records.push(added(record, number));
                self.ids = self.ids.saturating_add(1);
                Ok(Vec::new())
            }
            Change::Activate(rotation) => {
                self.activate(rotation, number)?;
                Ok(Vec::new())
            }
            Change::Retire { retirement, material } => {
                let row = self.fitting(&retirement.id, &[Inactive], retirement.at)?;
                row.info.enter(Retired, retirement.at);
                row.info.counted = matches!(proposal.provenance.grounds, Grounds::Unreferenced(_));
                Ok(replaced(row, material.as_ref(), number))
            }
            Change::Revoke { revocation, material } => {
                let row = self.fitting(&revocation.id, &[Inactive, Retired], revocation.at)?;
                row.info.enter(Revoked, revocation.at);
                Ok(replaced(row, material.as_ref(), number))
            }
            Change::Restore(restoration) => {
                let row = self.fitting(&restoration.id, &[Revoked], restoration.at)?;
                row.info.enter(Retired, restoration.at);
                Ok(Vec::new())
            }
            Change::Rewrap { id, material } => {
                let row = self.row(id)?;
                Ok(replaced(row, Some(material), number))
            }
            Change::Date(dating) => {
                self.row(&dating.id)?.info.date(dating.at);
                Ok(Vec::new())
            }
            Change::Destroy(destruction) => {
                let Destruction { id, at, .. } = destruction;
                let _ = self.fitting(id, &[Retired, Revoked], *at)?;
                self.destroyed.push(kept(destruction));
                let (gone, kept): (Vec<_>, _) =
                    mem::take(&mut self.records).into_iter().partition(|row| row.info.id == *id);
                self.records = kept;
                Ok(gone.into_iter().map(|row| row.material).collect())
            }
            Change::Close(closing) => {
                let _ = self.fitting(&closing.active, &[Active], closing.at)?;
                for row in &self.records {
                    no_later_than(&row.info, closing.at)?;
                }
                self.closed = Some(closing.at);
                let gone = mem::take(&mut self.records);
                let tombstone =
                    |row: &KeyRecord<M>| Destruction::new(row.info.id.clone(), closing.at);
                self.destroyed.extend(gone.iter().map(tombstone));
                Ok(gone.into_iter().map(|row| row.material).collect())
            }
        }
    }

    fn activate(&mut self, rotation: &Rotation, number: u64) -> Result<(), ChangeMismatch> {
        let Rotation { from, to, at, reactivated, .. } = rotation;
        let _ = self.fitting(from, &[Active], *at)?;
        if self.fitting(to, &[Inactive], *at)?.info.used != *reactivated {
            return Err(ChangeMismatch::Reactivation { id: to.clone() });
        }
        let demoted = self.row(from)?;
        demoted.info.enter(Inactive, *at);
        demoted.info.deactivated_in = number;
        self.row(to)?.info.enter(Active, *at);
        Ok(())
    }

    fn row(&mut self, id: &KeyId) -> Result<&mut KeyRecord<M>, ChangeMismatch> {
        let mut rows = self.records.iter_mut();
        rows.find(|row| row.info.id == *id)
            .ok_or_else(|| ChangeMismatch::KeyNotFound { id: id.clone() })
    }

    /// The row of this id, if it has a status that a change needs and no time after the change.
    fn fitting(
        &mut self,
        id: &KeyId,
        needed: &'static [KeyStatus],
        at: Timestamp,
    ) -> Result<&mut KeyRecord<M>, ChangeMismatch> {
        let row = self.row(id)?;
        has_status(&row.info, needed)?;
        no_later_than(&row.info, at)?;
        Ok(row)
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
fn added<M>(record: &KeyRecord<M>, number: u64) -> KeyRecord<M> {
    let mut row = record.clone();
    row.info.added_in = number;
    let was_demoted = row.info.status == Inactive && row.info.used;
    row.info.deactivated_in = if was_demoted { number } else { 0 };
    row.material_in = number;
    row
}

/// The tombstone that a store keeps: its time is the one that counts, whatever was asked for.
fn kept(destruction: &Destruction) -> Destruction {
    Destruction::new(destruction.id.clone(), destruction.at)
}

/// Puts other material into the row, if there is some, and returns what was there.
fn replaced<M>(row: &mut KeyRecord<M>, material: Option<&Arc<M>>, number: u64) -> Vec<Arc<M>> {
    let Some(material) = material else { return Vec::new() };
    row.material_in = number;
    Vec::from([mem::replace(&mut row.material, Arc::clone(material))])
}

fn has_status(key: &KeyInfo, needed: &'static [KeyStatus]) -> Result<(), ChangeMismatch> {
    let (id, found) = (&key.id, key.status);
    if needed.contains(&found) {
        Ok(())
    } else {
        Err(ChangeMismatch::WrongStatus { id: id.clone(), needed, found })
    }
}

fn no_later_than(key: &KeyInfo, at: Timestamp) -> Result<(), ChangeMismatch> {
    match key.times.latest() {
        Some(carried) if at < carried => {
            Err(ChangeMismatch::Backdated { id: key.id.clone(), at, carried })
        }
        _ => Ok(()),
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
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChangeMismatch {
    /// First keys for a ring that has keys or tombstones.
    #[error("the first keys of ring `{ring}` cannot be written: it is not empty")]
    NotEmpty {
        /// The ring.
        ring: RingName,
    },
    /// First keys that do not make a ring.
    #[error(transparent)]
    InvalidKeyring(InvalidKeyring),
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
    #[error("key `{id}` is {found}, and the change needs it to be {}", OneOf(needed))]
    WrongStatus {
        /// The key.
        id: KeyId,
        /// The statuses that the change allows.
        needed: &'static [KeyStatus],
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
    /// The revision that the change would make does not have the number after the expected one.
    #[error("revision {next} does not come after revision {expected}")]
    NotTheNext {
        /// The revision that the proposer saw.
        expected: Revision,
        /// The revision that the commit was to make.
        next: Revision,
    },
    /// The ring was closed: nothing is ever written to it again.
    #[error("ring `{ring}` was closed at {at}: use a ring of another name")]
    Closed {
        /// The ring.
        ring: RingName,
        /// When it was closed.
        at: Timestamp,
    },
    /// The proposal has come too late: it was decided on what may not be so any more.
    #[error(
        "the change was to be written until {until}, and the store's clock says {now}: decide anew"
    )]
    Expired {
        /// The time until which it was to be written.
        until: Timestamp,
        /// The time by the store's clock.
        now: Timestamp,
    },
}

/// Statuses in a sentence.
struct OneOf<'a>(&'a [KeyStatus]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, status) in self.0.iter().enumerate() {
            let or = if n > 0 { " or " } else { "" };
            write!(f, "{or}{status}")?;
        }
        Ok(())
    }
}
