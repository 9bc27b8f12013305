//! [`RingName`]: which of a store's rings.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::id::{InvalidKeyId, KeyId};

/// The name of a ring in a store that may hold several: 1 to 128 bytes of visible ASCII (`!` to
/// `~`, no spaces), as in a [`KeyId`].
///
/// # Examples
///
/// ```
/// use key_rotation::store::RingName;
///
/// const PAYMENTS: RingName = RingName::from_static("payments");
/// assert_eq!(PAYMENTS.as_str(), "payments");
/// assert!("two words".parse::<RingName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingName(KeyId);

impl RingName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = KeyId::MAX_LEN;

    /// Makes a name of a literal. In a `const`, a malformed literal does not compile.
    ///
    /// # Panics
    ///
    /// Outside a `const`, with a malformed name. Text that is not a literal has `TryFrom` and
    /// `FromStr`, which answer with an error.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(KeyId::from_static(name))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for RingName {
    type Err = InvalidRingName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse().map(Self).map_err(|wrong| match wrong {
            InvalidKeyId::Empty => InvalidRingName::Empty,
            InvalidKeyId::TooLong { len } => InvalidRingName::TooLong { len },
            InvalidKeyId::NotVisibleAscii { byte, position } => {
                InvalidRingName::NotVisibleAscii { byte, position }
            }
        })
    }
}

impl TryFrom<&str> for RingName {
    type Error = InvalidRingName;

    fn try_from(name: &str) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl TryFrom<String> for RingName {
    type Error = InvalidRingName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl AsRef<str> for RingName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingName({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for RingName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for RingName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

/// Text that is no [`RingName`].
///
/// # Examples
///
/// ```
/// use key_rotation::error::InvalidRingName;
/// use key_rotation::store::RingName;
///
/// assert_eq!(
///     RingName::try_from("pay ments"),
///     Err(InvalidRingName::NotVisibleAscii { byte: b' ', position: 3 }),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRingName {
    /// There is no text.
    #[error(
        "a ring's name cannot be empty: give it 1 to {} bytes of visible ASCII",
        RingName::MAX_LEN
    )]
    Empty,
    /// The text is longer than [`RingName::MAX_LEN`].
    #[error(
        "a ring's name is at most {} bytes long, and this one has {len}: choose a shorter one",
        RingName::MAX_LEN
    )]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
    /// A byte is outside `!` to `~`.
    #[error(
        "a ring's name is visible ASCII, `!` to `~`, and this one has byte {byte:#04x} at position {position}: remove it"
    )]
    NotVisibleAscii {
        /// The first such byte.
        byte: u8,
        /// Where it stands, counted from 0.
        position: usize,
    },
}
