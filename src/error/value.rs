//! What ids, statuses, times and material are refused for.

use thiserror::Error;

use super::EscapedText;
use crate::id::KeyId;

/// Text that is no [`KeyId`](crate::KeyId).
///
/// ```
/// use key_rotation::{InvalidKeyId, KeyId};
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
    /// The text is longer than [`KeyId::MAX_LEN`](crate::KeyId::MAX_LEN).
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

/// Text that names no [`KeyStatus`](crate::KeyStatus).
///
/// ```
/// use key_rotation::KeyStatus;
/// let error = "primary".parse::<KeyStatus>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`primary` is not the status of a key: it is `active`, `inactive` or `retired`",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{found}` is not the status of a key: it is `active`, `inactive` or `retired`")]
pub struct ParseStatusError {
    /// The text found.
    pub found: EscapedText,
}

/// A time that a [`Timestamp`](crate::Timestamp) cannot hold.
///
/// ```
/// use key_rotation::{InvalidTimestamp, Timestamp};
/// assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>(), Err(InvalidTimestamp::BeforeUnixEpoch));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTimestamp {
    /// The text is not an RFC 3339 time.
    #[error("the text is not an RFC 3339 time, such as 2026-11-23T08:36:00Z")]
    Malformed,
    /// The time is before 1970.
    #[error("the time is before 1970-01-01T00:00:00Z: nothing here is that old")]
    BeforeUnixEpoch,
    /// The time is after [`Timestamp::MAX`](crate::Timestamp::MAX).
    #[error("the time is after 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write")]
    TooLate,
}

/// Bytes that cannot be a key.
///
/// ```
/// use key_rotation::{KeyMaterial, MaterialError};
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
        /// How many were asked for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

/// [`KeyMaterial::try_fill`](crate::KeyMaterial::try_fill) failed.
///
/// ```
/// use key_rotation::{KeyMaterial, TryFillError};
/// let error = KeyMaterial::try_fill(32, |_| Err("no entropy")).unwrap_err();
/// assert_eq!(error, TryFillError::Fill("no entropy"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryFillError<E> {
    /// What was filled in cannot be a key.
    #[error(transparent)]
    Material(MaterialError),
    /// The source of the bytes failed.
    #[error("the key material could not be filled in")]
    Fill(#[source] E),
}
