//! [`InMemoryKeyProvider`]: a store that lives and dies with the process.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Changed, Commit, CommitError, Events, History, KeyProvider, Loaded, Mark, Proposal, Revision,
    RingDirectory, RingHead, RingName, Snapshot,
};
use crate::audit::AuditEvent;
use crate::key::KeyRecord;
use crate::material::KeyMaterial;
use crate::timestamp::Timestamp;

/// A ring in memory, for tests and for programs that get their keys from elsewhere at start.
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
    store: Mutex<Stored<M>>,
    clock: Option<fn() -> Timestamp>,
}

/// A ring, and how it came to be.
struct Stored<M> {
    snapshot: Snapshot<M>,
    /// The revision that the first event came after.
    first: Revision,
    events: Vec<AuditEvent>,
}

impl<M> Stored<M> {
    fn new(snapshot: Snapshot<M>) -> Self {
        Self { first: snapshot.revision, snapshot, events: Vec::new() }
    }

    /// Returns how many events there are up to this revision, if it is in the history.
    fn place_of(&self, revision: Revision) -> Option<usize> {
        if revision == self.first {
            return Some(0);
        }
        let place = self.events.iter().rposition(|event| event.revision == revision)?;
        Some(place + 1)
    }
}

impl<M> InMemoryKeyProvider<M> {
    /// Makes an empty ring of the name `memory`.
    #[must_use]
    pub fn new() -> Self {
        Self::named(RingName::from_static("memory"))
    }

    /// Makes an empty ring of this name.
    #[must_use]
    pub fn named(ring: RingName) -> Self {
        Self::holding(Stored::new(Snapshot::empty(ring)), None)
    }

    /// Makes a ring of the name `memory` that holds these records as they are. Like any store, it
    /// does not judge them.
    ///
    /// Its revision is the first after [`Revision::EMPTY`].
    #[must_use]
    pub fn from_records(records: impl IntoIterator<Item = KeyRecord<M>>) -> Self {
        let mut snapshot = Snapshot::empty(RingName::from_static("memory"));
        snapshot.records = records.into_iter().collect();
        snapshot.ids = snapshot.records.len() as u64;
        snapshot.revision = Revision::new(1, Revision::random_tag());
        Self::holding(Stored::new(snapshot), None)
    }

    /// Gives the store a clock, by which it judges the proposals that it gets: see
    /// [`Proposal::valid_until`].
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Makes a copy of the store as it is now, with its history.
    #[must_use]
    pub fn backup(&self) -> Self {
        let stored = self.lock();
        let copy = Stored {
            snapshot: stored.snapshot.clone(),
            first: stored.first,
            events: stored.events.clone(),
        };
        Self::holding(copy, self.clock)
    }

    /// Puts the content of a backup in the place of what is here. What was committed since is
    /// forgotten, and a process that had seen it is told so by its next load.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::store::{Loaded, Revision};
    /// use key_rotation::{
    ///     InMemoryKeyProvider, Key, KeyId, KeyProvider, RotationService, StrictSingleActive, Timestamp,
    /// };
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let key = |id: u8| Key::new(KeyId::from(id), "cipher", now);
    /// let store = InMemoryKeyProvider::new();
    /// let service = RotationService::new(&store, StrictSingleActive);
    /// let _ = service.bootstrap(key(1), now).await?;
    /// let backup = store.backup();
    ///
    /// let _ = service.add(&key(2), now).await?;
    /// let Loaded::Ring(seen) = store.load(Revision::EMPTY).await? else { unreachable!() };
    /// store.restore(&backup);
    /// assert!(matches!(store.load(seen.revision).await?, Loaded::NotInHistory { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(&self, backup: &Self) {
        let copy = backup.backup().store.into_inner().unwrap_or_else(PoisonError::into_inner);
        // In a statement of its own: what was here is dropped when the lock is free again.
        let _old = core::mem::replace(&mut *self.lock(), copy);
    }

    fn holding(stored: Stored<M>, clock: Option<fn() -> Timestamp>) -> Self {
        Self { store: Mutex::new(stored), clock }
    }

    fn now(&self) -> Option<Timestamp> {
        self.clock.map(|clock| clock())
    }

    /// A thread that panicked with the lock held left a whole snapshot behind, because a change
    /// is applied whole or not at all.
    fn lock(&self) -> MutexGuard<'_, Stored<M>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> RingHead {
        let Stored { snapshot, .. } = &*self.lock();
        let (ring, revision) = (snapshot.ring.clone(), snapshot.revision);
        RingHead { ring, revision, closed: snapshot.closed }
    }
}

