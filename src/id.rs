//! [`KeyId`]: the name of a key, the one thing about it that may be printed anywhere.

use alloc::string::String;
use core::borrow::Borrow;
use core::fmt::{self, Write};
use core::str::FromStr;

use smol_str::{SmolStr, ToSmolStr};
use thiserror::Error;

/// The name of a key: 1 to 128 bytes of visible ASCII (`!` to `~`, no spaces).
///
/// That is what a header, a database column and a log line carry unharmed, so an id can neither
/// forge a line nor hide in one. Ids of up to 23 bytes are stored inline. A longer one is shared
/// between its clones, so cloning never allocates.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyId;
///
/// let id: KeyId = "2026-q4".parse()?;
/// assert_eq!(id, *"2026-q4");
/// assert_eq!(KeyId::from(42_u64).as_str(), "42");
/// assert!(KeyId::try_from("two words").is_err());
/// # Ok::<(), key_rotation::error::InvalidKeyId>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(SmolStr);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Makes an id of a literal. In a `const`, a malformed literal does not compile.
    ///
    /// # Panics
    ///
    /// Outside a `const`, with a malformed id. Text that is not a literal has `TryFrom` and
    /// `FromStr`, which answer with an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::KeyId;
    ///
    /// const FIRST: KeyId = KeyId::from_static("2026-q4");
    /// ```
    ///
    /// ```compile_fail
    /// use key_rotation::KeyId;
    ///
    /// const FIRST: KeyId = KeyId::from_static("2026 q4");
    /// ```
    #[must_use]
    pub const fn from_static(id: &'static str) -> Self {
        assert!(
            !id.is_empty(),
            "a key id cannot be empty: give it 1 to 128 bytes of visible ASCII"
        );
        assert!(
            id.len() <= Self::MAX_LEN,
            "a key id is at most 128 bytes long: choose a shorter one"
        );
        assert!(
            check(id).is_ok(),
            "a key id is visible ASCII, `!` to `~`: no spaces (use `-`), control characters or letters outside ASCII"
        );
        // As many bytes as `SmolStr` keeps inline.
        if id.len() <= 23 { Self(SmolStr::new_inline(id)) } else { Self(SmolStr::new_static(id)) }
    }

    /// Makes an id of any text that others have chosen, such as the `kid` of a JWT.
    ///
    /// A byte that an id cannot have, and the percent sign, becomes `%` and two hexadecimal digits,
    /// so that two texts never become one id. A text without them stays as it is.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyId::Empty`], and [`InvalidKeyId::TooLong`] with the length that the id would
    /// have.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::KeyId;
    ///
    /// assert_eq!(KeyId::escaped("2026-q4")?.as_str(), "2026-q4");
    /// assert_eq!(KeyId::escaped("clé 1")?.as_str(), "cl%C3%A9%201");
    /// assert_ne!(KeyId::escaped("a b")?, KeyId::escaped("a%20b")?);
    /// # Ok::<(), key_rotation::error::InvalidKeyId>(())
    /// ```
    pub fn escaped(text: &str) -> Result<Self, InvalidKeyId> {
        let stays = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
        let len = text.bytes().map(|byte| if stays(byte) { 1 } else { 3 }).sum();
        if len > Self::MAX_LEN {
            return Err(InvalidKeyId::TooLong { len });
        }
        let mut id = String::with_capacity(len);
        for byte in text.bytes() {
            if stays(byte) {
                id.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(id, "%{byte:02X}");
            }
        }
        id.parse()
    }

    /// Returns the id as text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns true if this is that id.
    ///
    /// Ids often begin alike and rarely end alike, so the last eight bytes are compared first. With
    /// them and the first eight, an id of the usual length is compared without a call.
    #[inline]
    pub(crate) fn is(&self, id: &str) -> bool {
        let (own, other) = (self.as_str().as_bytes(), id.as_bytes());
        if own.len() != other.len() || own.last_chunk::<8>() != other.last_chunk::<8>() {
            return false;
        }
        match (own.first_chunk::<8>(), other.first_chunk::<8>()) {
            (Some(own), Some(other)) if id.len() <= 16 => own == other,
            _ => own == other,
        }
    }
}

/// The one place that says what a key id is.
const fn check(id: &str) -> Result<(), InvalidKeyId> {
    let mut rest = id.as_bytes();
    if rest.is_empty() {
        return Err(InvalidKeyId::Empty);
    }
    if rest.len() > KeyId::MAX_LEN {
        return Err(InvalidKeyId::TooLong { len: id.len() });
    }
    while let [byte, tail @ ..] = rest {
        if !byte.is_ascii_graphic() {
            return Err(InvalidKeyId::NotVisibleAscii {
                byte: *byte,
                position: id.len() - rest.len(),
            });
        }
        rest = tail;
    }
    Ok(())
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        // All bytes at once, as a processor can; what is wrong, if something is, says `check`.
        let is_visible = id.bytes().fold(true, |so_far, byte| so_far & byte.is_ascii_graphic());
        if id.is_empty() || id.len() > Self::MAX_LEN || !is_visible {
            check(id)?;
        }
        Ok(Self(SmolStr::new(id)))
    }
}

impl TryFrom<&str> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(id: &str) -> Result<Self, Self::Error> {
        id.parse()
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        id.parse()
    }
}

/// Writes the number in decimal, without leading zeros. Does not allocate.
impl From<u8> for KeyId {
    fn from(number: u8) -> Self {
        Self::from(u64::from(number))
    }
}

/// Writes the number in decimal, without leading zeros. Does not allocate.
impl From<u16> for KeyId {
    fn from(number: u16) -> Self {
        Self::from(u64::from(number))
    }
}

/// Writes the number in decimal, without leading zeros. Does not allocate.
impl From<u32> for KeyId {
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

/// Writes the number in decimal, without leading zeros. Does not allocate.
impl From<u64> for KeyId {
    fn from(number: u64) -> Self {
        // At most 20 digits, which `SmolStr` keeps inline.
        Self(number.to_smolstr())
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for KeyId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for KeyId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

/// Text that is no [`KeyId`].
///
/// # Examples
///
/// ```
/// use key_rotation::KeyId;
/// use key_rotation::error::InvalidKeyId;
///
/// assert_eq!(
///     KeyId::try_from("k 1"),
///     Err(InvalidKeyId::NotVisibleAscii { byte: b' ', position: 1 }),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKeyId {
    /// There is no text.
    #[error("a key id cannot be empty: give it 1 to {} bytes of visible ASCII", KeyId::MAX_LEN)]
    Empty,
    /// The text is longer than [`KeyId::MAX_LEN`].
    #[error(
        "a key id is at most {} bytes long, and this one has {len}: choose a shorter one",
        KeyId::MAX_LEN
    )]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
    /// A byte is outside `!` to `~`.
    #[error(
        "a key id is visible ASCII, `!` to `~`, and this one has byte {byte:#04x} at position {position}: remove it"
    )]
    NotVisibleAscii {
        /// The first such byte.
        byte: u8,
        /// Where it stands, counted from 0.
        position: usize,
    },
}
