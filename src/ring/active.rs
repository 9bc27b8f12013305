//! [`ActiveKey`]: the one active key of a ring.

use crate::key::{Halves, Key, Rotation};
use crate::status::{Active, Inactive};
use crate::timestamp::Timestamp;

/// The active key, beside the ends of its id: a lookup sees by them whether it is for this key.
/// Only together do they change.
pub(super) struct ActiveKey<E, D: Halves<E>> {
    ends: Ends,
    key: Key<Active, E, D>,
}

impl<E, D: Halves<E>> ActiveKey<E, D> {
    pub(super) fn new(key: Key<Active, E, D>) -> Self {
        Self { ends: Ends::of(key.id().as_str()), key }
    }

    #[inline]
    pub(super) fn key(&self) -> &Key<Active, E, D> {
        &self.key
    }

    pub(super) fn into_key(self) -> Key<Active, E, D> {
        self.key
    }

    /// Returns true if this is its id.
    #[inline]
    pub(super) fn is(&self, id: &str) -> bool {
        let ends = Ends::of(id);
        ends == self.ends && (ends.are_all() || self.key.id().as_str() == id)
    }

    /// `next` becomes the active key, and the key that was active stands in its place.
    #[inline]
    pub(super) fn give_way(
        &mut self,
        next: &mut Key<Inactive, E, D>,
        asked_at: Timestamp,
    ) -> Rotation {
        self.ends = Ends::of(next.id().as_str());
        self.key.give_way(next, asked_at)
    }
}

/// The length of an id, and its last and first eight bytes if it has so many.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    // The end first, because ids often begin alike and rarely end alike.
    end: [u8; 8],
    start: [u8; 8],
    len: usize,
}

impl Ends {
    #[inline]
    fn of(id: &str) -> Self {
        let bytes = id.as_bytes();
        Self {
            end: bytes.last_chunk().copied().unwrap_or_default(),
            start: bytes.first_chunk().copied().unwrap_or_default(),
            len: bytes.len(),
        }
    }

    /// Returns true if nothing lies between them: an id of the usual length is told by them alone.
    #[inline]
    fn are_all(self) -> bool {
        matches!(self.len, 8..=16)
    }
}
