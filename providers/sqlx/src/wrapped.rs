//! [`WrappedKey`]: what the database holds.

use std::fmt;

use thiserror::Error;

/// A key that is wrapped: encrypted under a key of a KMS or an HSM, and of no use without it.
///
/// It is what the database holds, and nothing here can look into it. As a material it keeps a ring
/// of wrapped keys from encrypting by type: `EncryptionKey<'_, WrappedKey>` is not what a function
/// that encrypts takes. The way from one to the other is to unwrap each key once, with
/// [`Keyring::try_map`](key_rotation::Keyring::try_map), or with
/// [`KeyRecord::with_material`](key_rotation::KeyRecord::with_material) where unwrapping is async.
///
/// # Examples
///
/// ```
/// use key_rotation::error::MaterialError;
/// use key_rotation::{EncryptionKey, KeyMaterial, Keyring};
/// use key_rotation_sqlx::WrappedKey;
///
/// # fn unwrap(key: &WrappedKey) -> Result<KeyMaterial, MaterialError> {
/// #     KeyMaterial::try_from(key.as_bytes().to_vec())
/// # }
/// fn seal(key: EncryptionKey<'_, KeyMaterial>) { /* … */ }
/// # fn work(stored: Keyring<WrappedKey>) -> Result<(), MaterialError> {
/// let usable = stored.try_map(|_, wrapped| unwrap(wrapped))?;
/// seal(usable.encryption_key());
/// # Ok(()) }
/// ```
///
/// With the ring as it is stored, this does not compile (`expected EncryptionKey<'_>, found
/// EncryptionKey<'_, WrappedKey>`):
///
/// ```compile_fail,E0308
/// use key_rotation::error::MaterialError;
/// use key_rotation::{EncryptionKey, KeyMaterial, Keyring};
/// use key_rotation_sqlx::WrappedKey;
///
/// # fn unwrap(key: &WrappedKey) -> Result<KeyMaterial, MaterialError> {
/// #     KeyMaterial::try_from(key.as_bytes().to_vec())
/// # }
/// fn seal(key: EncryptionKey<'_, KeyMaterial>) { /* … */ }
/// # fn work(stored: Keyring<WrappedKey>) -> Result<(), MaterialError> {
/// let usable = stored.try_map(|_, wrapped| unwrap(wrapped))?;
/// seal(stored.encryption_key());
/// # Ok(()) }
/// ```
pub struct WrappedKey(Box<[u8]>);

impl WrappedKey {
    /// The longest wrapped key, in bytes.
    pub const MAX_LEN: usize = 1 << 16;

    /// Keeps what the KMS gave, as it is.
    ///
    /// # Errors
    ///
    /// [`InvalidWrappedKey`] if it is empty, or longer than [`MAX_LEN`](Self::MAX_LEN).
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation_sqlx::{InvalidWrappedKey, WrappedKey};
    ///
    /// let wrapped = WrappedKey::new(vec![1, 2, 3])?;
    /// assert_eq!(wrapped.as_bytes(), [1, 2, 3]);
    /// assert_eq!(WrappedKey::new(vec![]).unwrap_err(), InvalidWrappedKey::Empty);
    /// # Ok::<(), InvalidWrappedKey>(())
    /// ```
    pub fn new(wrapped: impl Into<Box<[u8]>>) -> Result<Self, InvalidWrappedKey> {
        let wrapped = wrapped.into();
        match wrapped.len() {
            0 => Err(InvalidWrappedKey::Empty),
            1..=Self::MAX_LEN => Ok(Self(wrapped)),
            len => Err(InvalidWrappedKey::TooLong { len }),
        }
    }

    /// Returns what the KMS is to be given.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length alone.
impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedKey").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

/// Bytes that are no wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidWrappedKey {
    /// There are none.
    #[error("a wrapped key cannot be empty")]
    Empty,
    /// There are more than [`WrappedKey::MAX_LEN`].
    #[error("a wrapped key is at most {} bytes long, and this one has {len}", WrappedKey::MAX_LEN)]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
}
