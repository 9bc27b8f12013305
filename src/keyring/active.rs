//! [`ActiveKey`]: the one active key of a ring.

use crate::id::{Ends, Sought};
use crate::key::Key;
use crate::receipt::Rotation;
use crate::status::{Active, Inactive};
use crate::timestamp::Timestamp;

/// The active key, beside the words of its id that most lookups are compared with. Only together do
/// they change.
pub(super) struct ActiveKey<M> {
    key: Key<Active, M>,
    ends: Ends,
}

impl<M> ActiveKey<M> {
    pub(super) fn new(key: Key<Active, M>) -> Self {
        Self { ends: key.id().ends(), key }
    }

    #[inline]
    pub(super) fn key(&self) -> &Key<Active, M> {
        &self.key
    }

    pub(super) fn into_key(self) -> Key<Active, M> {
        self.key
    }

    /// Whether this is its id.
    #[inline(always)]
    pub(super) fn is(&self, id: impl Sought) -> bool {
        id.is_the_one(self.ends, self.key.id())
    }

    /// `next` becomes the active key, and what was active stands in its place.
    #[inline(always)]
    pub(super) fn give_way(&mut self, next: &mut Key<Inactive, M>, at: Timestamp) -> Rotation {
        self.ends = next.id().ends();
        self.key.give_way(next, at)
    }
}
