//! [`Entry`]: a key of a ring, looked up at run time, whose operations are decided at compile time.

use core::fmt;

use super::Keyring;
use super::words::asked;
use crate::key::{Destruction, Halves, Key, Restoration, Retirement, Revocation, Rotation, Same};
use crate::material::KeyMaterial;
use crate::status::Status;
use crate::timestamp::Timestamp;

/// A key of a ring, of a status that was checked when the entry was got.
///
/// | | activate | deactivate | retire | revoke | restore | destroy |
/// |---|---|---|---|---|---|---|
/// | `Entry<Active>` | – | – | – | – | – | – |
/// | `Entry<Inactive>` | yes | – | yes | yes | – | – |
/// | `Entry<Retired>` | – | – | – | yes | – | yes |
/// | `Entry<Revoked>` | – | – | – | – | to Retired | yes |
///
/// A dash does not compile. An entry borrows the ring, so there is one at a time, and each
/// operation consumes it. No policy is asked.
///
/// # Examples
///
/// ```
/// use key_rotation::{Inactive, Key, KeyId, Keyring, Timestamp};
///
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
/// # let _ = ring.add(Key::new(KeyId::from_static("k2"), "two", now), now)?;
/// let entry = ring.entry::<Inactive>("k2")?;
/// if entry.key().info().is_staged() {
///     let rotation = entry.activate(now);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an entry does nothing until one of its operations is called"]
pub struct Entry<'r, S: Status, E = KeyMaterial, D: Halves<E> = Same> {
    ring: &'r mut Keyring<E, D>,
    /// Shares the material of the ring's key, so that an operation makes the new key before it
    /// takes the old one out.
    key: Key<S, E, D>,
}

impl<'r, S: Status, E, D: Halves<E>> Entry<'r, S, E, D> {
    pub(super) fn new(ring: &'r mut Keyring<E, D>, key: Key<S, E, D>) -> Self {
        Self { ring, key }
    }

    /// Returns the key.
    pub fn key(&self) -> &Key<S, E, D> {
        &self.key
    }

    /// Makes this key the active one. The key that was active becomes inactive in the same step.
    ///
    /// Both keys get the same time: `at`, or the latest that either carries if that is later.
    /// Cannot fail.
    pub fn activate(self, at: Timestamp) -> Rotation
    where
        S: asked::CanActivateInRing,
    {
        self.ring.activate(self.key, at)
    }

    /// Never compiles, and its error message says what to do: the active key of a ring becomes
    /// inactive when another is activated, and in no other way.
    pub fn deactivate(self, at: Timestamp)
    where
        S: asked::CanDeactivateInRing,
    {
        let _ = at;
    }

    /// Retires this key: it decrypts old data, and never encrypts again.
    ///
    /// An encrypting half that was kept apart is dropped. Cannot fail.
    pub fn retire(self, at: Timestamp) -> Retirement
    where
        S: asked::CanRetireInRing,
    {
        let key = self.key.retire(at);
        let mut receipt = Retirement::new(key.id().clone(), key.times().retired_at.unwrap_or(at));
        receipt.asked_at = at;
        self.ring.put_retired(key);
        receipt
    }

    /// Revokes this key, because it is not trusted any more: it does not decrypt.
    ///
    /// An encrypting half that was kept apart is dropped. [`Keyring::salvage_key`] lends the other
    /// half to a job that seals data again. Cannot fail.
    pub fn revoke(self, at: Timestamp) -> Revocation
    where
        S: asked::CanRevokeInRing,
    {
        let key = self.key.revoke(at);
        let mut receipt = Revocation::new(key.id().clone(), key.times().revoked_at.unwrap_or(at));
        receipt.asked_at = at;
        self.ring.put_revoked(key);
        receipt
    }

    /// Restores this key, which was revoked by mistake, as retired: it decrypts again, and never
    /// encrypts.
    ///
    /// Cannot fail.
    pub fn restore(self, at: Timestamp) -> Restoration
    where
        S: asked::CanRestoreInRing,
    {
        let key = self.key.restore(at);
        let mut receipt = Restoration::new(key.id().clone(), key.times().retired_at.unwrap_or(at));
        receipt.asked_at = at;
        self.ring.put_retired(key);
        receipt
    }

    /// Destroys this key: its data can never be read again. The ring keeps the tombstone.
    ///
    /// The material is dropped, and wiped if this ring was its last owner. Cannot fail.
    pub fn destroy(self, at: Timestamp) -> Destruction
    where
        S: asked::CanDestroyInRing,
    {
        let tombstone = self.key.destroy(at);
        self.ring.put_tombstone(tombstone.clone());
        tombstone
    }
}

impl<S: Status, E, D: Halves<E>> fmt::Debug for Entry<'_, S, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", self.key.id())
            .field("status", &S::STATUS)
            .finish_non_exhaustive()
    }
}
