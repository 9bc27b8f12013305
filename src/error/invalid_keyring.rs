//! [`InvalidKeyring`]: why stored records do not make a ring.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use crate::id::KeyId;

/// Records that do not make a ring, with everything that is wrong with them.
///
/// ```
/// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp, Violation};
/// # let now = Timestamp::now();
///
/// let records = ["k1", "k1"].map(|id| {
///     KeyRecord::new(KeyId::from_static(id), KeyStatus::Inactive, now, ())
/// });
/// let error = Keyring::from_records(records).unwrap_err();
/// assert_eq!(
///     error.violations(),
///     [
///         Violation::NoActiveKey,
///         Violation::DuplicateKeyId { id: KeyId::from_static("k1") },
///     ],
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKeyring {
    // A slice, so that the error is two words wide. Never empty.
    violations: Box<[Violation]>,
}

impl InvalidKeyring {
    pub(crate) fn new(violations: Vec<Violation>) -> Self {
        Self { violations: violations.into_boxed_slice() }
    }

    /// All that is wrong: first the number of active keys, then the rest in the order of the
    /// records.
    ///
    /// ```
    /// # use key_rotation::{Keyring, Violation};
    /// let error = Keyring::<()>::from_records([]).unwrap_err();
    /// assert_eq!(error.violations(), [Violation::NoActiveKey]);
    /// ```
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl fmt::Display for InvalidKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the records do not make a keyring: ")?;
        for (n, violation) in self.violations.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

impl core::error::Error for InvalidKeyring {}

/// One thing that is wrong with a set of records.
///
/// ```
/// use key_rotation::{KeyId, Violation};
/// let violation = Violation::DuplicateKeyId { id: KeyId::from_static("k1") };
/// assert_eq!(violation.to_string(), "key id `k1` stands there more than once: remove all but one");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// No record is active.
    #[error("no key is active: mark the one that encrypts")]
    NoActiveKey,
    /// More than one record is active.
    #[error("{} keys are active ({}): leave one", ids.len(), Listed(ids))]
    MultipleActiveKeys {
        /// The keys that are marked active, in the order of the records.
        ids: Vec<KeyId>,
    },
    /// Several records, or several tombstones, have this id.
    #[error("key id `{id}` stands there more than once: remove all but one")]
    DuplicateKeyId {
        /// The id.
        id: KeyId,
    },
    /// A record has the id of a destroyed key.
    #[error("key `{id}` was destroyed, and its id cannot be used again: remove the record")]
    DestroyedKeyId {
        /// The id.
        id: KeyId,
    },
    /// The times of a record contradict each other.
    #[error("the times of key `{id}` contradict each other: {conflict}")]
    InconsistentTimes {
        /// The key.
        id: KeyId,
        /// How.
        conflict: TimeConflict,
    },
}

/// Two times of a record that cannot both be true. Equal times never conflict, and
/// [`Timestamp::UNIX_EPOCH`](crate::Timestamp::UNIX_EPOCH), which stands for an unknown time, conflicts with nothing.
///
/// ```
/// use key_rotation::TimeConflict;
/// assert_eq!(TimeConflict::ActiveWithoutActivation.to_string(), "it is active and was never activated");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeConflict {
    /// An active key has no time of activation.
    #[error("it is active and was never activated")]
    ActiveWithoutActivation,
    /// The status is older than the key.
    #[error("its status began before it was created")]
    StatusBeforeCreation,
    /// The last activation is older than the key.
    #[error("it was activated before it was created")]
    ActivationBeforeCreation,
    /// The status is older than the last activation, which began a status.
    #[error("its status began before its last activation")]
    StatusBeforeActivation,
}

/// Ids in a sentence.
struct Listed<'a>(&'a [KeyId]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, id) in self.0.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}`{id}`")?;
        }
        Ok(())
    }
}
