//! [`Entry`]: a key of a ring, looked up at run time, whose operations are decided at compile time.

use core::fmt;

use super::Keyring;
use crate::key::Key;
use crate::material::KeyMaterial;
use crate::receipt::{Destruction, Retirement, Rotation};
use crate::status::{Active, CanDestroy, Retired, Status, TransitionTo};
use crate::timestamp::Timestamp;

/// A key of a ring, of a status that was checked when the entry was got.
///
/// | | [`activate`](Entry::activate) | [`retire`](Entry::retire) | [`destroy`](Entry::destroy) |
/// |---|---|---|---|
/// | `Entry<Active>` | | | |
/// | `Entry<Inactive>` | yes | yes | |
/// | `Entry<Retired>` | | | yes |
///
/// An empty cell does not compile. An entry borrows the ring, so there is one at a time, and each
/// operation consumes it.
///
/// ```
/// use key_rotation::{Inactive, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
/// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
///
/// let entry = ring.entry::<Inactive>("k2")?;
/// if entry.key().activated_at().is_none() {
///     let rotation = entry.activate(now);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an entry does nothing until one of its operations is called"]
pub struct Entry<'r, S: Status, M = KeyMaterial> {
    ring: &'r mut Keyring<M>,
    /// Shares the material of the ring's key, so that an operation makes the new key before it
    /// takes the old one out.
    key: Key<S, M>,
}

impl<'r, S: Status, M> Entry<'r, S, M> {
    pub(super) fn new(ring: &'r mut Keyring<M>, key: Key<S, M>) -> Self {
        Self { ring, key }
    }

    /// The key.
    ///
    /// ```
    /// # use key_rotation::{Active, Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.entry::<Active>("k1")?.key().id().as_str(), "k1");
    /// # Ok::<(), key_rotation::EntryError>(())
    /// ```
    pub fn key(&self) -> &Key<S, M> {
        &self.key
    }

    /// Makes this key the active one; the key that was active becomes inactive in the same step.
    ///
    /// Requires an inactive key. Both keys get the same time: `at`, or the latest that either
    /// carries if that is later. Cannot fail.
    ///
    /// ```
    /// # use key_rotation::{Inactive, Key, KeyId, Keyring, Timestamp};
    /// # let at = Timestamp::from_unix_millis;
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), at(10)).activate(at(10)));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), at(10)))?;
    /// let rotation = ring.entry::<Inactive>("k2")?.activate(at(20));
    /// assert_eq!(rotation.at, at(20));
    /// assert_eq!(ring.active().id().as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn activate(self, at: Timestamp) -> Rotation
    where
        S: TransitionTo<Active>,
    {
        self.ring.activate(self.key, at)
    }

    /// Does not exist, and its error message says what to do: the active key of a ring becomes
    /// inactive when another is activated, and in no other way.
    ///
    /// ```compile_fail
    /// # use key_rotation::{Active, EntryError, Keyring, Timestamp};
    /// # fn f(ring: &mut Keyring) -> Result<(), EntryError> {
    /// ring.entry::<Active>("k1")?.deactivate(Timestamp::now());
    /// # Ok(()) }
    /// ```
    pub fn deactivate(self, at: Timestamp)
    where
        S: DeactivateAlone,
    {
        let _ = at;
    }

    /// Retires this key: it decrypts old data, and can never be active again.
    ///
    /// Requires an inactive key. Cannot fail.
    ///
    /// ```
    /// # use key_rotation::{Inactive, Key, KeyId, Keyring, KeyStatus, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
    /// let retirement = ring.entry::<Inactive>("k1")?.retire(now);
    /// assert_eq!(ring.decryption_key("k1")?.status(), KeyStatus::Retired);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retire(self, at: Timestamp) -> Retirement
    where
        S: TransitionTo<Retired>,
    {
        let key = self.key.retire(at);
        let receipt = Retirement::new(key.id().clone(), key.status_since());
        self.ring.retire(key);
        receipt
    }

    /// Destroys this key: its data can never be read again. The ring keeps the tombstone.
    ///
    /// Requires a retired key. The material is dropped, and wiped if this ring was its last owner.
    /// Cannot fail.
    ///
    /// ```
    /// # use key_rotation::{DecryptionKeyError, Inactive, Key, KeyId, Keyring, Retired, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
    /// # let _ = ring.entry::<Inactive>("k1")?.retire(now);
    /// let tombstone = ring.entry::<Retired>("k1")?.destroy(now);
    /// assert!(matches!(ring.decryption_key("k1"), Err(DecryptionKeyError::KeyDestroyed { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn destroy(self, at: Timestamp) -> Destruction
    where
        S: CanDestroy,
    {
        let tombstone = self.key.destroy(at);
        self.ring.destroy(tombstone.clone());
        tombstone
    }
}

/// Holds for no status. It is there for its message.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "an active key becomes inactive when another is activated",
    label = "a key of a ring cannot be deactivated on its own, and this one is `{Self}`",
    note = "activate another key, and the active one becomes inactive in the same step: `ring.rotate_to(other_id, at)?`",
    note = "if the ring has no other key, add one first: `ring.add(Key::new(id, material, created_at))?`",
    note = "no status has `deactivate` in a ring, so that a ring is never without an active key"
)]
pub trait DeactivateAlone: Status {}

impl<S: Status, M> fmt::Debug for Entry<'_, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", self.key.id())
            .field("status", &S::STATUS)
            .finish_non_exhaustive()
    }
}
