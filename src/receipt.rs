//! What a change of a ring answers: receipts, which are also what a store writes down.
//!
//! A receipt carries the time that counted, which is later than the one asked for where a clock
//! was behind. Receipts print as one line for a log.

use core::fmt;

use crate::id::KeyId;
use crate::timestamp::Timestamp;

/// A key was added, inactive.
///
/// ```
/// use key_rotation::{Addition, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// let receipt = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
/// assert_eq!(receipt, Addition::new(KeyId::from_static("k2"), now));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was added: store it, log it or drop it on purpose"]
pub struct Addition {
    /// The key that was added.
    pub id: KeyId,
    /// Since when it has been inactive; for a new key, when it was made.
    pub at: Timestamp,
}

impl Addition {
    /// The receipt for a key that was added.
    ///
    /// ```
    /// # use key_rotation::{Addition, KeyId, Timestamp};
    /// let receipt = Addition::new(KeyId::from_static("k2"), Timestamp::now());
    /// assert_eq!(receipt.id.as_str(), "k2");
    /// ```
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// The active key changed: one became active and the other inactive, in one step.
///
/// ```
/// use key_rotation::{Inactive, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
/// # ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
///
/// let rotation = ring.entry::<Inactive>("k2")?.activate(now);
/// assert_eq!((rotation.from.as_str(), rotation.to.as_str()), ("k1", "k2"));
/// assert!(!rotation.reactivated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says which key is active now: store it, log it or drop it on purpose"]
pub struct Rotation {
    /// The key that was active, and is inactive now.
    pub from: KeyId,
    /// The key that is active now.
    pub to: KeyId,
    /// When both changes happened.
    pub at: Timestamp,
    /// Whether `to` had been active before.
    pub reactivated: bool,
}

impl Rotation {
    /// The receipt for a rotation.
    ///
    /// ```
    /// # use key_rotation::{KeyId, Rotation, Timestamp};
    /// let (from, to) = (KeyId::from_static("k1"), KeyId::from_static("k2"));
    /// let receipt = Rotation::new(from, to, Timestamp::now(), false);
    /// assert_eq!(receipt.to.as_str(), "k2");
    /// ```
    pub fn new(from: KeyId, to: KeyId, at: Timestamp, reactivated: bool) -> Self {
        Self { from, to, at, reactivated }
    }
}

/// A key was retired.
///
/// ```
/// use key_rotation::{Inactive, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
/// # ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
///
/// let retirement = ring.entry::<Inactive>("k1")?.retire(now);
/// assert_eq!(retirement.id.as_str(), "k1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was retired: store it, log it or drop it on purpose"]
pub struct Retirement {
    /// The key that was retired.
    pub id: KeyId,
    /// When.
    pub at: Timestamp,
}

impl Retirement {
    /// The receipt for a key that was retired.
    ///
    /// ```
    /// # use key_rotation::{KeyId, Retirement, Timestamp};
    /// let receipt = Retirement::new(KeyId::from_static("k1"), Timestamp::now());
    /// assert_eq!(receipt.id.as_str(), "k1");
    /// ```
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// A key was destroyed. This is also its tombstone: a ring and a store keep it for good, so that
/// the id is never used again and its data is never taken for data of an unknown key.
///
/// ```
/// use key_rotation::{Key, KeyId, Timestamp};
///
/// let now = Timestamp::now();
/// let tombstone = Key::new(KeyId::from_static("k1"), (), now).retire(now).destroy(now);
/// assert_eq!((tombstone.id.as_str(), tombstone.at), ("k1", now));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "a tombstone that is dropped lets the id be used again: keep it in the store"]
pub struct Destruction {
    /// The key that was destroyed.
    pub id: KeyId,
    /// When.
    pub at: Timestamp,
}

impl Destruction {
    /// The tombstone of a key.
    ///
    /// ```
    /// # use key_rotation::{Destruction, KeyId, Timestamp};
    /// let tombstone = Destruction::new(KeyId::from_static("k1"), Timestamp::now());
    /// assert_eq!(tombstone.id.as_str(), "k1");
    /// ```
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// What [`Keyring::rotate_to`](crate::Keyring::rotate_to) decided.
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, RotationDecision, Timestamp};
/// let at = Timestamp::from_unix_millis;
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), at(1)).activate(at(2)));
///
/// assert_eq!(
///     ring.rotate_to("k1", at(3))?,
///     RotationDecision::AlreadyActive { id: KeyId::from_static("k1"), activated_at: at(2) },
/// );
/// # Ok::<(), key_rotation::EntryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[must_use = "the decision says whether the active key changed"]
pub enum RotationDecision {
    /// The active key changed.
    Rotated(Rotation),
    /// The key asked for is the active one: nothing changed.
    AlreadyActive {
        /// The active key.
        id: KeyId,
        /// Since when it has been active.
        activated_at: Timestamp,
    },
}

// One line each, for a log.

impl fmt::Display for Addition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was added at {}", self.id, self.at)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = if self.reactivated { " again" } else { "" };
        let Self { from, to, at, .. } = self;
        write!(f, "key `{to}` became active{again} at {at}, in the place of key `{from}`")
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was retired at {}", self.id, self.at)
    }
}

impl fmt::Display for Destruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was destroyed at {}", self.id, self.at)
    }
}

impl fmt::Display for RotationDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotated(rotation) => rotation.fmt(f),
            Self::AlreadyActive { id, activated_at } => {
                write!(f, "key `{id}` is active already, since {activated_at}")
            }
        }
    }
}
