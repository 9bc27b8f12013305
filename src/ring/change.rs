//! How a ring changes: the public operations, and the moves that they are made of.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::slot::{FIRST_SEQ, Slot};
use super::table::Identified;
use super::{Entry, EntryError, KeyIdTaken, Keyring};
use crate::id::KeyId;
use crate::key::{Addition, Destruction, Halves, Key, KeyInfo, Rotation, RotationDecision};
use crate::refusal::Refusal;
use crate::status::{CanActivate, Inactive, Retired, Revoked, Status};
use crate::timestamp::Timestamp;

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Adds an inactive key, which the ring has from this time on. A new key waits to be activated.
    ///
    /// `at` is the keeper's word, and it is kept as it is: no earlier event of the key moves it.
    ///
    /// # Errors
    ///
    /// [`KeyIdTaken`], with the key in it, when a key or a tombstone of this ring has the id.
    /// Nothing changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
    /// let receipt = ring.add(Key::new(KeyId::from_static("k2"), "two", now), Timestamp::now())?;
    /// assert_eq!(receipt.id.as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(
        &mut self,
        key: Key<Inactive, E, D>,
        at: Timestamp,
    ) -> Result<Addition, KeyIdTaken<E, D>> {
        let mut key = self.newcomer(key)?;
        let receipt = Addition::new(key.id().clone(), at);
        let seq = self.next_seq();
        self.others.reserve_one();
        key.head_mut().times.added_at = Some(at);
        self.others.insert(Slot::Inactive { seq, refused: false, key });
        self.live += 1;
        Ok(receipt)
    }

    /// Adds a key and makes it the active one, in one step.
    ///
    /// This is for a ring that no other process reads: one that does would be given data under a
    /// key that it does not have yet.
    ///
    /// # Errors
    ///
    /// [`KeyIdTaken`], with the key in it. Nothing changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
    /// let rotation = ring.rotate_in(Key::new(KeyId::from_static("k2"), "two", now), now)?;
    /// assert_eq!(ring.active().id().as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate_in(
        &mut self,
        key: Key<Inactive, E, D>,
        at: Timestamp,
    ) -> Result<Rotation, KeyIdTaken<E, D>> {
        let mut key = self.newcomer(key)?;
        let seq = self.next_seq();
        self.others.reserve_one();
        key.head_mut().times.added_at = Some(at);
        let rotation = self.active.give_way(&mut key, at);
        let refused = is_refused(&self.refusals, key.id());
        self.others.insert(Slot::Inactive { seq, refused, key });
        self.live += 1;
        Ok(rotation)
    }

    /// The key, if its id is free.
    fn newcomer(&self, key: Key<Inactive, E, D>) -> Result<Key<Inactive, E, D>, KeyIdTaken<E, D>> {
        match self.taken_by(key.id().as_str()) {
            Some(taken_by) => Err(KeyIdTaken::new(key, taken_by)),
            None => Ok(key),
        }
    }

    /// Finds the key of this id as an [`Entry`], which has the operations that its status allows.
    ///
    /// # Errors
    ///
    /// [`EntryError::WrongStatus`] when the key's status is not `S`, [`EntryError::KeyNotFound`],
    /// [`EntryError::KeyDestroyed`] and [`EntryError::Unprepared`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Inactive, Key, KeyId, Keyring, Retired, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), "two", now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), "one", now), now)?;
    /// let retirement = ring.entry::<Inactive>("k1")?.retire(now);
    /// let tombstone = ring.entry::<Retired>("k1")?.destroy(now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entry<S: Status>(&mut self, id: &str) -> Result<Entry<'_, S, E, D>, EntryError> {
        let key = self.share_of(id)?;
        Ok(Entry::new(self, key))
    }

    /// Makes the inactive key of this id the active one, unless it is that already.
    ///
    /// # Errors
    ///
    /// Those of [`entry::<Inactive>`](Self::entry): the key is not there, or not inactive. Nothing
    /// changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::key::RotationDecision;
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), "two", now), now)?;
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::Rotated(_)));
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::AlreadyActive { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate_to(&mut self, id: &str, at: Timestamp) -> Result<RotationDecision, EntryError> {
        if self.active.is(id) {
            return Ok(RotationDecision::AlreadyActive {
                id: self.active().id().clone(),
                activated_at: self.active().times().activated_at,
            });
        }
        if let Some(rotation) = self.swap_active(id, at) {
            return Ok(RotationDecision::Rotated(rotation));
        }
        // There is no such inactive key. This says why not.
        let next = self.share_of::<Inactive>(id)?;
        Ok(RotationDecision::Rotated(self.activate(next, at)))
    }

    /// Activates the inactive key of this id, if there is one, and leaves the one that was active
    /// in its place.
    #[inline]
    fn swap_active(&mut self, id: &str, at: Timestamp) -> Option<Rotation> {
        let next = self.next_seq();
        let Self { active, others, refusals, .. } = self;
        others.exchange(id, |slot| {
            let Slot::Inactive { seq, refused, key } = slot else { return None };
            let rotation = active.give_way(key, at);
            *seq = next;
            *refused = is_refused(refusals, key.id());
            Some(rotation)
        })
    }

    /// A number greater than those that were given before.
    fn next_seq(&mut self) -> u32 {
        if self.seq == u32::MAX {
            self.renumber();
        }
        self.seq += 1;
        self.seq
    }

    /// Gives all slots numbers from the first on, in the order that they have. Two thousand million
    /// changes lie between two calls.
    #[cold]
    fn renumber(&mut self) {
        self.seq = FIRST_SEQ;
        let mut slots: Vec<_> = self.others.iter_mut().collect();
        slots.sort_by_key(|slot| slot.seq());
        for slot in slots {
            self.seq += 1;
            slot.set_seq(self.seq);
        }
    }

    /// Asks about each key whether it may not decrypt, and notes the answers in the place of those
    /// of the last time.
    pub(crate) fn refuse(&mut self, mut ask: impl FnMut(&KeyInfo) -> Option<Refusal>) {
        let mut refusals = BTreeMap::new();
        let active = self.active().info();
        if let Some(refusal) = ask(&active) {
            refusals.insert(active.id, refusal);
        }
        for key in self.others.iter().filter_map(Slot::key) {
            let key = key.info();
            if key.status.can_decrypt() {
                if let Some(refusal) = ask(&key) {
                    refusals.insert(key.id, refusal);
                }
            }
        }
        // Nothing here fails: the marks and the list change together.
        for slot in self.others.iter_mut() {
            slot.set_refused(refusals.contains_key(slot.id()));
        }
        self.refusals = refusals;
    }
}

