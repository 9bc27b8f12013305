//! Stores: a compare-and-swap of small, typed changes, with a history.
//!
//! | for… | there is |
//! |---|---|
//! | reading and changing a stored ring | [`KeyProvider`], and [`DynKeyProvider`] where its type is chosen at run time |
//! | what is read | [`Loaded`], [`Snapshot`], [`Revision`] |
//! | what is written | [`Proposal`] of a [`Change`], answered by [`Commit`] or [`CommitError`] |
//! | what was written, by whom and why | [`History`] |
//! | the rings of one store | [`RingDirectory`], [`RingName`] |
//! | tests, and programs that get their keys at start | [`InMemoryKeyProvider`] |
//!
//! A store of your own is an impl of [`KeyProvider`], and of the others that it can do; the module
//! `conformance` (with the feature of that name) checks that it does what the traits promise.

use alloc::boxed::Box;
use alloc::sync::Arc;

pub use self::apply::ChangeMismatch;
pub use self::change::{Change, Commit, CommitError, Proposal};
pub use self::directory::{Changed, Mark, RingDirectory, RingHead};
pub use self::erased::{DynKeyProvider, DynProviderError};
pub use self::history::{Events, History};
#[cfg(feature = "std")]
pub use self::memory::{InMemoryKeyProvider, InMemoryRings};
pub use self::snapshot::{Loaded, Snapshot};
pub use crate::revision::Revision;
pub use crate::ring_name::RingName;

mod apply;
mod change;
mod directory;
mod erased;
mod history;
#[cfg(feature = "std")]
mod memory;
mod snapshot;

/// A stored ring.
///
/// A store keeps records, tombstones, a [`Revision`], and the revisions of all earlier commits. It
/// has two operations. The second gives a fleet of processes one active key: a change is written
/// only if nothing has changed since the writer looked.
///
/// Both futures may be dropped at every await. Then nothing is half-done: a commit has happened or
/// will never happen, or it is on its way and happens whole; and what the store lent, such as a
/// connection, is given back clean or closed.
///
/// # What `load` promises
///
/// `seen` is the revision of the ring that the caller has; [`Revision::EMPTY`] if it has none.
///
/// - [`Loaded::Unchanged`]: the store is at that very revision, number and tag, and no row is
///   missing. Never the answer to [`Revision::EMPTY`].
/// - [`Loaded::Ring`]: the store's content, which descends from the revision that was seen.
/// - [`Loaded::NotInHistory`]: the revision that was seen is not among the store's. It was restored
///   from a backup, it was wiped, or it is another store.
///
/// # What `commit` promises
///
/// - [`Commit::Committed`]: [`Proposal::next`] is in the store's history, whoever's sending put it
///   there. So a proposal may be sent twice, and even while the first sending is on its way.
/// - [`Commit::Conflict`]: the proposal is not in the history, and never will be, because the store
///   is no longer at [`Proposal::expected`].
/// - [`CommitError::Mismatch`]: the change does not fit the rows. Nothing is written, now or later.
/// - [`CommitError::Refused`]: nothing is written, and to try again does not help.
/// - [`CommitError::NotWritten`]: nothing is written, and to try again later may help.
/// - [`CommitError::Unknown`]: it is not known whether the change is written. Only the answer to
///   the same proposal, sent again, settles it.
///
/// A change, its provenance and the new revision are written in one atomic step.
/// [`Snapshot::apply`] is this in code, for a store that keeps a whole ring in one place, and for
/// one that reads the rows that a change [needs](Change::ids).
///
/// # Examples
///
/// ```
/// use key_rotation::store::{Loaded, Revision};
/// use key_rotation::{InMemoryKeyProvider, KeyProvider};
///
/// /// Works with any store.
/// async fn active_key_id<P: KeyProvider>(store: &P) -> Option<String> {
///     let Loaded::Ring(snapshot) = store.load(Revision::EMPTY).await.ok()? else { return None };
///     let ring = snapshot.into_keyring().ok()?;
///     Some(ring.active().id().to_string())
/// }
/// # let store: InMemoryKeyProvider = InMemoryKeyProvider::new();
/// # assert_eq!(pollster::block_on(active_key_id(&store)), None);
/// ```
pub trait KeyProvider: Send + Sync {
    /// The material of the stored keys: bytes, wrapped blobs, handles.
    type Material: Send + Sync + 'static;
    /// The error of the store. No byte of a material may be in it, nor in its sources.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Loads everything in the store, as of one revision, unless it is the one that was seen.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what it holds cannot be.
    fn load(
        &self,
        seen: Revision,
    ) -> impl Future<Output = Result<Loaded<Self::Material>, Self::Error>> + Send;

    /// Writes the change, if the store is still at the expected revision.
    ///
    /// # Errors
    ///
    /// [`CommitError`], which says whether something was written.
    fn commit(
        &self,
        proposal: &Proposal<Self::Material>,
    ) -> impl Future<Output = Result<Commit, CommitError<Self::Error>>> + Send;

    /// Returns a sentence that says where the bytes of a destroyed key may still be read.
    fn erasure(&self) -> &'static str {
        "the store may keep the bytes of destroyed keys in backups, logs and free space"
    }
}

impl<P: KeyProvider> KeyProvider for &P {
    type Material = P::Material;
    type Error = P::Error;

    fn load(
        &self,
        seen: Revision,
    ) -> impl Future<Output = Result<Loaded<Self::Material>, Self::Error>> + Send {
        (**self).load(seen)
    }

    fn commit(
        &self,
        proposal: &Proposal<Self::Material>,
    ) -> impl Future<Output = Result<Commit, CommitError<Self::Error>>> + Send {
        (**self).commit(proposal)
    }

    fn erasure(&self) -> &'static str {
        (**self).erasure()
    }
}

impl<P: KeyProvider> KeyProvider for Box<P> {
    type Material = P::Material;
    type Error = P::Error;

    fn load(
        &self,
        seen: Revision,
    ) -> impl Future<Output = Result<Loaded<Self::Material>, Self::Error>> + Send {
        (**self).load(seen)
    }

    fn commit(
        &self,
        proposal: &Proposal<Self::Material>,
    ) -> impl Future<Output = Result<Commit, CommitError<Self::Error>>> + Send {
        (**self).commit(proposal)
    }

    fn erasure(&self) -> &'static str {
        (**self).erasure()
    }
}

impl<P: KeyProvider> KeyProvider for Arc<P> {
    type Material = P::Material;
    type Error = P::Error;

    fn load(
        &self,
        seen: Revision,
    ) -> impl Future<Output = Result<Loaded<Self::Material>, Self::Error>> + Send {
        (**self).load(seen)
    }

    fn commit(
        &self,
        proposal: &Proposal<Self::Material>,
    ) -> impl Future<Output = Result<Commit, CommitError<Self::Error>>> + Send {
        (**self).commit(proposal)
    }

    fn erasure(&self) -> &'static str {
        (**self).erasure()
    }
}
