//! [`Slot`]: the thing that a ring has at an id other than that of its active key.

use alloc::boxed::Box;

use super::table::Identified;
use crate::id::KeyId;
use crate::key::{Destruction, Halves, Head, Key, KeyInfo, KeyRef, Rank};
use crate::status::{Inactive, KeyStatus, Retired, Revoked};
use crate::text::Reason;

/// A key that is not active, or what is known of one.
///
/// The numbers that a ring keeps of a key stand beside it and not in it, in the room that the
/// variant takes anyway: `seq` tells apart what happened at the same millisecond, and `refused`
/// says that the ring's list of refusals has the id.
pub(super) enum Slot<E, D: Halves<E>> {
    Inactive { seq: u32, refused: bool, key: Key<Inactive, E, D> },
    Retired { seq: u32, refused: bool, key: Key<Retired, E, D> },
    Revoked { seq: u32, key: Key<Revoked, E, D> },
    Destroyed { seq: u32, tombstone: Destruction },
    Unprepared { seq: u32, key: Box<Unprepared> },
}

/// A key whose material could not be prepared, and why.
#[derive(Clone)]
pub(super) struct Unprepared {
    pub(super) info: KeyInfo,
    pub(super) reason: Reason,
}

impl<E, D: Halves<E>> Identified for Slot<E, D> {
    #[inline]
    fn id(&self) -> &KeyId {
        match self {
            Self::Inactive { key, .. } => key.id(),
            Self::Retired { key, .. } => key.id(),
            Self::Revoked { key, .. } => key.id(),
            Self::Destroyed { tombstone, .. } => &tombstone.id,
            Self::Unprepared { key, .. } => &key.info.id,
        }
    }
}

impl<E, D: Halves<E>> Slot<E, D> {
    pub(super) fn unprepared(seq: u32, info: KeyInfo, reason: Reason) -> Self {
        Self::Unprepared { seq, key: Box::new(Unprepared { info, reason }) }
    }

    pub(super) fn tombstone(seq: u32, tombstone: &Destruction) -> Self {
        Self::Destroyed { seq, tombstone: tombstone.clone() }
    }

    /// The key, if there is one.
    #[inline]
    pub(super) fn key(&self) -> Option<KeyRef<'_, E, D>> {
        match self {
            Self::Inactive { key, .. } => Some(KeyRef::Inactive(key)),
            Self::Retired { key, .. } => Some(KeyRef::Retired(key)),
            Self::Revoked { key, .. } => Some(KeyRef::Revoked(key)),
            Self::Destroyed { .. } | Self::Unprepared { .. } => None,
        }
    }

    /// The place in the order that a ring promises for its keys; tombstones have none.
    pub(super) fn rank(&self) -> Option<Rank> {
        let seq = self.seq();
        match self {
            Self::Destroyed { .. } => None,
            Self::Unprepared { key, .. } => {
                Some(Head::new(key.info.clone(), 0).rank(key.info.status, seq))
            }
            Self::Inactive { key, .. } => Some(key.head().rank(KeyStatus::Inactive, seq)),
            Self::Retired { key, .. } => Some(key.head().rank(KeyStatus::Retired, seq)),
            Self::Revoked { key, .. } => Some(key.head().rank(KeyStatus::Revoked, seq)),
        }
    }

    pub(super) fn seq(&self) -> u32 {
        match self {
            Self::Inactive { seq, .. }
            | Self::Retired { seq, .. }
            | Self::Revoked { seq, .. }
            | Self::Destroyed { seq, .. }
            | Self::Unprepared { seq, .. } => *seq,
        }
    }

    pub(super) fn set_seq(&mut self, new: u32) {
        match self {
            Self::Inactive { seq, .. }
            | Self::Retired { seq, .. }
            | Self::Revoked { seq, .. }
            | Self::Destroyed { seq, .. }
            | Self::Unprepared { seq, .. } => *seq = new,
        }
    }

    /// Notes whether the ring's list of refusals has the id.
    pub(super) fn set_refused(&mut self, new: bool) {
        match self {
            Self::Inactive { refused, .. } | Self::Retired { refused, .. } => *refused = new,
            // They do not decrypt, whatever a policy says.
            Self::Revoked { .. } | Self::Destroyed { .. } | Self::Unprepared { .. } => {}
        }
    }
}

/// The first number: what comes before in a list goes up or down from here.
pub(super) const FIRST_SEQ: u32 = 1 << 31;
