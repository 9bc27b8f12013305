//! The rights to use a key, lent by the key: to encrypt, to decrypt, to salvage.

use alloc::sync::Arc;
use core::fmt;

use super::info::Head;
use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::status::KeyStatus;

/// The right to encrypt, lent by an active key.
///
/// There is no other way to one than [`Key::encryption_key`](crate::Key::encryption_key) on a
/// `Key<Active>`, or a shorthand for it. A function that takes an `EncryptionKey` can therefore not
/// be called with an old key.
///
/// It borrows the key, and got from a ring it borrows the ring: while it lives, no other key can be
/// activated there. Like any shared borrow it copies freely, and it copies no secret.
///
/// # Examples
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
#[must_use = "an encryption key does nothing until it is handed to a cipher"]
pub struct EncryptionKey<'k, E = KeyMaterial> {
    id: &'k KeyId,
    material: &'k E,
}

/// The right to sign, lent by an active key: an [`EncryptionKey`] by the name that signatures use.
pub type SigningKey<'k, E = KeyMaterial> = EncryptionKey<'k, E>;

impl<'k, E> EncryptionKey<'k, E> {
    #[inline]
    pub(super) fn new(id: &'k KeyId, material: &'k E) -> Self {
        Self { id, material }
    }

    /// Returns the id to write beside the ciphertext, so that the key is found again.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &'k KeyId {
        self.id
    }

    /// Returns the encrypting half.
    #[must_use]
    #[inline]
    pub fn material(&self) -> &'k E {
        self.material
    }
}

// By hand, because a derive would ask for `E: Clone`. What is copied is two pointers.
impl<E> Clone for EncryptionKey<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for EncryptionKey<'_, E> {}

impl<E> fmt::Debug for EncryptionKey<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").field("id", self.id).finish_non_exhaustive()
    }
}

/// The right to decrypt, lent by a key that is active, inactive or retired.
///
/// It shows the decrypting half alone. It is no [`EncryptionKey`], and cannot become one. It
/// borrows the key; [`to_owned`](Self::to_owned) makes a right that borrows nothing.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
/// let rotation = ring.rotate_in(Key::new(KeyId::from_static("k2"), "two", now), now)?;
///
/// let key = ring.decryption_key("k1")?;
/// if key.is_superseded() {
///     // The data is readable: seal it again with `ring.encryption_key()` when convenient.
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a decryption key does nothing until it is handed to a cipher"]
pub struct DecryptionKey<'k, D = KeyMaterial> {
    head: &'k Head,
    material: &'k Arc<D>,
    status: KeyStatus,
}

/// The right to verify: a [`DecryptionKey`] by the name that signatures use.
pub type VerificationKey<'k, D = KeyMaterial> = DecryptionKey<'k, D>;

impl<'k, D> DecryptionKey<'k, D> {
    #[inline]
    pub(crate) fn new(head: &'k Head, material: &'k Arc<D>, status: KeyStatus) -> Self {
        Self { head, material, status }
    }

    /// Returns the id of the key.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &'k KeyId {
        &self.head.id
    }

    /// Returns the decrypting half.
    #[must_use]
    #[inline]
    pub fn material(&self) -> &'k D {
        self.material
    }

    /// Returns the status of the key.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// Returns true if this ring has seen the key active, and the key is not active now: data under
    /// it would gain from being sealed again.
    ///
    /// A staged key that decrypts is not superseded. Somebody has a newer ring and encrypts with
    /// it, so this ring is merely old: sealing the data again would seal it under an older key.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        !self.status.can_encrypt() && self.head.marks.used()
    }

    /// Makes a right that lives across a rotation, and in a task of its own.
    pub fn to_owned(&self) -> OwnedDecryptionKey<D> {
        OwnedDecryptionKey {
            head: self.head.share(),
            material: Arc::clone(self.material),
            status: self.status,
        }
    }
}

impl<D> Clone for DecryptionKey<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for DecryptionKey<'_, D> {}

impl<D> fmt::Debug for DecryptionKey<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("id", self.id())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A [`DecryptionKey`] that borrows nothing: for a task that outlives the ring it came from.
///
/// It shares the material, so the material is not wiped before this right is dropped. There is no
/// owned encryption key: take one anew from the ring.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// let key = ring.decryption_key("k1")?.to_owned();
/// drop(ring);
/// std::thread::spawn(move || assert_eq!(key.as_key().material(), &"cipher"));
/// # Ok::<(), key_rotation::DecryptionKeyError>(())
/// ```
#[must_use = "a decryption key does nothing until it is handed to a cipher"]
pub struct OwnedDecryptionKey<D = KeyMaterial> {
    head: Head,
    material: Arc<D>,
    status: KeyStatus,
}

impl<D> OwnedDecryptionKey<D> {
    /// Lends the right.
    pub fn as_key(&self) -> DecryptionKey<'_, D> {
        DecryptionKey::new(&self.head, &self.material, self.status)
    }
}

impl<D> fmt::Debug for OwnedDecryptionKey<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedDecryptionKey")
            .field("id", &self.head.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The right to salvage, lent by a revoked key: to decrypt what is to be sealed again at once.
///
/// It is a type of its own, so that no function that opens data for a program takes one.
///
/// # Examples
///
/// ```
/// use key_rotation::{EncryptionKey, SalvageKey};
/// # struct Cipher;
/// # impl Cipher {
/// #     fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> { plaintext.to_vec() }
/// #     fn decrypt(&self, body: &[u8]) -> Vec<u8> { body.to_vec() }
/// # }
///
/// /// The one place of a program that takes a salvage key.
/// fn seal_again(old: SalvageKey<'_, Cipher>, new: EncryptionKey<'_, Cipher>, body: &[u8]) -> Vec<u8> {
///     new.material().encrypt(&old.material().decrypt(body))
/// }
/// ```
#[must_use = "a salvage key does nothing until a job seals data again with it"]
pub struct SalvageKey<'k, D = KeyMaterial> {
    id: &'k KeyId,
    material: &'k D,
}

impl<'k, D> SalvageKey<'k, D> {
    pub(crate) fn new(id: &'k KeyId, material: &'k D) -> Self {
        Self { id, material }
    }

    /// Returns the id of the key.
    #[must_use]
    pub fn id(&self) -> &'k KeyId {
        self.id
    }

    /// Returns the decrypting half.
    #[must_use]
    pub fn material(&self) -> &'k D {
        self.material
    }
}

impl<D> Clone for SalvageKey<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for SalvageKey<'_, D> {}

impl<D> fmt::Debug for SalvageKey<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SalvageKey").field("id", self.id).finish_non_exhaustive()
    }
}
