//! [`Proposal`]: what a store is asked to write; and the answers to it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::iter;

use thiserror::Error;

use super::{ChangeMismatch, Revision};
use crate::audit::{AuditAction, AuditEvent, Provenance};
use crate::id::KeyId;
use crate::key::{
    Closing, Dating, Destruction, KeyRecord, Restoration, Retirement, Revocation, Rotation,
};
use crate::material::KeyMaterial;
use crate::ring_name::RingName;
use crate::timestamp::Timestamp;

/// A change that a store is asked to write. It may be sent any number of times, and is written at
/// most once.
#[must_use = "a proposal does nothing until it is sent"]
#[expect(clippy::exhaustive_structs, reason = "providers read it field by field")]
pub struct Proposal<M = KeyMaterial> {
    /// The revision that the proposer saw.
    pub expected: Revision,
    /// The revision that the commit makes: the next number, with a tag that the proposer drew.
    pub next: Revision,
    /// The change.
    pub change: Change<M>,
    /// The actor, the grounds and the time.
    pub provenance: Provenance,
    /// The time, by the store's clock, after which the store no longer writes it. A store without a
    /// clock has no such limit.
    pub valid_until: Option<Timestamp>,
}

impl<M> Proposal<M> {
    /// Checks that the revision that the commit makes comes after the expected one.
    ///
    /// A store asks this first: what does not follow is never in a history.
    ///
    /// # Errors
    ///
    /// [`ChangeMismatch::NotTheNext`].
    pub fn follows(&self) -> Result<(), ChangeMismatch> {
        let Self { expected, next, .. } = self;
        if expected.next(next.tag) == Some(*next) {
            Ok(())
        } else {
            Err(ChangeMismatch::NotTheNext { expected: *expected, next: *next })
        }
    }

    /// Returns the event that the commit of this proposal is, for the history of this ring.
    #[must_use]
    pub fn event(&self, ring: RingName, stored_at: Option<Timestamp>) -> AuditEvent {
        AuditEvent {
            ring,
            revision: self.next,
            action: self.change.action(),
            provenance: self.provenance.clone(),
            stored_at,
        }
    }
}

impl<M> Clone for Proposal<M> {
    fn clone(&self) -> Self {
        Self {
            expected: self.expected,
            next: self.next,
            change: self.change.clone(),
            provenance: self.provenance.clone(),
            valid_until: self.valid_until,
        }
    }
}

// By hand, because a derive would ask for `M: Debug`.
impl<M> fmt::Debug for Proposal<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("expected", &self.expected)
            .field("next", &self.next)
            .field("change", &self.change)
            .field("provenance", &self.provenance)
            .field("valid_until", &self.valid_until)
            .finish()
    }
}

/// A change of a stored ring. There are no others: a provider handles every one.
///
/// # Examples
///
/// ```
/// use key_rotation::key::Retirement;
/// use key_rotation::store::Change;
/// use key_rotation::{KeyId, Timestamp};
///
/// let retirement = Retirement::new(KeyId::from_static("k1"), Timestamp::now());
/// let change: Change = Change::Retire { retirement, material: None };
/// assert_eq!(change.id().map(KeyId::as_str), Some("k1"));
/// ```
#[expect(clippy::exhaustive_enums, reason = "a provider handles every change")]
pub enum Change<M = KeyMaterial> {
    /// Writes the first keys of an empty store: one of them active, and any number of others.
    Create {
        /// The keys.
        records: Vec<KeyRecord<M>>,
        /// The tombstones.
        destroyed: Vec<Destruction>,
    },
    /// Writes a new inactive key.
    Add(KeyRecord<M>),
    /// Makes another key the active one: two rows in one atomic write.
    Activate(Rotation),
    /// Makes an inactive key retired.
    Retire {
        /// The key, and the time.
        retirement: Retirement,
        /// The material that is left to store, where it is not what is stored already.
        material: Option<Arc<M>>,
    },
    /// Makes an inactive or retired key revoked.
    Revoke {
        /// The key, and the time.
        revocation: Revocation,
        /// The material that is left to store, where it is not what is stored already.
        material: Option<Arc<M>>,
    },
    /// Makes a revoked key retired.
    Restore(Restoration),
    /// Puts a blob under a new wrapping key in the place of the stored one.
    Rewrap {
        /// The key.
        id: KeyId,
        /// The new blob, of the same key.
        material: Arc<M>,
    },
    /// Puts the times of a key right: unknown ones, and those in the future, count from now.
    Date(Dating),
    /// Removes a retired or revoked key, and writes its tombstone.
    Destroy(Destruction),
    /// Destroys every key of the ring, the active one too, and ends the ring: nothing is ever
    /// written to it again.
    Close(Closing),
}