// What an entry does. Each puts a key in the place of one that shares its material, or makes the room
// first: there is no step that can fail while a key is nowhere.
impl<E, D: Halves<E>> Keyring<E, D> {
    /// `next` shares the material of an inactive key of this ring.
    pub(super) fn activate<S: CanActivate>(
        &mut self,
        next: Key<S, E, D>,
        asked_at: Timestamp,
    ) -> Rotation {
        let seq = self.next_seq();
        self.others.reserve_one();
        let mut key = next.into_inactive();
        let rotation = self.active.give_way(&mut key, asked_at);
        let refused = is_refused(&self.refusals, key.id());
        drop(self.others.displace(rotation.to.as_str(), Slot::Inactive { seq, refused, key }));
        rotation
    }

    pub(super) fn put_retired(&mut self, key: Key<Retired, E, D>) {
        let seq = self.next_seq();
        let refused = is_refused(&self.refusals, key.id());
        drop(self.others.replace(Slot::Retired { seq, refused, key }));
    }

    pub(super) fn put_revoked(&mut self, key: Key<Revoked, E, D>) {
        let seq = self.next_seq();
        drop(self.others.replace(Slot::Revoked { seq, key }));
    }

    /// Writes the tombstone, then drops the material.
    pub(super) fn put_tombstone(&mut self, tombstone: Destruction) {
        let seq = self.next_seq();
        self.refusals.remove(&tombstone.id);
        let removed = self.others.replace(Slot::Destroyed { seq, tombstone });
        self.live = self.live.saturating_sub(1);
        drop(removed);
    }
}

/// Whether the list of refusals, which most rings have empty, has this id.
fn is_refused(refusals: &BTreeMap<KeyId, Refusal>, id: &KeyId) -> bool {
    !refusals.is_empty() && refusals.contains_key(id)
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::*;
    use crate::id::KeyId;

    /// Changes a ring within one millisecond, so that the numbers of the slots alone decide on the
    /// order, and answers the keys and the tombstones. The numbers begin after this one.
    fn order_from(seq: u32) -> Vec<String> {
        let at = Timestamp::from_unix_millis(1);
        let key = |id: u8| Key::new(KeyId::from(id), (), at);
        let mut ring = Keyring::new(key(0).activate(at));
        ring.seq = seq;
        for id in 1..15 {
            assert!(ring.add(key(id), at).is_ok());
        }
        for id in ["5", "3", "4"] {
            assert!(ring.rotate_to(id, at).is_ok());
        }
        for id in ["8", "6", "7"] {
            assert!(ring.entry::<Inactive>(id).map(|key| key.retire(at)).is_ok());
        }
        for id in ["11", "9", "10"] {
            assert!(ring.entry::<Inactive>(id).map(|key| key.revoke(at)).is_ok());
        }
        assert!(ring.entry::<Revoked>("9").map(|key| key.destroy(at)).is_ok());
        assert!(ring.entry::<Retired>("7").map(|key| key.destroy(at)).is_ok());
        let keys = ring.iter().map(|key| key.id().to_string());
        keys.chain(ring.destroyed().map(|tombstone| tombstone.id.to_string())).collect()
    }

    #[test]
    fn the_order_stays_when_the_numbers_of_the_slots_come_to_their_end() {
        let expected =
            ["4", "3", "5", "0", "1", "2", "12", "13", "14", "6", "8", "10", "11", "7", "9"];
        assert_eq!(order_from(FIRST_SEQ), expected);
        // The end comes before, between and after all of the changes.
        for before_the_end in 0..40 {
            assert_eq!(order_from(u32::MAX - before_the_end), expected, "{before_the_end}");
        }
    }
}
