//! [`KeyRef`]: a key that was looked up, as one of three types; and [`KeyInfo`], the key without
//! its material.

use core::fmt;

use super::{DecryptionKey, Key, KeyParts};
use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::record::KeyRecord;
use crate::status::{Active, Inactive, KeyStatus, Retired};
use crate::timestamp::Timestamp;

/// A key of a ring whose status the program learns at run time.
///
/// Each variant lends the typed key, so a `match` gives the compile-time guarantees back:
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, KeyRef, Timestamp};
/// # let now = Timestamp::now();
/// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// match ring.get("k1") {
///     Some(KeyRef::Active(key)) => println!("{} encrypts", key.encryption_key().id()),
///     Some(old) => println!("{} is {} and decrypts", old.id(), old.status()),
///     None => println!("there is no such key"),
/// }
/// ```
#[must_use = "a reference to a key does nothing by itself"]
pub enum KeyRef<'k, M = KeyMaterial> {
    /// The active key.
    Active(&'k Key<Active, M>),
    /// An inactive key.
    Inactive(&'k Key<Inactive, M>),
    /// A retired key.
    Retired(&'k Key<Retired, M>),
}

impl<'k, M> KeyRef<'k, M> {
    /// The key's name.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).id().as_str(), "k1");
    /// ```
    #[must_use]
    pub fn id(&self) -> &'k KeyId {
        &self.parts().id
    }

    /// The key's status.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, KeyStatus, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).status(), KeyStatus::Inactive);
    /// ```
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        match self {
            Self::Active(_) => KeyStatus::Active,
            Self::Inactive(_) => KeyStatus::Inactive,
            Self::Retired(_) => KeyStatus::Retired,
        }
    }

    /// When the key was made.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let at = Timestamp::from_unix_millis(10);
    /// # let key = Key::new(KeyId::from_static("k1"), (), at);
    /// assert_eq!(KeyRef::from(&key).created_at(), at);
    /// ```
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.parts().created_at
    }

    /// When the key was last activated; `None` for a key that never was.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).activated_at(), None);
    /// ```
    #[must_use]
    pub fn activated_at(&self) -> Option<Timestamp> {
        self.parts().activated_at
    }

    /// Since when the key has had its status.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let at = Timestamp::from_unix_millis(10);
    /// # let key = Key::new(KeyId::from_static("k1"), (), at);
    /// assert_eq!(KeyRef::from(&key).status_since(), at);
    /// ```
    #[must_use]
    pub fn status_since(&self) -> Timestamp {
        self.parts().status_since
    }

    /// The right to decrypt with this key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), "cipher", Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).decryption_key().material(), &"cipher");
    /// ```
    #[inline]
    pub fn decryption_key(&self) -> DecryptionKey<'k, M> {
        DecryptionKey::new(self.parts(), self.status())
    }

    /// The key without its material, for a policy or a log.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).info().id.as_str(), "k1");
    /// ```
    #[must_use]
    pub fn info(&self) -> KeyInfo {
        let key = self.parts();
        KeyInfo {
            id: key.id.clone(),
            status: self.status(),
            created_at: key.created_at,
            activated_at: key.activated_at,
            status_since: key.status_since,
        }
    }

    /// The key as a store keeps it. The record shares the material.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyRef, Timestamp};
    /// # let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// assert_eq!(KeyRef::from(&key).to_record().id.as_str(), "k1");
    /// ```
    pub fn to_record(&self) -> KeyRecord<M> {
        KeyRecord::from_parts(self.parts().share(), self.status())
    }

    pub(crate) fn latest(&self) -> Timestamp {
        self.parts().latest()
    }

    pub(crate) fn parts(&self) -> &'k KeyParts<M> {
        match self {
            Self::Active(key) => key.parts(),
            Self::Inactive(key) => key.parts(),
            Self::Retired(key) => key.parts(),
        }
    }
}

impl<'k, M> From<&'k Key<Active, M>> for KeyRef<'k, M> {
    fn from(key: &'k Key<Active, M>) -> Self {
        Self::Active(key)
    }
}

impl<'k, M> From<&'k Key<Inactive, M>> for KeyRef<'k, M> {
    fn from(key: &'k Key<Inactive, M>) -> Self {
        Self::Inactive(key)
    }
}

impl<'k, M> From<&'k Key<Retired, M>> for KeyRef<'k, M> {
    fn from(key: &'k Key<Retired, M>) -> Self {
        Self::Retired(key)
    }
}

impl<M> Clone for KeyRef<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for KeyRef<'_, M> {}

impl<M> fmt::Debug for KeyRef<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRef")
            .field("id", self.id())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// A key without its material: what policies, states and logs see.
///
/// ```
/// use key_rotation::{Key, KeyId, KeyInfo, KeyRef, KeyStatus, Timestamp};
///
/// let now = Timestamp::now();
/// let key = Key::new(KeyId::from_static("k1"), "secret", now);
/// let info: KeyInfo = KeyRef::from(&key).info();
/// assert_eq!((info.id.as_str(), info.status), ("k1", KeyStatus::Inactive));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KeyInfo {
    /// The key's name.
    pub id: KeyId,
    /// The key's status.
    pub status: KeyStatus,
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the key was last activated; `None` for a key that never was.
    pub activated_at: Option<Timestamp>,
    /// Since when the key has had its status.
    pub status_since: Timestamp,
}