impl<M> Change<M> {
    /// Returns the id of the key that changes: of a creation and a closing, that of the active key;
    /// of a rotation, that of the key that becomes active. `None` if a creation has no active key.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        match self {
            Self::Create { records, .. } => {
                let active = records.iter().find(|record| record.info.status.can_encrypt());
                active.map(|record| &record.info.id)
            }
            Self::Add(record) => Some(&record.info.id),
            Self::Activate(rotation) => Some(&rotation.to),
            Self::Retire { retirement, .. } => Some(&retirement.id),
            Self::Revoke { revocation, .. } => Some(&revocation.id),
            Self::Restore(restoration) => Some(&restoration.id),
            Self::Rewrap { id, .. } => Some(id),
            Self::Date(dating) => Some(&dating.id),
            Self::Destroy(destruction) => Some(&destruction.id),
            Self::Close(closing) => Some(&closing.active),
        }
    }

    /// Lists the keys whose rows a store reads and writes for this change; `None` for a change that
    /// concerns the whole ring.
    ///
    /// A store may make a [`Snapshot`](super::Snapshot) of these rows alone, apply the change to
    /// it, and write these rows back.
    #[must_use]
    pub fn ids(&self) -> Option<impl Iterator<Item = &KeyId>> {
        let (first, second) = match self {
            Self::Create { .. } | Self::Close(_) => return None,
            Self::Activate(rotation) => (&rotation.to, Some(&rotation.from)),
            Self::Add(record) => (&record.info.id, None),
            Self::Retire { retirement, .. } => (&retirement.id, None),
            Self::Revoke { revocation, .. } => (&revocation.id, None),
            Self::Restore(restoration) => (&restoration.id, None),
            Self::Rewrap { id, .. } => (id, None),
            Self::Date(dating) => (&dating.id, None),
            Self::Destroy(destruction) => (&destruction.id, None),
        };
        Some(iter::once(first).chain(second))
    }

    /// Returns what an audit event says of this change.
    #[must_use]
    pub fn action(&self) -> AuditAction {
        match self {
            Self::Create { records, destroyed } => {
                let (mut active, others): (Vec<_>, Vec<_>) =
                    records.iter().partition(|record| record.info.status.can_encrypt());
                active.extend(others);
                let keys = active.into_iter().map(|record| record.info.id.clone());
                let tombstones = destroyed.iter().map(|tombstone| tombstone.id.clone());
                AuditAction::Created { ids: keys.chain(tombstones).collect() }
            }
            Self::Add(record) => AuditAction::Added { id: record.info.id.clone() },
            Self::Activate(Rotation { from, to, reactivated, .. }) => AuditAction::Activated {
                from: from.clone(),
                to: to.clone(),
                reactivated: *reactivated,
            },
            Self::Retire { retirement, .. } => AuditAction::Retired { id: retirement.id.clone() },
            Self::Revoke { revocation, .. } => AuditAction::Revoked { id: revocation.id.clone() },
            Self::Restore(restoration) => AuditAction::Restored { id: restoration.id.clone() },
            Self::Rewrap { id, .. } => AuditAction::Rewrapped { id: id.clone() },
            Self::Date(dating) => AuditAction::Dated { id: dating.id.clone() },
            Self::Destroy(destruction) => AuditAction::Destroyed { id: destruction.id.clone() },
            Self::Close(closing) => AuditAction::Closed { active: closing.active.clone() },
        }
    }
}

