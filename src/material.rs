//! [`KeyMaterial`]: secret bytes at one heap address, wiped when dropped.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use zeroize::{Zeroize, ZeroizeOnDrop};

use thiserror::Error;

/// The bytes of a key, on the heap. They are wiped when they are dropped.
///
/// The bytes are written once, to where they stay until they are wiped: nothing reallocates them.
/// They do not print, compare, clone or serialize; [`expose_secret`](Self::expose_secret) and
/// [`expose_array`](Self::expose_array) are the only ways to see them, and a search for `expose_`
/// finds every place that does.
///
/// Each way in leaves no copy behind in memory that it was given:
///
/// | from | what becomes of the source |
/// |---|---|
/// | [`try_fill`](Self::try_fill) | there is none: an RNG or a KDF writes to the final address |
/// | [`take`](Self::take) | wiped, also when the material is refused |
/// | `TryFrom<Vec<u8>>` | wiped whole, spare capacity included |
/// | `TryFrom<Box<[u8]>>` | becomes the material, without a copy |
///
/// It is bytes and nothing else. Where keys are for several algorithms, the material of the ring is
/// a type of the program's own, such as
/// `struct Secret { algorithm: Algorithm, bytes: KeyMaterial }`.
///
/// Copies from before (a stack variable, a file buffer) are the caller's to wipe.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyMaterial;
///
/// let mut bytes = *b"an example key of 32 bytes, wow!";
/// let material = KeyMaterial::take(&mut bytes)?;
/// assert_eq!(bytes, [0; 32]);
/// assert_eq!(material.expose_secret().len(), 32);
/// assert_eq!(format!("{material:?}"), "KeyMaterial { .. }");
/// # Ok::<(), key_rotation::error::MaterialError>(())
/// ```
#[must_use = "material that is dropped is wiped"]
pub struct KeyMaterial(SecretBox<[u8]>);

impl KeyMaterial {
    /// Copies the bytes to their place and wipes the source.
    ///
    /// # Errors
    ///
    /// [`MaterialError::Empty`] and [`MaterialError::AllZero`]; the source is wiped all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::KeyMaterial;
    /// use key_rotation::error::MaterialError;
    ///
    /// let mut placeholder = [0; 32];
    /// assert_eq!(KeyMaterial::take(&mut placeholder).unwrap_err(), MaterialError::AllZero);
    /// ```
    pub fn take(source: &mut [u8]) -> Result<Self, MaterialError> {
        // A box of its final size, which is written once.
        let secret = SecretBox::new(Box::from(&*source));
        source.zeroize();
        Self::checked(secret)
    }

    /// Makes material of `len` bytes that `fill` writes in place: an RNG, a KDF, a decryption.
    ///
    /// # Errors
    ///
    /// [`TryFillError::Fill`] with the error of `fill`; [`TryFillError::Material`] when `len` is
    /// zero (then `fill` is not called) or when `fill` left every byte zero. The bytes that it has
    /// written are wiped, also when `fill` panics.
    ///
    /// # Panics
    ///
    /// When `len` is more than a process can have: `isize::MAX`. Check a length that comes from
    /// outside.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::KeyMaterial;
    ///
    /// let material = KeyMaterial::try_fill(32, getrandom::fill)?;
    /// assert_eq!(material.expose_secret().len(), 32);
    /// # Ok::<(), key_rotation::error::TryFillError<getrandom::Error>>(())
    /// ```
    pub fn try_fill<E>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, TryFillError<E>> {
        if len == 0 {
            return Err(TryFillError::Material(MaterialError::Empty));
        }
        let mut secret = zeroed(len);
        fill(secret.expose_secret_mut()).map_err(TryFillError::Fill)?;
        Self::checked(secret).map_err(TryFillError::Material)
    }

    /// Returns the secret bytes.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Returns the secret bytes as an array, for a cipher that wants exactly `N` of them.
    ///
    /// # Errors
    ///
    /// [`MaterialError::WrongLength`] when there are not exactly `N`.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::KeyMaterial;
    /// use key_rotation::error::MaterialError;
    ///
    /// let material = KeyMaterial::take(&mut [7; 16])?;
    /// let key: &[u8; 16] = material.expose_array()?;
    /// assert_eq!(
    ///     material.expose_array::<32>(),
    ///     Err(MaterialError::WrongLength { expected: 32, found: 16 }),
    /// );
    /// # Ok::<(), MaterialError>(())
    /// ```
    pub fn expose_array<const N: usize>(&self) -> Result<&[u8; N], MaterialError> {
        let bytes = self.expose_secret();
        bytes.try_into().map_err(|_| MaterialError::WrongLength { expected: N, found: bytes.len() })
    }

