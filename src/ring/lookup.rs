//! Lookups: the key of an id, or the reason why there is none.

use super::slot::Slot;
use super::{DecryptionKeyError, EntryError, Keyring, TakenBy};
use crate::key::{DecryptionKey, Halves, Key, KeyRef, SalvageKey};
use crate::status::{KeyStatus, Status};
use crate::text::EscapedText;

#[cold]
#[inline(never)]
fn not_found<T>(id: &str) -> Result<T, DecryptionKeyError> {
    Err(DecryptionKeyError::KeyNotFound { id: EscapedText::from(id) })
}

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Returns the key of this id, with its status in its type. No policy is asked.
    ///
    /// There is none for an id that is unknown, destroyed, or that of a key that could not be
    /// prepared.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, KeyRef, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert!(matches!(ring.get("k1"), Some(KeyRef::Active(_))));
    /// assert!(ring.get("k2").is_none());
    /// ```
    #[must_use]
    pub fn get(&self, id: &str) -> Option<KeyRef<'_, E, D>> {
        if self.active.is(id) {
            return Some(KeyRef::Active(self.active()));
        }
        self.others.find(id).and_then(Slot::key)
    }

    #[inline]
    pub(super) fn look_up(
        &self,
        id: &str,
    ) -> Result<DecryptionKey<'_, D::Decrypting>, DecryptionKeyError> {
        if self.active.is(id) && self.refusals.is_empty() {
            return Ok(self.active().decryption_key());
        }
        match self.others.hash(id).and_then(|hash| self.others.first(hash)) {
            None if self.refusals.is_empty() => not_found(id),
            Some(Slot::Inactive { refused: false, key, .. }) if key.id().is(id) => {
                Ok(key.decryption_key())
            }
            Some(Slot::Retired { refused: false, key, .. }) if key.id().is(id) => {
                Ok(key.decryption_key())
            }
            _ => self.look_again(id),
        }
    }

    /// The rest: a second id with a hash that is alike, the active key while some are refused, and
    /// the reasons why there is no key to decrypt with.
    #[cold]
    #[inline(never)]
    fn look_again<'k>(
        &'k self,
        id: &str,
    ) -> Result<DecryptionKey<'k, D::Decrypting>, DecryptionKeyError> {
        Err(match self.others.find(id) {
            None if self.active.is(id) => match self.refusals.get(id) {
                None => return Ok(self.active().decryption_key()),
                Some(reason) => {
                    let (id, reason) = (self.active().id().clone(), reason.clone());
                    DecryptionKeyError::NotAllowed { id, reason }
                }
            },
            None => DecryptionKeyError::KeyNotFound { id: EscapedText::from(id) },
            Some(Slot::Inactive { key, .. }) => return self.unless_refused(key),
            Some(Slot::Retired { key, .. }) => return self.unless_refused(key),
            Some(Slot::Revoked { key, .. }) => {
                DecryptionKeyError::KeyRevoked { id: key.id().clone(), at: key.times().revoked_at }
            }
            Some(Slot::Destroyed { tombstone, .. }) => {
                DecryptionKeyError::KeyDestroyed { id: tombstone.id.clone(), at: tombstone.at }
            }
            Some(Slot::Unprepared { key, .. }) => DecryptionKeyError::Unprepared {
                id: key.info.id.clone(),
                reason: key.reason.clone(),
            },
        })
    }

    /// The right to decrypt with a key, unless the policy that was enforced refuses it.
    fn unless_refused<'k, S>(
        &'k self,
        key: &'k Key<S, E, D>,
    ) -> Result<DecryptionKey<'k, D::Decrypting>, DecryptionKeyError>
    where
        S: crate::status::CanDecrypt,
    {
        match self.refusals.get(key.id()) {
            None => Ok(key.decryption_key()),
            Some(reason) => {
                let (id, reason) = (key.id().clone(), reason.clone());
                Err(DecryptionKeyError::NotAllowed { id, reason })
            }
        }
    }

    /// The right to decrypt with a key of this ring, if it has it.
    pub(super) fn decrypting<'k>(
        &'k self,
        key: KeyRef<'k, E, D>,
    ) -> Option<DecryptionKey<'k, D::Decrypting>> {
        match key {
            KeyRef::Active(key) => self.unless_refused(key).ok(),
            KeyRef::Inactive(key) => self.unless_refused(key).ok(),
            KeyRef::Retired(key) => self.unless_refused(key).ok(),
            KeyRef::Revoked(_) => None,
        }
    }

    pub(super) fn look_up_revoked(
        &self,
        id: &str,
    ) -> Result<SalvageKey<'_, D::Decrypting>, EntryError> {
        match self.get(id) {
            Some(KeyRef::Revoked(key)) => Ok(key.salvage_key()),
            Some(other) => Err(EntryError::WrongStatus {
                id: other.id().clone(),
                expected: KeyStatus::Revoked,
                found: other.status(),
            }),
            None => Err(self.no_entry(id)),
        }
    }

    /// More pointers to the key of this id, if it has this status.
    pub(super) fn share_of<S: Status>(&self, id: &str) -> Result<Key<S, E, D>, EntryError> {
        let Some(found) = self.get(id) else { return Err(self.no_entry(id)) };
        found.share_as().ok_or_else(|| EntryError::WrongStatus {
            id: found.id().clone(),
            expected: S::STATUS,
            found: found.status(),
        })
    }

    /// Returns the reason why there is no key of this id.
    fn no_entry(&self, id: &str) -> EntryError {
        match self.others.find(id) {
            Some(Slot::Destroyed { tombstone, .. }) => {
                EntryError::KeyDestroyed { id: tombstone.id.clone(), at: tombstone.at }
            }
            Some(Slot::Unprepared { key, .. }) => {
                EntryError::Unprepared { id: key.info.id.clone(), reason: key.reason.clone() }
            }
            _ => EntryError::KeyNotFound { id: EscapedText::from(id) },
        }
    }

    /// Returns what has this id already.
    pub(crate) fn taken_by(&self, id: &str) -> Option<TakenBy> {
        if let Some(key) = self.get(id) {
            return Some(TakenBy::Key(key.status()));
        }
        match self.others.find(id)? {
            Slot::Destroyed { tombstone, .. } => Some(TakenBy::Tombstone { at: tombstone.at }),
            Slot::Unprepared { key, .. } => Some(TakenBy::Key(key.info.status)),
            // `get` has found these.
            Slot::Inactive { .. } | Slot::Retired { .. } | Slot::Revoked { .. } => None,
        }
    }
}
