//! Receipts: the answers to changes, and the rows that a store writes down.

use core::fmt;

use crate::id::KeyId;
use crate::timestamp::Timestamp;

/// The receipt for a key that was added, inactive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was added: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Addition {
    /// The key that was added.
    pub id: KeyId,
    /// When the ring got it.
    pub at: Timestamp,
}

impl Addition {
    /// Makes the receipt for a key that was added.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// The receipt for a change of the active key: one became active and the other inactive, in one
/// step.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let at = Timestamp::from_unix_millis;
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", at(10)).activate(at(20)));
///
/// // The clock of this host is behind.
/// let rotation = ring.rotate_in(Key::new(KeyId::from_static("k2"), "two", at(10)), at(15))?;
/// assert_eq!((rotation.from.as_str(), rotation.to.as_str()), ("k1", "k2"));
/// assert_eq!((rotation.asked_at, rotation.at), (at(15), at(20)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says which key is active now: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Rotation {
    /// The key that was active, and is inactive now.
    pub from: KeyId,
    /// The key that is active now.
    pub to: KeyId,
    /// When both changes happened: the time that counts.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where a key carried a later one.
    pub asked_at: Timestamp,
    /// True if `to` had been active before.
    pub reactivated: bool,
}

impl Rotation {
    /// Makes the receipt for a rotation at the time that was asked for.
    pub fn new(from: KeyId, to: KeyId, at: Timestamp, reactivated: bool) -> Self {
        Self { from, to, at, asked_at: at, reactivated }
    }
}

/// The receipt for a key that was retired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was retired: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Retirement {
    /// The key that was retired.
    pub id: KeyId,
    /// When it was retired: the time that counts.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where the key carried a later one.
    pub asked_at: Timestamp,
}

impl Retirement {
    /// Makes the receipt for a key that was retired at the time that was asked for.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at, asked_at: at }
    }
}

/// The receipt for a key that was revoked: it is not trusted any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was revoked: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Revocation {
    /// The key that was revoked.
    pub id: KeyId,
    /// When it was revoked: the time that counts.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where the key carried a later one.
    pub asked_at: Timestamp,
}

impl Revocation {
    /// Makes the receipt for a key that was revoked at the time that was asked for.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at, asked_at: at }
    }
}

/// The receipt for a key that was restored, as retired: its encrypting half is gone for good.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was restored: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Restoration {
    /// The key that was restored, and is retired now.
    pub id: KeyId,
    /// When it was restored: the time that counts, and the time at which it counts as retired.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where the key carried a later one.
    pub asked_at: Timestamp,
}

impl Restoration {
    /// Makes the receipt for a key that was restored at the time that was asked for.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at, asked_at: at }
    }
}

/// The receipt for a key that was destroyed, which is also its tombstone.
///
/// A ring and a store keep it for good, so that the id is never used again, and its data is never
/// taken for data of an unknown key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "a tombstone that is dropped lets the id be used again: keep it in the store"]
#[non_exhaustive]
pub struct Destruction {
    /// The key that was destroyed.
    pub id: KeyId,
    /// When it was destroyed: the time that counts.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where the key carried a later one.
    pub asked_at: Timestamp,
}

impl Destruction {
    /// Makes the tombstone of a key that was destroyed at the time that was asked for.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at, asked_at: at }
    }
}

/// The receipt for a key whose times were put right: an unknown time counts from now, and so does a
/// time in the future.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says which key was dated: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Dating {
    /// The key.
    pub id: KeyId,
    /// The time that counts for every event of the key that had no time, or a later one.
    pub at: Timestamp,
}

impl Dating {
    /// Makes the receipt for a key whose times were put right.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// The receipt for material that was wrapped anew: the key is the same, its blob is another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was wrapped anew: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Rewrapping {
    /// The key.
    pub id: KeyId,
    /// When it was wrapped anew, as the caller says.
    pub at: Timestamp,
}

impl Rewrapping {
    /// Makes the receipt for material that was wrapped anew.
    pub fn new(id: KeyId, at: Timestamp) -> Self {
        Self { id, at }
    }
}

/// The receipt for a ring that was closed: every key of it is destroyed, the active one too, and
/// its name is never used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the receipt says what was closed: store it, log it or drop it on purpose"]
#[non_exhaustive]
pub struct Closing {
    /// The key that was active.
    pub active: KeyId,
    /// When the ring was closed: the time that counts.
    pub at: Timestamp,
    /// The time that was asked for. The one that counts is later where a key carried a later one.
    pub asked_at: Timestamp,
}

impl Closing {
    /// Makes the receipt for a ring that was closed at the time that was asked for.
    pub fn new(active: KeyId, at: Timestamp) -> Self {
        Self { active, at, asked_at: at }
    }
}

/// The answer of [`Keyring::rotate_to`](crate::Keyring::rotate_to).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[must_use = "the decision says whether the active key changed"]
#[expect(clippy::exhaustive_enums, reason = "the active key changes, or it does not")]
pub enum RotationDecision {
    /// The active key changed.
    Rotated(Rotation),
    /// The key asked for is the active one: nothing changed.
    AlreadyActive {
        /// The active key.
        id: KeyId,
        /// The time since which it has been active, if that is known.
        activated_at: Option<Timestamp>,
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
        write!(f, "key `{to}` became active{again} at {at}, in the place of key `{from}`")?;
        asked(f, self.at, self.asked_at)
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was retired at {}", self.id, self.at)?;
        asked(f, self.at, self.asked_at)
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was revoked at {}", self.id, self.at)?;
        asked(f, self.at, self.asked_at)
    }
}

impl fmt::Display for Restoration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, at, .. } = self;
        write!(f, "key `{id}` was restored as retired at {at}, and never encrypts again")?;
        asked(f, self.at, self.asked_at)
    }
}

impl fmt::Display for Destruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key `{}` was destroyed at {}", self.id, self.at)?;
        asked(f, self.at, self.asked_at)
    }
}

impl fmt::Display for Dating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the times of key `{}` were put right as of {}", self.id, self.at)
    }
}

impl fmt::Display for Rewrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the material of key `{}` was wrapped anew at {}", self.id, self.at)
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active, at, .. } = self;
        write!(f, "the ring was closed at {at}, and key `{active}` and all others were destroyed")?;
        asked(f, self.at, self.asked_at)
    }
}

/// Adds the time that was asked for, where it does not count.
fn asked(f: &mut fmt::Formatter<'_>, at: Timestamp, asked_at: Timestamp) -> fmt::Result {
    if asked_at == at {
        return Ok(());
    }
    write!(f, " (asked for at {asked_at}, which is earlier than what the key carried)")
}

impl fmt::Display for RotationDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotated(rotation) => rotation.fmt(f),
            Self::AlreadyActive { id, activated_at: Some(at) } => {
                write!(f, "key `{id}` is active already, since {at}")
            }
            Self::AlreadyActive { id, activated_at: None } => {
                write!(f, "key `{id}` is active already")
            }
        }
    }
}
