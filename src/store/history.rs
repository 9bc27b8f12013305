//! [`History`]: what was written to a ring, by whom and why.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{KeyProvider, Revision};
use crate::audit::AuditEvent;

/// A store that keeps an event of each commit, for good.
///
/// An event is written in one step with its change, so there is none without the other.
pub trait History: KeyProvider {
    /// Lists the events after this revision, the earliest first: all of them after
    /// [`Revision::EMPTY`].
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what it holds cannot be.
    fn history(&self, after: Revision) -> impl Future<Output = Result<Events, Self::Error>> + Send;
}

/// The answer of a store to a question about its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a revision is in the history, or it is not")]
pub enum Events {
    /// The events after the revision, the earliest first.
    Since(Vec<AuditEvent>),
    /// The revision is not in the store's history.
    NotInHistory {
        /// The revision that was asked for.
        seen: Revision,
        /// The revision that the store has.
        found: Revision,
    },
}

impl<P: History> History for &P {
    fn history(&self, after: Revision) -> impl Future<Output = Result<Events, Self::Error>> + Send {
        (**self).history(after)
    }
}

impl<P: History> History for Box<P> {
    fn history(&self, after: Revision) -> impl Future<Output = Result<Events, Self::Error>> + Send {
        (**self).history(after)
    }
}

impl<P: History> History for Arc<P> {
    fn history(&self, after: Revision) -> impl Future<Output = Result<Events, Self::Error>> + Send {
        (**self).history(after)
    }
}
