//! [`EncryptionKey`] and [`DecryptionKey`]: the right to use a key, lent by the key.

use core::fmt;

use super::KeyParts;
use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::status::KeyStatus;

/// The right to encrypt, lent by an active key.
///
/// There is no other way to one than [`Key::encryption_key`](crate::Key::encryption_key) on a
/// `Key<Active>` and its short form [`Keyring::encryption_key`](crate::Keyring::encryption_key).
/// A function that takes an `EncryptionKey` can therefore not be called with an old key:
///
/// ```
/// use key_rotation::{DecryptionKey, EncryptionKey};
/// # struct Cipher;
/// # impl Cipher {
/// #     fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> { plaintext.to_vec() }
/// #     fn decrypt(&self, body: &[u8]) -> Vec<u8> { body.to_vec() }
/// # }
///
/// fn seal(key: EncryptionKey<'_, Cipher>, plaintext: &[u8]) -> (String, Vec<u8>) {
///     (key.id().to_string(), key.material().encrypt(plaintext))
/// }
///
/// fn open(key: DecryptionKey<'_, Cipher>, body: &[u8]) -> Vec<u8> {
///     key.material().decrypt(body)
/// }
/// ```
///
/// It borrows the key, and got from a ring it borrows the ring: while it lives, no other key can
/// be activated there. Like any shared borrow it copies freely; it copies no secret.
#[must_use = "an encryption key does nothing until it is handed to a cipher"]
pub struct EncryptionKey<'k, M = KeyMaterial> {
    id: &'k KeyId,
    material: &'k M,
}

impl<'k, M> EncryptionKey<'k, M> {
    #[inline]
    pub(super) fn new(key: &'k KeyParts<M>) -> Self {
        Self { id: &key.id, material: &key.material }
    }

    /// The id to write beside the ciphertext, so that the key is found again.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.encryption_key().id().as_str(), "k1");
    /// ```
    #[must_use]
    #[inline]
    pub fn id(&self) -> &'k KeyId {
        self.id
    }

    /// What to encrypt with.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert_eq!(ring.encryption_key().material(), &"cipher");
    /// ```
    #[must_use]
    #[inline]
    pub fn material(&self) -> &'k M {
        self.material
    }
}

// By hand, because a derive would ask for `M: Clone`; what is copied is two pointers.
impl<M> Clone for EncryptionKey<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for EncryptionKey<'_, M> {}

impl<M> fmt::Debug for EncryptionKey<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").field("id", self.id).finish_non_exhaustive()
    }
}

/// The right to decrypt, lent by a key of any status.
///
/// It is not an [`EncryptionKey`] and cannot become one. It borrows like one.
///
/// ```
/// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
/// # ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
/// # let _ = ring.rotate_to("k2", now)?;
/// let key = ring.decryption_key("k1")?;
/// if !key.is_current() {
///     // The data is readable; encrypt it again with the active key when convenient.
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a decryption key does nothing until it is handed to a cipher"]
pub struct DecryptionKey<'k, M = KeyMaterial> {
    id: &'k KeyId,
    material: &'k M,
    status: KeyStatus,
}

impl<'k, M> DecryptionKey<'k, M> {
    #[inline]
    pub(super) fn new(key: &'k KeyParts<M>, status: KeyStatus) -> Self {
        Self { id: &key.id, material: &key.material, status }
    }

    /// The id of the key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(key.decryption_key().id().as_str(), "k1");
    /// ```
    #[must_use]
    #[inline]
    pub fn id(&self) -> &'k KeyId {
        self.id
    }

    /// What to decrypt with.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), "cipher", Timestamp::now());
    /// assert_eq!(key.decryption_key().material(), &"cipher");
    /// ```
    #[must_use]
    #[inline]
    pub fn material(&self) -> &'k M {
        self.material
    }

    /// The status of the key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(key.decryption_key().status(), KeyStatus::Inactive);
    /// ```
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// Whether this is the active key. Data under any other key is readable now and would gain
    /// from being encrypted again.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert!(!key.decryption_key().is_current());
    /// ```
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.status.can_encrypt()
    }
}

impl<M> Clone for DecryptionKey<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for DecryptionKey<'_, M> {}

impl<M> fmt::Debug for DecryptionKey<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("id", self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
