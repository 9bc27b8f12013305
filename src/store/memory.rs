//! [`InMemoryKeyProvider`]: a store that lives and dies with the process.

use alloc::vec::Vec;
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Change, ChangeMismatch, Commit, KeyProvider, Revision, Snapshot};
use crate::key::KeyRecord;
use crate::material::KeyMaterial;

/// A store in memory, for tests and for programs that get their keys from elsewhere at start.
///
/// It lives and dies with the process. Its futures are ready at once, so any `block_on` serves a
/// synchronous program.
///
/// # Examples
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
/// use pollster::block_on;
///
/// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
/// let now = Timestamp::now();
/// let ring = block_on(service.bootstrap(Key::new(KeyId::from_static("k1"), "cipher", now), now))?;
/// assert_eq!(ring.active().id().as_str(), "k1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct InMemoryKeyProvider<M = KeyMaterial> {
    store: Mutex<Snapshot<M>>,
}

impl<M> InMemoryKeyProvider<M> {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { store: Mutex::new(Snapshot::empty()) }
    }

    /// Makes a store that holds these records as they are. Like any store, it does not judge them.
    ///
    /// Its revision is the first after [`Revision::EMPTY`].
    #[must_use]
    pub fn from_records(records: impl IntoIterator<Item = KeyRecord<M>>) -> Self {
        let snapshot = Snapshot {
            revision: Revision::EMPTY.next(),
            records: records.into_iter().collect(),
            destroyed: Vec::new(),
        };
        Self { store: Mutex::new(snapshot) }
    }

    /// A thread that panicked with the lock held left a whole snapshot behind, because a change
    /// is applied whole or not at all.
    fn lock(&self) -> MutexGuard<'_, Snapshot<M>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Send + Sync + 'static> KeyProvider for InMemoryKeyProvider<M> {
    type Material = M;
    type Error = ChangeMismatch;

    async fn load(&self) -> Result<Snapshot<M>, ChangeMismatch> {
        Ok(self.lock().clone())
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<M>,
    ) -> Result<Commit, ChangeMismatch> {
        // Two statements, so that what is removed is dropped when the lock is free again.
        let applied = self.lock().apply_keeping(expected, change);
        applied.map(|(commit, _removed)| commit)
    }

    fn is_refusal(_: &ChangeMismatch) -> bool {
        true
    }
}

impl<M> Default for InMemoryKeyProvider<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for InMemoryKeyProvider<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryKeyProvider").finish_non_exhaustive()
    }
}
