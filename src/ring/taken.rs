//! The errors for a key whose id is taken.

use core::fmt;

use crate::id::KeyId;
use crate::key::{Halves, Key, Same};
use crate::material::KeyMaterial;
use crate::status::{Inactive, KeyStatus};
use crate::timestamp::Timestamp;

/// The error for a key that was to be added to a ring, and whose id is taken. It gives the key
/// back.
///
/// # Examples
///
/// ```
/// use key_rotation::ring::TakenBy;
/// use key_rotation::{Key, KeyId, Keyring, KeyStatus, Timestamp};
///
/// let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
/// let taken = ring.add(Key::new(KeyId::from_static("k1"), "two", now), now).unwrap_err();
/// assert_eq!(taken.taken_by(), TakenBy::Key(KeyStatus::Active));
/// let key = taken.into_key();
/// assert_eq!(key.decryption_key().material(), &"two");
/// ```
#[must_use = "the key that could not be added is in here"]
pub struct KeyIdTaken<E = KeyMaterial, D: Halves<E> = Same> {
    key: Key<Inactive, E, D>,
    taken_by: TakenBy,
}

impl<E, D: Halves<E>> KeyIdTaken<E, D> {
    pub(super) fn new(key: Key<Inactive, E, D>, taken_by: TakenBy) -> Self {
        Self { key, taken_by }
    }

    /// Gives the key back that could not be added, unharmed.
    pub fn into_key(self) -> Key<Inactive, E, D> {
        self.key
    }

    /// Returns what has the id already.
    #[must_use]
    pub fn taken_by(&self) -> TakenBy {
        self.taken_by
    }
}

impl<E, D: Halves<E>> fmt::Display for KeyIdTaken<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, self.key.id(), self.taken_by)
    }
}

impl<E, D: Halves<E>> fmt::Debug for KeyIdTaken<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIdTaken")
            .field("id", self.key.id())
            .field("taken_by", &self.taken_by)
            .finish_non_exhaustive()
    }
}

impl<E, D: Halves<E>> core::error::Error for KeyIdTaken<E, D> {}

/// One wording for a taken id, in [`KeyIdTaken`] and in [`TakenId`].
fn write_taken(f: &mut fmt::Formatter<'_>, id: &KeyId, taken_by: TakenBy) -> fmt::Result {
    write!(f, "the key id `{id}` is taken by {taken_by}: give the new key another id")
}

/// The holder of a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an id is a key's, or was")]
pub enum TakenBy {
    /// A key of this status.
    Key(KeyStatus),
    /// A key that was destroyed.
    Tombstone {
        /// When it was destroyed.
        at: Timestamp,
    },
}

impl fmt::Display for TakenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(status) => write!(f, "a key that is {status}"),
            Self::Tombstone { at } => write!(f, "a key that was destroyed at {at}"),
        }
    }
}

/// The error for a key that was to be added to a store, and whose id is taken.
///
/// It is [`KeyIdTaken`] without the key: [`RotationService::add`](crate::RotationService::add)
/// borrows the key, and so has none to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakenId {
    /// The id.
    pub id: KeyId,
    /// The holder of the id.
    pub taken_by: TakenBy,
}

impl TakenId {
    pub(crate) fn new(id: KeyId, taken_by: TakenBy) -> Self {
        Self { id, taken_by }
    }
}

impl fmt::Display for TakenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, &self.id, self.taken_by)
    }
}

impl core::error::Error for TakenId {}
