//! [`RingDirectory`]: the rings of one store.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Revision, RingName};
use crate::timestamp::Timestamp;

/// A store of many rings, which can list them and tell which have changed.
pub trait RingDirectory: Send + Sync {
    /// The error of the store.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Lists all rings, closed ones too, in the order of their names.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what it holds cannot be.
    fn rings(&self) -> impl Future<Output = Result<Vec<RingHead>, Self::Error>> + Send;

    /// Lists the rings that were changed since this mark was given, in the order of their names,
    /// and perhaps some that were not. [`Mark::START`] lists all.
    ///
    /// A mark means nothing to a store that was restored from a backup. So compare all
    /// [`rings`](Self::rings) now and then.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what it holds cannot be.
    fn changed_since(
        &self,
        mark: Mark,
    ) -> impl Future<Output = Result<Changed, Self::Error>> + Send;
}

/// A ring in a list of rings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct RingHead {
    /// The ring.
    pub ring: RingName,
    /// Its revision.
    pub revision: Revision,
    /// When it was closed, if it was.
    pub closed: Option<Timestamp>,
}

/// A place in the time of a store, up to which a reader knows its rings. It means something to the
/// store alone that gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark(u64);

impl Mark {
    /// The mark before every change.
    pub const START: Self = Self(0);

    /// Makes a mark, as a store does.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of the mark, for the store that made it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The rings that were changed since a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct Changed {
    /// The rings, in the order of their names.
    pub rings: Vec<RingHead>,
    /// The mark to ask with the next time.
    pub mark: Mark,
}

impl<D: RingDirectory> RingDirectory for &D {
    type Error = D::Error;

    fn rings(&self) -> impl Future<Output = Result<Vec<RingHead>, Self::Error>> + Send {
        (**self).rings()
    }

    fn changed_since(
        &self,
        mark: Mark,
    ) -> impl Future<Output = Result<Changed, Self::Error>> + Send {
        (**self).changed_since(mark)
    }
}

impl<D: RingDirectory> RingDirectory for Box<D> {
    type Error = D::Error;

    fn rings(&self) -> impl Future<Output = Result<Vec<RingHead>, Self::Error>> + Send {
        (**self).rings()
    }

    fn changed_since(
        &self,
        mark: Mark,
    ) -> impl Future<Output = Result<Changed, Self::Error>> + Send {
        (**self).changed_since(mark)
    }
}

impl<D: RingDirectory> RingDirectory for Arc<D> {
    type Error = D::Error;

    fn rings(&self) -> impl Future<Output = Result<Vec<RingHead>, Self::Error>> + Send {
        (**self).rings()
    }

    fn changed_since(
        &self,
        mark: Mark,
    ) -> impl Future<Output = Result<Changed, Self::Error>> + Send {
        (**self).changed_since(mark)
    }
}
