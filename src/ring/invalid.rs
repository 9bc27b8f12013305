//! [`InvalidKeyring`]: the error for keys or records that do not make a ring.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use crate::id::KeyId;
use crate::key::TimeConflict;

/// Records or keys that do not make a ring, with everything that is wrong with them.
///
/// # Examples
///
/// ```
/// use key_rotation::ring::Violation;
/// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
///
/// let now = Timestamp::now();
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
    pub(super) fn new(violations: Vec<Violation>) -> Self {
        Self { violations: violations.into_boxed_slice() }
    }

    /// The error for a stored ring of which a row is missing, with what is wrong besides.
    pub(crate) fn of_lost_keys(besides: Option<Self>, used: u64, found: u64) -> Self {
        let mut violations = Vec::from([Violation::LostKeys { used, found }]);
        violations.extend(besides.into_iter().flat_map(|error| error.violations));
        Self::new(violations)
    }

    /// Returns all that is wrong: first lost rows, then the number of active keys, then the rest in the order of
    /// the records.
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
        /// The contradiction.
        conflict: TimeConflict,
    },
    /// A store has more or fewer rows than ids that the ring has used: a row was deleted, hidden or
    /// put in by hand.
    #[error(
        "the ring has used {used} key ids, and {found} are there: a row was deleted, hidden or put \
         in by hand"
    )]
    LostKeys {
        /// The number of ids that the ring has used.
        used: u64,
        /// The number of keys and tombstones that are there.
        found: u64,
    },
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
