//! What adding a key answers when its id is taken.

use core::fmt;

use crate::id::KeyId;
use crate::key::Key;
use crate::material::KeyMaterial;
use crate::status::{Inactive, KeyStatus};
use crate::timestamp::Timestamp;

/// The id of a key that was to be added is taken. Gives the key back.
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, KeyStatus, TakenBy, Timestamp};
/// # let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
///
/// let taken = ring.add(Key::new(KeyId::from_static("k1"), "two", now)).unwrap_err();
/// assert_eq!(taken.taken_by(), TakenBy::Key(KeyStatus::Active));
/// let key = taken.into_key();
/// assert_eq!(key.decryption_key().material(), &"two");
/// ```
#[must_use = "the key that could not be added is in here"]
pub struct KeyIdTaken<M = KeyMaterial> {
    key: Key<Inactive, M>,
    taken_by: TakenBy,
}

impl<M> KeyIdTaken<M> {
    pub(crate) fn new(key: Key<Inactive, M>, taken_by: TakenBy) -> Self {
        Self { key, taken_by }
    }

    /// The key that could not be added, unharmed.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// if let Err(taken) = ring.add(Key::new(KeyId::from_static("k1"), (), now)) {
    ///     let key = taken.into_key();
    /// }
    /// ```
    pub fn into_key(self) -> Key<Inactive, M> {
        self.key
    }

    /// What has the id already.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, KeyStatus, TakenBy, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// let taken = ring.add(Key::new(KeyId::from_static("k1"), (), now)).unwrap_err();
    /// assert_eq!(taken.taken_by(), TakenBy::Key(KeyStatus::Active));
    /// ```
    #[must_use]
    pub fn taken_by(&self) -> TakenBy {
        self.taken_by
    }
}

impl<M> fmt::Display for KeyIdTaken<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, self.key.id(), self.taken_by)
    }
}

impl<M> fmt::Debug for KeyIdTaken<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIdTaken")
            .field("id", self.key.id())
            .field("taken_by", &self.taken_by)
            .finish_non_exhaustive()
    }
}

impl<M> core::error::Error for KeyIdTaken<M> {}

/// One wording for a taken id, in [`KeyIdTaken`] and in [`RotationError::KeyIdTaken`].
fn write_taken(f: &mut fmt::Formatter<'_>, id: &KeyId, taken_by: TakenBy) -> fmt::Result {
    write!(f, "the key id `{id}` is taken by {taken_by}: give the new key another id")
}

/// What has a key id already.
///
/// ```
/// use key_rotation::{KeyStatus, TakenBy};
/// assert_eq!(TakenBy::Key(KeyStatus::Retired).to_string(), "a key that is retired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBy {
    /// A key of this status.
    Key(KeyStatus),
    /// A key that was destroyed at this time.
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

/// The id of a key that was to be added to a store is taken.
///
/// [`KeyIdTaken`] without the key: [`RotationService::add`](crate::RotationService::add) borrows
/// the key, and so has none to give back.
///
/// ```
/// use key_rotation::{KeyId, KeyStatus, TakenBy, TakenId};
/// let taken = TakenId { id: KeyId::from_static("k1"), taken_by: TakenBy::Key(KeyStatus::Active) };
/// assert_eq!(
///     taken.to_string(),
///     "the key id `k1` is taken by a key that is active: give the new key another id",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenId {
    /// The id.
    pub id: KeyId,
    /// What has it already.
    pub taken_by: TakenBy,
}

impl fmt::Display for TakenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, &self.id, self.taken_by)
    }
}

impl core::error::Error for TakenId {}
