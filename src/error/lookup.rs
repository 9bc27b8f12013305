//! What a lookup in a ring answers when there is no such key.

use thiserror::Error;

use super::EscapedText;
use crate::id::KeyId;
use crate::keyring::Withheld;
use crate::policy::Refusal;
use crate::receipt::Destruction;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

/// No decryption key for that id.
///
/// ```
/// use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// let error = ring.decryption_key("k0").unwrap_err();
/// assert!(matches!(error, DecryptionKeyError::KeyNotFound { .. }));
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
    /// The key is there, and the policy does not let it decrypt.
    #[error("key `{id}` may not decrypt: {reason}")]
    NotAllowed {
        /// The key.
        id: KeyId,
        /// Why not.
        reason: Refusal,
    },
}

/// The active key is there, as always, and the policy does not let it encrypt.
///
/// ```
/// use key_rotation::{Cryptoperiods, EncryptionKeyError, Key, KeyId, Keyring, Timestamp, Usage};
/// # let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// let spent = Usage::of(1 << 32);
/// let error = ring.encryption_key_under(&Cryptoperiods::QUARTERLY, spent, now).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "key `k1` may not encrypt: it has encrypted 4294967296 times, and is good for \
///      4294967296 encryptions (NIST SP 800-38D, section 8.3)",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncryptionKeyError {
    /// The policy refuses. Activate another key.
    #[error("key `{id}` may not encrypt: {reason}")]
    NotAllowed {
        /// The active key.
        id: KeyId,
        /// Why not.
        reason: Refusal,
    },
}

/// No entry of that status for that id.
///
/// ```
/// use key_rotation::{EntryError, Key, KeyId, Keyring, KeyStatus, Retired, Timestamp};
/// # let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// assert_eq!(
///     ring.entry::<Retired>("k1").unwrap_err(),
///     EntryError::WrongStatus {
///         id: KeyId::from_static("k1"),
///         expected: KeyStatus::Retired,
///         found: KeyStatus::Active,
///     },
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
    /// This ring does not hold the key's material, because a policy says so: load it again.
    #[error(
        "key `{id}` is withheld from this keyring, because {reason}: load the keyring again to change it"
    )]
    Withheld {
        /// The key.
        id: KeyId,
        /// Why.
        reason: Refusal,
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
}

/// Why a lookup found no key: the half that [`DecryptionKeyError`] and [`EntryError`] share.
pub(crate) enum Absent {
    NotFound(EscapedText),
    Destroyed(Destruction),
    Withheld(Withheld),
}

impl From<Absent> for DecryptionKeyError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::NotFound(id) => Self::KeyNotFound { id },
            Absent::Destroyed(Destruction { id, at }) => Self::KeyDestroyed { id, at },
            Absent::Withheld(Withheld { key, reason }) => Self::NotAllowed { id: key.id, reason },
        }
    }
}

impl From<Absent> for EntryError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::NotFound(id) => Self::KeyNotFound { id },
            Absent::Destroyed(Destruction { id, at }) => Self::KeyDestroyed { id, at },
            Absent::Withheld(Withheld { key, reason }) => Self::Withheld { id: key.id, reason },
        }
    }
}
