//! [`KeyRecord`]: a key as a store keeps it, with its status as data.

use alloc::sync::Arc;
use core::fmt;

use thiserror::Error;

use super::{Head, Kept, Key, KeyInfo, Same, Times};
use crate::id::KeyId;
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
/// # Examples
///
/// ```
/// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Times, Timestamp};
///
/// let at = Timestamp::from_unix_millis;
/// let ring = Keyring::from_records([
///     KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Inactive, at(10), "old").with_times(Times {
///         created_at: Some(at(10)),
///         activated_at: Some(at(20)),
///         deactivated_at: Some(at(30)),
///         ..Times::default()
///     }),
///     KeyRecord::new(KeyId::from_static("k2"), KeyStatus::Active, at(30), "new"),
///     KeyRecord::new(KeyId::from_static("k3"), KeyStatus::Inactive, at(30), "next").staged(),
/// ])?;
/// assert_eq!(ring.active().id().as_str(), "k2");
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct KeyRecord<M = KeyMaterial> {
    /// The key without its material.
    pub info: KeyInfo,
    /// The material: of a retired or revoked key, what is left of it.
    pub material: Arc<M>,
    /// The number of the revision in which this material was stored; 0 where no store has said.
    pub material_in: u64,
}

impl<M> KeyRecord<M> {
    /// Makes a record of a key of which nothing else is known.
    ///
    /// An active key counts as activated when it was created, no other event has a time, and the
    /// key may have encrypted. [`staged`](Self::staged) says that it never did.
    pub fn new(id: KeyId, status: KeyStatus, created_at: Timestamp, material: M) -> Self {
        Self::from_shared(id, status, created_at, Arc::new(material))
    }

    /// Makes a record like [`KeyRecord::new`], of material that is on the heap already.
    pub fn from_shared(
        id: KeyId,
        status: KeyStatus,
        created_at: Timestamp,
        material: Arc<M>,
    ) -> Self {
        let times = Times {
            created_at: Some(created_at),
            activated_at: status.can_encrypt().then_some(created_at),
            ..Times::default()
        };
        let info = KeyInfo {
            id,
            status,
            times,
            used: true,
            counted: false,
            added_in: 0,
            deactivated_in: 0,
        };
        Self { info, material, material_in: 0 }
    }

    /// Says that the key has never encrypted: an inactive one waits to be activated.
    pub fn staged(self) -> Self {
        Self { info: KeyInfo { used: false, ..self.info }, ..self }
    }

    /// Sets the times that the store has.
    pub fn with_times(self, times: Times) -> Self {
        Self { info: KeyInfo { times, ..self.info }, ..self }
    }

    /// Puts other material in the place of this: the unwrapped key in the place of its wrapped
    /// form.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{KeyId, KeyRecord, KeyStatus, Timestamp};
    ///
    /// # fn unwrap_key(wrapped: &str) -> String { wrapped.to_uppercase() }
    /// # let now = Timestamp::now();
    /// let wrapped = KeyRecord::new(KeyId::from_static("k1"), KeyStatus::Active, now, "blob");
    /// let key = unwrap_key(&wrapped.material); // this may well be an `.await`
    /// let unwrapped: KeyRecord<String> = wrapped.with_material(key);
    /// ```
    pub fn with_material<N>(self, material: N) -> KeyRecord<N> {
        let Self { info, material_in, .. } = self;
        KeyRecord { info, material: Arc::new(material), material_in }
    }

    /// Lists what is wrong with the record on its own.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = TimeConflict> + use<M> {
        TimeConflict::all_of(&self.info)
    }

    pub(crate) fn from_key<S: Status>(key: Key<S, M>) -> Self {
        let (head, kept) = key.into_parts();
        let material_in = head.marks.material_in();
        Self { info: head.info(S::STATUS), material: kept.into_same(), material_in }
    }

    /// The key of this record, in a status that the caller vouches for.
    pub(crate) fn into_key<S: Status>(self) -> Key<S, M, Same> {
        Key::from_parts(Head::new(self.info, self.material_in), Kept::same(self.material))
    }
}

impl<M> Clone for KeyRecord<M> {
    fn clone(&self) -> Self {
        Self {
            info: self.info.clone(),
            material: Arc::clone(&self.material),
            material_in: self.material_in,
        }
    }
}