impl<M: Send + Sync + 'static> KeyProvider for InMemoryKeyProvider<M> {
    type Material = M;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<M>, Infallible> {
        let store_time = self.now();
        let stored = self.lock();
        let found = stored.snapshot.revision;
        if seen != Revision::EMPTY {
            if stored.place_of(seen).is_none() {
                return Ok(Loaded::NotInHistory { seen, found });
            }
            if seen == found && stored.snapshot.is_whole() {
                return Ok(Loaded::Unchanged { store_time });
            }
        }
        Ok(Loaded::Ring(Snapshot { store_time, ..stored.snapshot.clone() }))
    }

    async fn commit(&self, proposal: &Proposal<M>) -> Result<Commit, CommitError<Infallible>> {
        proposal.follows().map_err(CommitError::Mismatch)?;
        let stored_at = self.now();
        let mut stored = self.lock();
        if stored.place_of(proposal.next).is_some() {
            return Ok(Commit::Committed);
        }
        stored.snapshot.store_time = stored_at;
        let applied = stored.snapshot.apply_keeping(proposal);
        if let Ok((Commit::Committed, _)) = applied {
            let event = proposal.event(stored.snapshot.ring.clone(), stored_at);
            stored.events.push(event);
        }
        // What is removed is dropped when the lock is free again.
        drop(stored);
        applied.map(|(commit, _removed)| commit).map_err(CommitError::Mismatch)
    }

    fn erasure(&self) -> &'static str {
        "the bytes are wiped when no ring of this process holds them any more"
    }
}

impl<M: Send + Sync + 'static> History for InMemoryKeyProvider<M> {
    async fn history(&self, after: Revision) -> Result<Events, Infallible> {
        let stored = self.lock();
        let place = if after == Revision::EMPTY { Some(0) } else { stored.place_of(after) };
        Ok(match place.and_then(|place| stored.events.get(place..)) {
            Some(events) => Events::Since(events.to_vec()),
            None => Events::NotInHistory { seen: after, found: stored.snapshot.revision },
        })
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

/// Rings in memory, by their names: a store of many rings, for tests.
///
/// # Examples
///
/// ```
/// use key_rotation::store::{InMemoryRings, RingDirectory, RingName};
///
/// let rings = InMemoryRings::<String>::new();
/// let payments = rings.ring(&RingName::from_static("payments"));
/// let listed = pollster::block_on(rings.rings())?;
/// assert!(listed.is_empty()); // until a key is written
/// # Ok::<(), std::convert::Infallible>(())
/// ```
pub struct InMemoryRings<M = KeyMaterial> {
    rings: Mutex<BTreeMap<RingName, Arc<InMemoryKeyProvider<M>>>>,
}

impl<M> InMemoryRings<M> {
    /// Makes a store without rings.
    #[must_use]
    pub fn new() -> Self {
        Self { rings: Mutex::new(BTreeMap::new()) }
    }

    /// Returns the ring of this name, which is empty until something is written to it.
    #[must_use]
    pub fn ring(&self, name: &RingName) -> Arc<InMemoryKeyProvider<M>> {
        let mut rings = self.lock();
        let ring = rings
            .entry(name.clone())
            .or_insert_with(|| Arc::new(InMemoryKeyProvider::named(name.clone())));
        Arc::clone(ring)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RingName, Arc<InMemoryKeyProvider<M>>>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heads(&self) -> Vec<RingHead> {
        let heads = self.lock().values().map(|ring| ring.head()).collect::<Vec<_>>();
        heads.into_iter().filter(|head| head.revision != Revision::EMPTY).collect()
    }
}

impl<M: Send + Sync + 'static> RingDirectory for InMemoryRings<M> {
    type Error = Infallible;

    async fn rings(&self) -> Result<Vec<RingHead>, Infallible> {
        Ok(self.heads())
    }

    /// Lists all rings: a map in memory is quickly compared.
    async fn changed_since(&self, mark: Mark) -> Result<Changed, Infallible> {
        Ok(Changed { rings: self.heads(), mark })
    }
}

impl<M> Default for InMemoryRings<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for InMemoryRings<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.lock().keys().cloned().collect();
        f.debug_tuple("InMemoryRings").field(&names).finish()
    }
}
