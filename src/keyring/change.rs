//! How a ring changes: the public operations, and the moves that they are made of.

use super::{Entry, Keyring};
use crate::error::{Absent, EntryError, KeyIdTaken, TakenBy};
use crate::id::{KeyId, Sought, Usual};
use crate::key::Key;
use crate::receipt::{Addition, Destruction, Rotation, RotationDecision};
use crate::status::{Active, Inactive, Retired, Status, TransitionTo};
use crate::timestamp::Timestamp;

impl<M> Keyring<M> {
    /// Adds an inactive key: staged, until it is activated.
    ///
    /// # Errors
    ///
    /// [`KeyIdTaken`], with the key in it, when a key or a tombstone of this ring has the id.
    /// Nothing changes then.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// let receipt = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// assert_eq!(receipt.id.as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(&mut self, key: Key<Inactive, M>) -> Result<Addition, KeyIdTaken<M>> {
        match self.taken_by(key.id().as_str()) {
            Some(taken_by) => Err(KeyIdTaken::new(key, taken_by)),
            None => {
                let receipt = Addition::new(key.id().clone(), key.status_since());
                self.insert_inactive(key);
                Ok(receipt)
            }
        }
    }

    /// The key of this id as an [`Entry`], which has the operations that its status allows.
    ///
    /// # Errors
    ///
    /// [`EntryError::WrongStatus`] when the key's status is not `S`, [`EntryError::KeyNotFound`]
    /// and [`EntryError::KeyDestroyed`].
    ///
    /// ```
    /// use key_rotation::{Inactive, Key, KeyId, Keyring, Retired, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
    ///
    /// let retirement = ring.entry::<Inactive>("k1")?.retire(now);
    /// let tombstone = ring.entry::<Retired>("k1")?.destroy(now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entry<S: Status>(&mut self, id: &str) -> Result<Entry<'_, S, M>, EntryError> {
        let Some(found) = self.get(id) else { return Err(self.absent(id)) };
        if found.status() != S::STATUS {
            return Err(EntryError::WrongStatus {
                id: found.id().clone(),
                expected: S::STATUS,
                found: found.status(),
            });
        }
        let key = Key::from_parts(found.parts().share());
        Ok(Entry::new(self, key))
    }

    /// Makes the inactive key of this id the active one, unless it is that already.
    ///
    /// # Errors
    ///
    /// Those of [`entry::<Inactive>`](Self::entry): the key is not there, destroyed, or retired.
    /// Nothing changes then.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, RotationDecision, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::Rotated(_)));
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::AlreadyActive { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate_to(&mut self, id: &str, at: Timestamp) -> Result<RotationDecision, EntryError> {
        match Usual::new(id) {
            Some(id) => self.rotate_to_sought(id, at),
            // No key's id, and not worth a hash.
            None if id.len() > KeyId::MAX_LEN => Err(self.absent(id)),
            None => self.rotate_to_sought(id, at),
        }
    }

    #[inline(always)]
    fn rotate_to_sought(
        &mut self,
        id: impl Sought,
        at: Timestamp,
    ) -> Result<RotationDecision, EntryError> {
        if self.active.is(id) {
            let active = self.active();
            return Ok(RotationDecision::AlreadyActive {
                id: active.id().clone(),
                activated_at: active.activated_at().unwrap_or(active.status_since()),
            });
        }
        // In its place, which spares a second pointer to the material. Where there is no such
        // inactive key, the entry says why not: that it is activated is for the types alone.
        match self.swap_active(id, at) {
            Some(rotation) => Ok(RotationDecision::Rotated(rotation)),
            None => {
                Ok(RotationDecision::Rotated(self.entry::<Inactive>(id.as_str())?.activate(at)))
            }
        }
    }

    /// What has this id already.
    pub(crate) fn taken_by(&self, id: &str) -> Option<TakenBy> {
        if let Some(key) = self.get(id) {
            return Some(TakenBy::Key(key.status()));
        }
        match self.absent(id) {
            Absent::Destroyed(tombstone) => Some(TakenBy::Tombstone { at: tombstone.at }),
            Absent::Withheld(withheld) => Some(TakenBy::Key(withheld.key.status)),
            Absent::NotFound(_) => None,
        }
    }
}

// Changes. Each puts a key in its new place before it takes it from its old one, or swaps two keys
// in their places, and where that needs room, the room is made first: there is no step that can fail
// while a key is nowhere.
impl<M> Keyring<M> {
    /// Activates the inactive key of this id, if there is one, and leaves the one that was active
    /// in its place.
    #[inline(always)]
    fn swap_active(&mut self, id: impl Sought, at: Timestamp) -> Option<Rotation> {
        let order = self.next_order();
        let Self { active, inactive, hasher, .. } = self;
        let sought = (hasher.hash(id), id);
        let previous = (hasher.hash(active.key().id().as_str()), order);
        inactive.exchange(sought, previous, hasher, |next| active.give_way(next, at))
    }

    /// `next` shares the material of an inactive key of this ring.
    pub(super) fn activate<S: TransitionTo<Active>>(
        &mut self,
        next: Key<S, M>,
        at: Timestamp,
    ) -> Rotation {
        self.inactive.reserve_one(&self.hasher);
        // No other status has this transition.
        let mut next = Key::from_parts(next.into_parts());
        let rotation = self.active.give_way(&mut next, at);
        self.insert_inactive(next);
        self.remove_inactive(&rotation.to);
        rotation
    }

    /// `key` shares the material of an inactive key of this ring.
    pub(super) fn retire(&mut self, key: Key<Retired, M>) {
        let id = key.id().clone();
        let order = self.next_order();
        self.retired.insert(self.hasher.hash(id.as_str()), order, key, &self.hasher);
        self.remove_inactive(&id);
    }

    /// Writes the tombstone, then drops the material.
    pub(super) fn destroy(&mut self, tombstone: Destruction) {
        let hash = self.hasher.hash(tombstone.id.as_str());
        let id = tombstone.id.clone();
        let order = self.next_order();
        self.destroyed.insert(hash, order, tombstone, &self.hasher);
        drop(self.retired.remove(hash, &id, &self.hasher));
    }

    fn insert_inactive(&mut self, key: Key<Inactive, M>) {
        let order = self.next_order();
        self.inactive.insert(self.hasher.hash(key.id().as_str()), order, key, &self.hasher);
    }

    /// Drops a pointer to material that has another owner in this ring.
    fn remove_inactive(&mut self, id: &KeyId) {
        drop(self.inactive.remove(self.hasher.hash(id.as_str()), id, &self.hasher));
    }

    pub(super) fn next_order(&mut self) -> i64 {
        self.order += 1;
        self.order
    }
}