impl<M> fmt::Debug for KeyRecord<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("id", &self.info.id)
            .field("status", &self.info.status)
            .finish_non_exhaustive()
    }
}

/// A contradiction among the times of a key. Equal times never conflict, and a time that is not
/// known conflicts with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum TimeConflict {
    /// An event is dated before the key was created.
    #[error("it was {event} before it was created")]
    BeforeCreation {
        /// The event.
        event: Event,
    },
    /// An event is dated before another that comes first in a key's life.
    #[error("it was {later} before it was {earlier}")]
    OutOfOrder {
        /// The event that comes first.
        earlier: Event,
        /// The event that comes later, and is dated earlier.
        later: Event,
    },
    /// An event has a time, and a key of this status has not had it, or has it behind it.
    #[error("it is {status}, and has a time at which it was {event}")]
    NotOfThisStatus {
        /// The status.
        status: KeyStatus,
        /// The event.
        event: Event,
    },
    /// The key is said never to have encrypted, and it is active, or was.
    #[error("it is said never to have encrypted, and it was active")]
    ActiveAndNeverUsed,
}

/// An event of a key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// It was activated.
    Activated,
    /// Another key took its place.
    Deactivated,
    /// It was retired.
    Retired,
    /// It was revoked.
    Revoked,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        })
    }
}

impl TimeConflict {
    /// `added_at` is in no order with the others: a ring gets a key when it gets it.
    pub(crate) fn all_of(info: &KeyInfo) -> impl Iterator<Item = Self> + use<> {
        let KeyInfo { status, times, used, .. } = *info;
        let events = [
            (Event::Activated, times.activated_at),
            (Event::Deactivated, times.deactivated_at),
            (Event::Retired, times.retired_at),
            (Event::Revoked, times.revoked_at),
        ];
        let before = |a: Option<Timestamp>, b: Option<Timestamp>| matches!((a, b), (Some(a), Some(b)) if a < b);
        let created_at = times.created_at;
        let before_creation = events
            .into_iter()
            .filter(move |(_, at)| before(*at, created_at))
            .map(|(event, _)| Self::BeforeCreation { event });
        let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        let out_of_order = pairs.into_iter().filter_map(move |(first, second)| {
            let (earlier, at) = *events.get(first)?;
            let (later, later_at) = *events.get(second)?;
            before(later_at, at).then_some(Self::OutOfOrder { earlier, later })
        });
        let not_yet = match status {
            KeyStatus::Active => 1,
            KeyStatus::Inactive => 2,
            KeyStatus::Retired => 3,
            KeyStatus::Revoked => 4,
        };
        let not_of_this_status = events
            .into_iter()
            .skip(not_yet)
            .filter(|(_, at)| at.is_some())
            .map(move |(event, _)| Self::NotOfThisStatus { status, event });
        let was_active = status.can_encrypt() || times.activated_at.is_some();
        let never_used = (!used && was_active).then_some(Self::ActiveAndNeverUsed);
        before_creation.chain(out_of_order).chain(not_of_this_status).chain(never_used)
    }
}

/// A record deserializes where its material does. It does not serialize: a record has the secret.
#[cfg(feature = "serde")]
impl<'de, M: serde::Deserialize<'de>> serde::Deserialize<'de> for KeyRecord<M> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Stored<M> {
            id: KeyId,
            status: KeyStatus,
            #[serde(default)]
            times: Times,
            #[serde(default = "may_have_encrypted")]
            used: bool,
            #[serde(default)]
            counted: bool,
            #[serde(default)]
            added_in: u64,
            #[serde(default)]
            deactivated_in: u64,
            #[serde(default)]
            material_in: u64,
            material: M,
        }
        fn may_have_encrypted() -> bool {
            true
        }
        let stored = Stored::deserialize(deserializer)?;
        let info = KeyInfo {
            id: stored.id,
            status: stored.status,
            times: stored.times,
            used: stored.used,
            counted: stored.counted,
            added_in: stored.added_in,
            deactivated_in: stored.deactivated_in,
        };
        Ok(Self { info, material: Arc::new(stored.material), material_in: stored.material_in })
    }
}