impl<M> Clone for Change<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Create { records, destroyed } => {
                Self::Create { records: records.clone(), destroyed: destroyed.clone() }
            }
            Self::Add(record) => Self::Add(record.clone()),
            Self::Activate(rotation) => Self::Activate(rotation.clone()),
            Self::Retire { retirement, material } => {
                Self::Retire { retirement: retirement.clone(), material: material.clone() }
            }
            Self::Revoke { revocation, material } => {
                Self::Revoke { revocation: revocation.clone(), material: material.clone() }
            }
            Self::Restore(restoration) => Self::Restore(restoration.clone()),
            Self::Rewrap { id, material } => {
                Self::Rewrap { id: id.clone(), material: Arc::clone(material) }
            }
            Self::Date(dating) => Self::Date(dating.clone()),
            Self::Destroy(destruction) => Self::Destroy(destruction.clone()),
            Self::Close(closing) => Self::Close(closing.clone()),
        }
    }
}

// By hand, because a derive would ask for `M: Debug`, and would show it.
impl<M> fmt::Debug for Change<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { records, destroyed } => f
                .debug_struct("Create")
                .field("records", records)
                .field("destroyed", destroyed)
                .finish(),
            Self::Add(record) => f.debug_tuple("Add").field(record).finish(),
            Self::Activate(rotation) => f.debug_tuple("Activate").field(rotation).finish(),
            Self::Retire { retirement, .. } => f.debug_tuple("Retire").field(retirement).finish(),
            Self::Revoke { revocation, .. } => f.debug_tuple("Revoke").field(revocation).finish(),
            Self::Restore(restoration) => f.debug_tuple("Restore").field(restoration).finish(),
            Self::Rewrap { id, .. } => f.debug_tuple("Rewrap").field(id).finish(),
            Self::Date(dating) => f.debug_tuple("Date").field(dating).finish(),
            Self::Destroy(tombstone) => f.debug_tuple("Destroy").field(tombstone).finish(),
            Self::Close(closing) => f.debug_tuple("Close").field(closing).finish(),
        }
    }
}

/// The answer of a store to a proposal. A lost race is an answer and not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
#[expect(clippy::exhaustive_enums, reason = "a change is written, or it is not")]
pub enum Commit {
    /// The change is in the store's history, as [`Proposal::next`], whichever sending put it there.
    Committed,
    /// The store was no longer at the expected revision. The change is not written, and never will
    /// be.
    Conflict,
}

/// The error of a commit, which says what became of the change.
///
/// `E` is the store's error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(clippy::exhaustive_enums, reason = "a caller handles every outcome")]
pub enum CommitError<E> {
    /// The change does not fit the rows of the store. Nothing is written, now or later.
    #[error(transparent)]
    Mismatch(ChangeMismatch),
    /// Nothing is written, and to try again does not help.
    #[error("the store refused the change, and nothing was written")]
    Refused(#[source] E),
    /// Nothing is written, and to try again later may help.
    #[error("nothing was written: try again later")]
    NotWritten(#[source] E),
    /// It is not known whether the change is written. Only sending the same proposal again tells.
    #[error("it is not known whether the change was written: send the same proposal again")]
    Unknown(#[source] E),
}

impl<E> CommitError<E> {
    /// Makes another error of the store's error.
    pub fn map<F>(self, map: impl FnOnce(E) -> F) -> CommitError<F> {
        match self {
            Self::Mismatch(mismatch) => CommitError::Mismatch(mismatch),
            Self::Refused(error) => CommitError::Refused(map(error)),
            Self::NotWritten(error) => CommitError::NotWritten(map(error)),
            Self::Unknown(error) => CommitError::Unknown(map(error)),
        }
    }
}
