//! [`KeyRef`]: a key that was looked up, as one of four types.

use core::fmt;

use super::{Halves, Head, Key, KeyInfo, KeyRecord, Same, Times};
use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::status::{Active, Inactive, KeyStatus, Retired, Revoked, Status};

/// A key of a ring whose status the program learns at run time.
///
/// Each variant lends the typed key, so a `match` gives the guarantees of the types back. No policy
/// is asked: what [`Keyring::enforce`](crate::Keyring::enforce) refuses is refused by
/// [`Keyring::decryption_key`](crate::Keyring::decryption_key).
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, KeyRef, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// match ring.get("k1") {
///     Some(KeyRef::Active(key)) => println!("{} encrypts", key.encryption_key().id()),
///     Some(KeyRef::Revoked(key)) => println!("{} is not trusted", key.id()),
///     Some(other) => println!("{} is {}", other.id(), other.status()),
///     None => println!("there is no such key"),
/// }
/// ```
#[must_use = "a reference to a key does nothing by itself"]
#[expect(
    clippy::exhaustive_enums,
    reason = "the statuses are a closed set, which a match may rely on"
)]
pub enum KeyRef<'k, E = KeyMaterial, D: Halves<E> = Same> {
    /// The active key.
    Active(&'k Key<Active, E, D>),
    /// An inactive key.
    Inactive(&'k Key<Inactive, E, D>),
    /// A retired key.
    Retired(&'k Key<Retired, E, D>),
    /// A revoked key.
    Revoked(&'k Key<Revoked, E, D>),
}

impl<'k, E, D: Halves<E>> KeyRef<'k, E, D> {
    /// Returns the key's name.
    #[must_use]
    pub fn id(&self) -> &'k KeyId {
        &self.head().id
    }

    /// Returns the key's status.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        match self {
            Self::Active(_) => KeyStatus::Active,
            Self::Inactive(_) => KeyStatus::Inactive,
            Self::Retired(_) => KeyStatus::Retired,
            Self::Revoked(_) => KeyStatus::Revoked,
        }
    }

    /// Returns the events of the key's life.
    #[must_use]
    pub fn times(&self) -> &'k Times {
        &self.head().times
    }

    /// Returns the key without its material, for a policy or a log.
    #[must_use]
    pub fn info(&self) -> KeyInfo {
        self.head().info(self.status())
    }

    pub(crate) fn head(&self) -> &'k Head {
        match self {
            Self::Active(key) => key.head(),
            Self::Inactive(key) => key.head(),
            Self::Retired(key) => key.head(),
            Self::Revoked(key) => key.head(),
        }
    }

    /// More pointers to the key, if it has this status.
    pub(crate) fn share_as<S: Status>(&self) -> Option<Key<S, E, D>> {
        if self.status() != S::STATUS {
            return None;
        }
        match self {
            Self::Active(key) => key.share_as(),
            Self::Inactive(key) => key.share_as(),
            Self::Retired(key) => key.share_as(),
            Self::Revoked(key) => key.share_as(),
        }
    }
}

impl<M> KeyRef<'_, M> {
    /// Makes a record of the key, as a store keeps it. The record shares the material.
    pub fn to_record(&self) -> KeyRecord<M> {
        let material = match self {
            Self::Active(key) => key.decrypting(),
            Self::Inactive(key) => key.decrypting(),
            Self::Retired(key) => key.decrypting(),
            Self::Revoked(key) => key.decrypting(),
        };
        let material_in = self.head().marks.material_in();
        KeyRecord { info: self.info(), material: material.clone(), material_in }
    }
}

impl<'k, E, D: Halves<E>> From<&'k Key<Active, E, D>> for KeyRef<'k, E, D> {
    fn from(key: &'k Key<Active, E, D>) -> Self {
        Self::Active(key)
    }
}

impl<'k, E, D: Halves<E>> From<&'k Key<Inactive, E, D>> for KeyRef<'k, E, D> {
    fn from(key: &'k Key<Inactive, E, D>) -> Self {
        Self::Inactive(key)
    }
}

impl<'k, E, D: Halves<E>> From<&'k Key<Retired, E, D>> for KeyRef<'k, E, D> {
    fn from(key: &'k Key<Retired, E, D>) -> Self {
        Self::Retired(key)
    }
}

impl<'k, E, D: Halves<E>> From<&'k Key<Revoked, E, D>> for KeyRef<'k, E, D> {
    fn from(key: &'k Key<Revoked, E, D>) -> Self {
        Self::Revoked(key)
    }
}

impl<E, D: Halves<E>> Clone for KeyRef<'_, E, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, D: Halves<E>> Copy for KeyRef<'_, E, D> {}

impl<E, D: Halves<E>> fmt::Debug for KeyRef<'_, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRef")
            .field("id", self.id())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
