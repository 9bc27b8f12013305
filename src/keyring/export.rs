//! [`CryptoExport`]: what a crypto module gets to see of a ring.

use core::fmt;

use super::Keyring;
use crate::error::DecryptionKeyError;
use crate::id::KeyId;
use crate::key::{DecryptionKey, EncryptionKey};
use crate::material::KeyMaterial;

/// A view of a ring for the module that encrypts and decrypts: the active key to encrypt with,
/// every key to decrypt with, and nothing that changes, stores or retires a key.
///
/// ```
/// use key_rotation::{CryptoExport, Key, KeyId, Keyring, Timestamp};
///
/// fn header(keys: CryptoExport<'_, &str>) -> String {
///     format!("key={}", keys.active_key_id())
/// }
///
/// # let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// assert_eq!(header(ring.export_for_crypto()), "key=k1");
/// ```
#[must_use]
pub struct CryptoExport<'r, M = KeyMaterial> {
    ring: &'r Keyring<M>,
}

impl<'r, M> CryptoExport<'r, M> {
    pub(super) fn new(ring: &'r Keyring<M>) -> Self {
        Self { ring }
    }

    /// The id of the active key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.export_for_crypto().active_key_id().as_str(), "k1");
    /// ```
    #[must_use]
    pub fn active_key_id(&self) -> &'r KeyId {
        self.ring.active().id()
    }

    /// The right to encrypt with the active key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert_eq!(ring.export_for_crypto().encryption_key().material(), &"cipher");
    /// ```
    pub fn encryption_key(&self) -> EncryptionKey<'r, M> {
        self.ring.encryption_key()
    }

    /// The right to decrypt with the key of this id, if the ring has it.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let keys = ring.export_for_crypto();
    /// assert_eq!(keys.get("k1").map(|key| *key.material()), Some("cipher"));
    /// assert!(keys.get("k0").is_none());
    /// ```
    #[must_use]
    pub fn get(&self, id: &str) -> Option<DecryptionKey<'r, M>> {
        self.ring.get(id).map(|key| key.decryption_key())
    }

    /// The right to decrypt with the key of this id, or why there is none.
    ///
    /// # Errors
    ///
    /// Those of [`Keyring::decryption_key`].
    ///
    /// ```
    /// # use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let keys = ring.export_for_crypto();
    /// assert!(matches!(keys.decryption_key("k0"), Err(DecryptionKeyError::KeyNotFound { .. })));
    /// ```
    pub fn decryption_key(&self, id: &str) -> Result<DecryptionKey<'r, M>, DecryptionKeyError> {
        self.ring.decryption_key(id)
    }

    /// Every key to decrypt with, in the order of [`Keyring::decryption_keys`].
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.export_for_crypto().iter().count(), ring.len());
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = DecryptionKey<'r, M>> + use<'r, M> {
        self.ring.decryption_keys()
    }
}

impl<M> Clone for CryptoExport<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for CryptoExport<'_, M> {}

impl<M> fmt::Debug for CryptoExport<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoExport")
            .field("active_key_id", self.active_key_id())
            .finish_non_exhaustive()
    }
}
