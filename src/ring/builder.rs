//! [`KeyringBuilder`]: a ring made key by key.

use core::fmt;

use super::load::Border;
use super::slot::Slot;
use super::{InvalidKeyring, Keyring};
use crate::key::{Destruction, Halves, Key, Same};
use crate::material::KeyMaterial;
use crate::status::{Active, Inactive, Retired, Revoked};

/// Collects the keys of a ring. It begins with the active key, so that there is exactly one.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// # let now = Timestamp::now();
/// # let [older, old, current, next] =
/// #     ["k1", "k2", "k3", "k4"].map(|id| Key::new(KeyId::from_static(id), "cipher", now));
/// let ring = Keyring::builder(current.activate(now))
///     .staged(next)
///     .previous(old)
///     .retired(older.retire(now))
///     .build()?;
/// assert_eq!(ring.len(), 4);
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct KeyringBuilder<E = KeyMaterial, D: Halves<E> = Same> {
    border: Border<E, D>,
}

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Begins a ring of several keys with the one that encrypts.
    pub fn builder(active: Key<Active, E, D>) -> KeyringBuilder<E, D> {
        let mut border = Border::with_room_for(0);
        border.look_at(&active.info());
        border.admit_active(active);
        KeyringBuilder { border }
    }
}

impl<E, D: Halves<E>> KeyringBuilder<E, D> {
    /// Adds an inactive key that waits to be activated. A key that was active before stays demoted.
    pub fn staged(self, key: Key<Inactive, E, D>) -> Self {
        self.inactive(key)
    }

    /// Adds an inactive key that encrypted before. It is demoted, and so not due to be activated,
    /// even if nobody knows when it was active.
    pub fn previous(self, mut key: Key<Inactive, E, D>) -> Self {
        key.head_mut().marks.set_used();
        self.inactive(key)
    }

    fn inactive(mut self, key: Key<Inactive, E, D>) -> Self {
        self.border.admit(&key.info(), |seq| Slot::Inactive { seq, refused: false, key });
        self
    }

    /// Adds a retired key.
    pub fn retired(mut self, key: Key<Retired, E, D>) -> Self {
        self.border.admit(&key.info(), |seq| Slot::Retired { seq, refused: false, key });
        self
    }

    /// Adds a revoked key.
    pub fn revoked(mut self, key: Key<Revoked, E, D>) -> Self {
        self.border.admit(&key.info(), |seq| Slot::Revoked { seq, key });
        self
    }

    /// Adds the tombstone of a destroyed key.
    pub fn destroyed(mut self, tombstone: Destruction) -> Self {
        self.border.admit_tombstone(tombstone);
        self
    }

    /// Makes the ring.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`] with every id that was given twice. Everything handed in is dropped then.
    pub fn build(self) -> Result<Keyring<E, D>, InvalidKeyring> {
        self.border.into_ring()
    }
}

impl<E, D: Halves<E>> fmt::Debug for KeyringBuilder<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringBuilder").finish_non_exhaustive()
    }
}