    /// The one place that says which bytes can be a key. Refused bytes are wiped by their drop.
    fn checked(secret: SecretBox<[u8]>) -> Result<Self, MaterialError> {
        let bytes = secret.expose_secret();
        if bytes.is_empty() {
            return Err(MaterialError::Empty);
        }
        // Looks at every byte, so that the time taken tells nothing about where the first one is
        // that is not zero.
        if bytes.iter().fold(0, |seen, byte| seen | byte) == 0 {
            return Err(MaterialError::AllZero);
        }
        Ok(Self(secret))
    }
}

/// A box of its final size: `vec![0; len]` has no spare capacity, so nothing is reallocated.
fn zeroed(len: usize) -> SecretBox<[u8]> {
    SecretBox::new(vec![0; len].into_boxed_slice())
}

/// Wipes all of the source, its spare capacity included.
impl TryFrom<Vec<u8>> for KeyMaterial {
    type Error = MaterialError;

    fn try_from(mut source: Vec<u8>) -> Result<Self, Self::Error> {
        let material = Self::take(&mut source);
        // `Vec::zeroize` covers the capacity, where a longer secret may have stood before.
        source.zeroize();
        material
    }
}

/// Takes the box as it is; wiped when the material is refused.
impl TryFrom<Box<[u8]>> for KeyMaterial {
    type Error = MaterialError;

    fn try_from(source: Box<[u8]>) -> Result<Self, Self::Error> {
        Self::checked(SecretBox::new(source))
    }
}

impl ZeroizeOnDrop for KeyMaterial {}

/// Never applies to a type that a program has: material is not compared. It is here so that the
/// compiler says what to do instead.
impl<R: ?Sized> PartialEq<R> for KeyMaterial
where
    (): words::Compares<R>,
{
    fn eq(&self, _: &R) -> bool {
        false
    }
}

mod words {
    #[diagnostic::on_unimplemented(
        message = "key material is not compared",
        label = "comparing secrets with `==` tells by its time where they differ",
        note = "to find out whether two keys are the same key, compare their ids: `key.id() == other.id()`",
        note = "to compare secret bytes all the same, use a comparison that takes the same time always, such as `subtle::ConstantTimeEq` on `material.expose_secret()`"
    )]
    #[expect(unnameable_types, reason = "so that nobody implements it")]
    pub trait Compares<R: ?Sized> {}

    /// A type that no program has. There are two impls of it because the compiler looks for one
    /// before it knows what stands on the other side of `==`, and has our words only if it cannot
    /// tell yet.
    #[derive(Debug)]
    #[expect(unnameable_types, reason = "so that nothing is compared with it")]
    pub enum Nothing {}

    #[diagnostic::do_not_recommend]
    impl Compares<Nothing> for () {}

    #[diagnostic::do_not_recommend]
    impl Compares<[Nothing]> for () {}
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").finish_non_exhaustive()
    }
}

/// Bytes that cannot be a key.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyMaterial;
/// use key_rotation::error::MaterialError;
///
/// assert_eq!(KeyMaterial::try_from(vec![0; 32]).unwrap_err(), MaterialError::AllZero);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MaterialError {
    /// There are no bytes.
    #[error("key material cannot be empty")]
    Empty,
    /// Every byte is zero: a buffer that nobody filled, or that was wiped.
    #[error("key material cannot be all zeros: the buffer was never filled, or was wiped already")]
    AllZero,
    /// There are not as many bytes as the cipher wants.
    #[error("the key material has {found} bytes, and {expected} are wanted")]
    WrongLength {
        /// The number of bytes that the cipher wants.
        expected: usize,
        /// The number of bytes that there are.
        found: usize,
    },
}

/// The error of [`KeyMaterial::try_fill`].
///
/// # Examples
///
/// ```
/// use key_rotation::KeyMaterial;
/// use key_rotation::error::TryFillError;
///
/// let error = KeyMaterial::try_fill(32, |_| Err("no entropy")).unwrap_err();
/// assert_eq!(error, TryFillError::Fill("no entropy"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(clippy::exhaustive_enums, reason = "the bytes are refused, or there are none")]
pub enum TryFillError<E> {
    /// The bytes that were filled in cannot be a key.
    #[error(transparent)]
    Material(MaterialError),
    /// The source of the bytes failed.
    #[error("the key material could not be filled in")]
    Fill(#[source] E),
}
