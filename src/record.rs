//! [`KeyRecord`]: a key as a store keeps it, with its status as data.

use alloc::sync::Arc;
use core::fmt;

use crate::error::TimeConflict;
use crate::id::KeyId;
use crate::key::{Key, KeyParts};
use crate::material::KeyMaterial;
use crate::status::{KeyStatus, Status};
use crate::timestamp::Timestamp;

/// A key as a store keeps it.
///
/// A record is not a key: its status is a value that nobody has checked, and it gives out neither
/// an encryption nor a decryption key. [`Keyring::from_parts`](crate::Keyring::from_parts) is the
/// border where a set of records becomes a ring or is refused.
///
/// Cloning a record clones the pointer to the material, never the material.
///
/// ```
/// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
/// let at = Timestamp::from_unix_millis;
///
/// let ring = Keyring::from_records([
///     KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Inactive, at(10), "old")
///         .with_times(Some(at(20)), at(30)),
///     KeyRecord::new(KeyId::from_static("k2"), KeyStatus::Active, at(30), "new"),
/// ])?;
/// assert_eq!(ring.active().id().as_str(), "k2");
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[must_use]
pub struct KeyRecord<M = KeyMaterial> {
    /// The key's name.
    pub id: KeyId,
    /// The key's status, as stored.
    pub status: KeyStatus,
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the key was last activated; `None` for a key that never was.
    pub activated_at: Option<Timestamp>,
    /// Since when the key has had its status.
    pub status_since: Timestamp,
    /// What the key is made of.
    pub material: Arc<M>,
}

impl<M> KeyRecord<M> {
    /// A record of a key that has had its status since it was made: `status_since` is
    /// `created_at`, and so is `activated_at` of an active key.
    ///
    /// ```
    /// # use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    /// let now = Timestamp::now();
    /// let record = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Active, now, ());
    /// assert_eq!(record.activated_at, Some(now));
    /// ```
    pub fn new(id: KeyId, status: KeyStatus, created_at: Timestamp, material: M) -> Self {
        Self::from_shared(id, status, created_at, Arc::new(material))
    }

    /// Like [`KeyRecord::new`], over material that is on the heap already.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    /// # let now = Timestamp::now();
    /// let material = Arc::new("shared");
    /// let record = KeyRecord::from_shared(KeyId::from_static("k1"), KeyStatus::Active, now, material);
    /// ```
    pub fn from_shared(
        id: KeyId,
        status: KeyStatus,
        created_at: Timestamp,
        material: Arc<M>,
    ) -> Self {
        Self {
            id,
            status,
            created_at,
            activated_at: status.can_encrypt().then_some(created_at),
            status_since: created_at,
            material,
        }
    }

    /// The same record with the times that the store has.
    ///
    /// ```
    /// # use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    /// # let at = Timestamp::from_unix_millis;
    /// let record = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Retired, at(10), ())
    ///     .with_times(Some(at(20)), at(90));
    /// assert_eq!(record.status_since, at(90));
    /// ```
    pub fn with_times(self, activated_at: Option<Timestamp>, status_since: Timestamp) -> Self {
        Self { activated_at, status_since, ..self }
    }

    /// The same record over other material: the unwrapped key in place of its wrapped form.
    ///
    /// ```
    /// # use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    /// # fn unwrap_key(wrapped: &str) -> String { wrapped.to_uppercase() }
    /// # let now = Timestamp::now();
    /// let wrapped = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Active, now, "blob");
    /// let key = unwrap_key(&wrapped.material); // this may well be an `.await`
    /// let unwrapped: KeyRecord<String> = wrapped.with_material(key);
    /// ```
    pub fn with_material<N>(self, material: N) -> KeyRecord<N> {
        KeyRecord {
            id: self.id,
            status: self.status,
            created_at: self.created_at,
            activated_at: self.activated_at,
            status_since: self.status_since,
            material: Arc::new(material),
        }
    }

    /// The times of a key must be in the order created, activated, in its status; those that are not
    /// known are left out of the comparison.
    pub(crate) fn time_conflicts(&self) -> [Option<TimeConflict>; 4] {
        let before = |a: Timestamp, b: Timestamp| a < b && a.is_known();
        let (created, since) = (self.created_at, self.status_since);
        let activated = self.activated_at;
        [
            (self.status == KeyStatus::Active && activated.is_none())
                .then_some(TimeConflict::ActiveWithoutActivation),
            before(since, created).then_some(TimeConflict::StatusBeforeCreation),
            activated
                .is_some_and(|activated| before(activated, created))
                .then_some(TimeConflict::ActivationBeforeCreation),
            activated
                .is_some_and(|activated| before(since, activated))
                .then_some(TimeConflict::StatusBeforeActivation),
        ]
    }

    /// The latest time that the record carries.
    pub(crate) fn latest(&self) -> Timestamp {
        Timestamp::latest_of(self.created_at, self.activated_at, self.status_since)
    }

    pub(crate) fn from_key<S: Status>(key: Key<S, M>) -> Self {
        Self::from_parts(key.into_parts(), S::STATUS)
    }

    pub(crate) fn from_parts(key: KeyParts<M>, status: KeyStatus) -> Self {
        Self {
            id: key.id,
            status,
            created_at: key.created_at,
            activated_at: key.activated_at,
            status_since: key.status_since,
            material: key.material,
        }
    }

    pub(crate) fn into_parts(self) -> KeyParts<M> {
        KeyParts {
            id: self.id,
            created_at: self.created_at,
            activated_at: self.activated_at,
            status_since: self.status_since,
            material: self.material,
        }
    }
}

impl<M> Clone for KeyRecord<M> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            status: self.status,
            created_at: self.created_at,
            activated_at: self.activated_at,
            status_since: self.status_since,
            material: Arc::clone(&self.material),
        }
    }
}

impl<M> fmt::Debug for KeyRecord<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
