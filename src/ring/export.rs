//! [`CryptoExport`]: a ring as a crypto module sees it.

use core::fmt;

use super::{DecryptionKeyError, Keyring};
use crate::id::KeyId;
use crate::key::{DecryptionKey, EncryptionKey, Halves, Same};
use crate::material::KeyMaterial;

/// A view of a ring for the module that encrypts and decrypts: the active key to encrypt with, the
/// others to decrypt with as far as the policy that was enforced allows, and nothing that changes,
/// stores or salvages a key.
///
/// # Examples
///
/// ```
/// use key_rotation::ring::CryptoExport;
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// fn header(keys: CryptoExport<'_, &str>) -> String {
///     format!("key={}", keys.active_key_id())
/// }
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// assert_eq!(header(ring.export_for_crypto()), "key=k1");
/// ```
#[must_use]
pub struct CryptoExport<'r, E = KeyMaterial, D: Halves<E> = Same> {
    ring: &'r Keyring<E, D>,
}

impl<'r, E, D: Halves<E>> CryptoExport<'r, E, D> {
    pub(super) fn new(ring: &'r Keyring<E, D>) -> Self {
        Self { ring }
    }

    /// Returns the id of the active key.
    #[must_use]
    pub fn active_key_id(&self) -> &'r KeyId {
        self.ring.active().id()
    }

    /// Lends the right to encrypt with the active key.
    pub fn encryption_key(&self) -> EncryptionKey<'r, E> {
        self.ring.encryption_key()
    }

    /// Lends the right to decrypt with the key of this id.
    ///
    /// # Errors
    ///
    /// Those of [`Keyring::decryption_key`].
    pub fn decryption_key(
        &self,
        id: &str,
    ) -> Result<DecryptionKey<'r, D::Decrypting>, DecryptionKeyError> {
        self.ring.decryption_key(id)
    }

    /// Lists the rights to decrypt, in the order of [`Keyring::decryption_keys`].
    pub fn decryption_keys(
        &self,
    ) -> impl Iterator<Item = DecryptionKey<'r, D::Decrypting>> + use<'r, E, D> {
        self.ring.decryption_keys()
    }
}

impl<E, D: Halves<E>> Clone for CryptoExport<'_, E, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, D: Halves<E>> Copy for CryptoExport<'_, E, D> {}

impl<E, D: Halves<E>> fmt::Debug for CryptoExport<'_, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoExport")
            .field("active_key_id", self.active_key_id())
            .finish_non_exhaustive()
    }
}
