//! The errors of a lookup in a ring.

use thiserror::Error;

use crate::id::KeyId;
use crate::refusal::Refusal;
use crate::status::KeyStatus;
use crate::text::{EscapedText, Reason};
use crate::timestamp::Timestamp;

/// The error for an id with which there is no right to decrypt.
///
/// # Examples
///
/// ```
/// use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// match ring.decryption_key("k0") {
///     Ok(key) => println!("decrypt with {}", key.material()),
///     Err(DecryptionKeyError::KeyNotFound { .. }) => println!("load the ring again, once"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecryptionKeyError {
    /// The ring has no such key, and never had one that it knows of.
    #[error("no key has the id `{id}`: load the keyring again, once, in case the key is new")]
    KeyNotFound {
        /// The id asked for.
        id: EscapedText,
    },
    /// The key was destroyed. Its data cannot be read.
    #[error("key `{id}` was destroyed at {at}: what was encrypted with it cannot be read any more")]
    KeyDestroyed {
        /// The key.
        id: KeyId,
        /// When it was destroyed.
        at: Timestamp,
    },
    /// The key is not trusted any more. A job that seals data again has `salvage_key`.
    #[error(
        "key `{id}` was revoked{}: it is not trusted, so do not use what it decrypts; a job that \
         seals data again may salvage with it",
        At(*at)
    )]
    KeyRevoked {
        /// The key.
        id: KeyId,
        /// When it was revoked, if that is known.
        at: Option<Timestamp>,
    },
    /// The key is there, and the policy does not let it decrypt.
    #[error("key `{id}` may not decrypt: {reason}")]
    NotAllowed {
        /// The key.
        id: KeyId,
        /// The policy's reason.
        reason: Refusal,
    },
    /// The key is there, and its material could not be prepared.
    #[error("key `{id}` could not be prepared: {reason}; have it prepared again")]
    Unprepared {
        /// The key.
        id: KeyId,
        /// The reason.
        reason: Reason,
    },
}

/// The error for an id with which there is no key of the status that was asked for.
///
/// # Examples
///
/// ```
/// use key_rotation::error::EntryError;
/// use key_rotation::{Key, KeyId, Keyring, KeyStatus, Retired, Timestamp};
///
/// let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// assert_eq!(
///     ring.entry::<Retired>("k1").unwrap_err().to_string(),
///     "key `k1` is active, and this needs a key that is retired",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The ring has no such key, and never had one that it knows of.
    #[error("no key has the id `{id}`: add it first, or load the keyring again")]
    KeyNotFound {
        /// The id asked for.
        id: EscapedText,
    },
    /// The key was destroyed, and its id is never used again.
    #[error("key `{id}` was destroyed at {at}, and its id is never used again: take another key")]
    KeyDestroyed {
        /// The key.
        id: KeyId,
        /// When it was destroyed.
        at: Timestamp,
    },
    /// The key has another status than the operation needs.
    #[error("key `{id}` is {found}, and this needs a key that is {expected}")]
    WrongStatus {
        /// The key.
        id: KeyId,
        /// The status asked for.
        expected: KeyStatus,
        /// The status that the key has.
        found: KeyStatus,
    },
    /// The key is there, and its material could not be prepared.
    #[error("key `{id}` could not be prepared: {reason}; have it prepared again")]
    Unprepared {
        /// The key.
        id: KeyId,
        /// The reason.
        reason: Reason,
    },
}

/// A time in a sentence, if it is known.
struct At(Option<Timestamp>);

impl core::fmt::Display for At {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(at) => write!(f, " at {at}"),
            None => Ok(()),
        }
    }
}
