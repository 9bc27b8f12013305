//! [`Key`]: an id, its times and its material, with the status in the type.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::receipt::{Destruction, Rotation};
use crate::status::{
    Active, CanDestroy, CanEncrypt, Inactive, KeyStatus, Retired, Status, TransitionTo,
};
use crate::timestamp::Timestamp;

pub use self::capability::{DecryptionKey, EncryptionKey};
pub use self::reference::{KeyInfo, KeyRef};

mod capability;
mod reference;

/// A key whose status is part of its type.
///
/// `M` is what the key is made of: bytes ([`KeyMaterial`]), a wrapped blob, a handle to a KMS, a
/// prepared cipher. The status decides, at compile time, what can be done with it:
///
/// | | [`encryption_key`](Key::encryption_key) | [`decryption_key`](Key::decryption_key) | [`activate`](Key::activate) | [`deactivate`](Key::deactivate) | [`retire`](Key::retire) | [`destroy`](Key::destroy) |
/// |---|---|---|---|---|---|---|
/// | `Key<Active>` | yes | yes | | yes | | |
/// | `Key<Inactive>` | | yes | yes | | yes | |
/// | `Key<Retired>` | | yes | | | | yes |
///
/// An empty cell does not compile. A new key is inactive; the only way to a `Key<Active>` is
/// [`activate`](Key::activate). A key is one value: it does not clone, and a transition moves it,
/// so that its old status is gone from the program.
///
/// Most programs never write these type parameters: they hold a [`Keyring`](crate::Keyring) and
/// pass [`EncryptionKey`] and [`DecryptionKey`] on.
///
/// ```
/// use key_rotation::{Key, KeyId, KeyMaterial, Timestamp};
///
/// let staged = Key::new(
///     KeyId::from_static("2026-q4"),
///     KeyMaterial::try_fill(32, getrandom::fill)?,
///     Timestamp::now(),
/// );
/// let active = staged.activate(Timestamp::now());
/// assert_eq!(active.encryption_key().id().as_str(), "2026-q4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Material stays where it is
///
/// The material is placed behind an `Arc` when the key is made and stays at that address through
/// every transition, in every ring, until the last owner drops it. What moves is the pointer.
/// [`Key::new`] takes the material by value, so a material that holds its secret inline leaves a
/// copy on the stack on its way; [`Key::from_shared`] does not.
#[must_use = "a key that is dropped is lost, and its material is wiped"]
pub struct Key<S: Status, M = KeyMaterial> {
    parts: KeyParts<M>,
    status: PhantomData<fn() -> S>,
}

/// All that a key has besides its status.
pub(crate) struct KeyParts<M> {
    pub(crate) id: KeyId,
    pub(crate) created_at: Timestamp,
    pub(crate) activated_at: Option<Timestamp>,
    pub(crate) status_since: Timestamp,
    pub(crate) material: Arc<M>,
}

impl<M> Key<Inactive, M> {
    /// A new key, staged: it decrypts, and waits to be activated.
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    ///
    /// let key = Key::new(KeyId::from_static("k1"), "anything", Timestamp::now());
    /// assert_eq!(key.status(), KeyStatus::Inactive);
    /// assert_eq!(key.activated_at(), None);
    /// ```
    pub fn new(id: KeyId, material: M, created_at: Timestamp) -> Self {
        Self::from_shared(id, Arc::new(material), created_at)
    }

    /// A new key over material that is on the heap already, and that others may hold too.
    ///
    /// Material that somebody else still holds is not wiped when the key is destroyed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use key_rotation::{Key, KeyId, KeyMaterial, Timestamp};
    ///
    /// let material = Arc::new(KeyMaterial::take(&mut [7; 32])?);
    /// let key = Key::from_shared(KeyId::from_static("k1"), material, Timestamp::now());
    /// # Ok::<(), key_rotation::MaterialError>(())
    /// ```
    pub fn from_shared(id: KeyId, material: Arc<M>, created_at: Timestamp) -> Self {
        Self::from_parts(KeyParts {
            id,
            created_at,
            activated_at: None,
            status_since: created_at,
            material,
        })
    }
}

impl<S: Status, M> Key<S, M> {
    /// The key's name.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), (), Timestamp::UNIX_EPOCH);
    /// assert_eq!(key.id().as_str(), "k1");
    /// ```
    #[must_use]
    #[inline]
    pub fn id(&self) -> &KeyId {
        &self.parts.id
    }

    /// The key's status as a value.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    /// # let now = Timestamp::UNIX_EPOCH;
    /// let key = Key::new(KeyId::from_static("k1"), (), now).activate(now);
    /// assert_eq!(key.status(), KeyStatus::Active);
    /// ```
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        S::STATUS
    }

    /// When the key was made.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let at = Timestamp::from_unix_millis;
    /// let key = Key::new(KeyId::from_static("k1"), (), at(10)).activate(at(20));
    /// assert_eq!(key.created_at(), at(10));
    /// ```
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.parts.created_at
    }

    /// When the key was last activated; `None` for a key that never was.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let at = Timestamp::from_unix_millis;
    /// let key = Key::new(KeyId::from_static("k1"), (), at(10));
    /// assert_eq!(key.activated_at(), None);
    /// assert_eq!(key.activate(at(20)).deactivate(at(30)).activated_at(), Some(at(20)));
    /// ```
    #[must_use]
    pub fn activated_at(&self) -> Option<Timestamp> {
        self.parts.activated_at
    }

    /// Since when the key has had its status.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let at = Timestamp::from_unix_millis;
    /// let key = Key::new(KeyId::from_static("k1"), (), at(10)).retire(at(40));
    /// assert_eq!(key.status_since(), at(40));
    /// ```
    #[must_use]
    pub fn status_since(&self) -> Timestamp {
        self.parts.status_since
    }

    /// Makes the key active.
    ///
    /// Requires an inactive key, one that is new or one that was active before. Returns the same
    /// key, which now encrypts; its material stays where it is. Cannot fail.
    ///
    /// A time earlier than one that the key already carries (a host whose clock is behind) counts
    /// as the latest that it carries: see [`status_since`](Key::status_since).
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyMaterial, Timestamp};
    /// let key = Key::new(KeyId::from_static("k1"), (), Timestamp::now());
    /// let active = key.activate(Timestamp::now());
    /// let encryption_key = active.encryption_key();
    /// ```
    pub fn activate(self, at: Timestamp) -> Key<Active, M>
    where
        S: TransitionTo<Active>,
    {
        self.into_status(at)
    }

    /// Makes the key inactive: it keeps decrypting and may be activated again.
    ///
    /// Requires an active key. Returns the same key, which no longer encrypts; its material stays
    /// where it is. Cannot fail; for an early time see [`activate`](Key::activate).
    ///
    /// This is for a key on its own. In a [`Keyring`](crate::Keyring) the active key becomes
    /// inactive when another is activated, in one step.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    /// # let now = Timestamp::now();
    /// let active = Key::new(KeyId::from_static("k1"), (), now).activate(now);
    /// assert_eq!(active.deactivate(now).status(), KeyStatus::Inactive);
    /// ```
    pub fn deactivate(self, at: Timestamp) -> Key<Inactive, M>
    where
        S: TransitionTo<Inactive>,
    {
        self.into_status(at)
    }

    /// Retires the key: it decrypts old data, and can never be active again.
    ///
    /// Requires an inactive key. Returns the same key; its material stays where it is. Cannot
    /// fail; for an early time see [`activate`](Key::activate).
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    /// # let now = Timestamp::now();
    /// let retired = Key::new(KeyId::from_static("k1"), (), now).retire(now);
    /// assert_eq!(retired.status(), KeyStatus::Retired);
    /// ```
    pub fn retire(self, at: Timestamp) -> Key<Retired, M>
    where
        S: TransitionTo<Retired>,
    {
        self.into_status(at)
    }

    /// Destroys the key: what was encrypted with it can never be read again.
    ///
    /// Requires a retired key. Returns the tombstone to store in its place, so that the id is
    /// never used again. The material is dropped, and wiped if this key was its last owner.
    /// Cannot fail; for an early time see [`activate`](Key::activate).
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let now = Timestamp::now();
    /// let tombstone = Key::new(KeyId::from_static("k1"), (), now).retire(now).destroy(now);
    /// assert_eq!(tombstone.id.as_str(), "k1");
    /// ```
    pub fn destroy(self, at: Timestamp) -> Destruction
    where
        S: CanDestroy,
    {
        let at = at.max(self.latest());
        Destruction::new(self.parts.id, at)
    }

    /// The right to encrypt with this key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let now = Timestamp::now();
    /// let active = Key::new(KeyId::from_static("k1"), "material", now).activate(now);
    /// assert_eq!(active.encryption_key().material(), &"material");
    /// ```
    #[inline]
    pub fn encryption_key(&self) -> EncryptionKey<'_, M>
    where
        S: CanEncrypt,
    {
        EncryptionKey::new(&self.parts)
    }

    /// The right to decrypt with this key: every key has it.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Timestamp};
    /// # let now = Timestamp::now();
    /// let retired = Key::new(KeyId::from_static("k1"), "material", now).retire(now);
    /// assert_eq!(retired.decryption_key().material(), &"material");
    /// ```
    #[inline]
    pub fn decryption_key(&self) -> DecryptionKey<'_, M> {
        DecryptionKey::new(&self.parts, S::STATUS)
    }

    /// The same key in another status. Which there may be say the methods that call this.
    fn into_status<Next: Status>(mut self, at: Timestamp) -> Key<Next, M> {
        let at = at.max(self.latest());
        self.parts.enter(Next::STATUS, at);
        Key::from_parts(self.parts)
    }

    /// The latest time that the key carries. No transition is dated earlier.
    pub(crate) fn latest(&self) -> Timestamp {
        self.parts.latest()
    }

    /// A key of the status `S`, which the caller vouches for: the border and the ring do.
    pub(crate) fn from_parts(parts: KeyParts<M>) -> Self {
        Self { parts, status: PhantomData }
    }

    pub(crate) fn parts(&self) -> &KeyParts<M> {
        &self.parts
    }

    pub(crate) fn into_parts(self) -> KeyParts<M> {
        self.parts
    }

    /// A second pointer to the same key, for the ring and the store. Never handed out: outside,
    /// a key is one value.
    pub(crate) fn share(&self) -> Self {
        Self::from_parts(self.parts.share())
    }

    /// The same key over other material.
    pub(crate) fn with_material<N>(&self, material: Arc<N>) -> Key<S, N> {
        Key::from_parts(self.parts.with_material(material))
    }
}

impl<M> Key<Active, M> {
    /// An activation and a deactivation in one: `next` becomes the active key, and the key that
    /// was active stands in its place. They swap, so neither is ever missing, and no second pointer
    /// to the material is made. The one place where the active key of a ring changes.
    #[inline(always)]
    pub(crate) fn give_way(&mut self, next: &mut Key<Inactive, M>, at: Timestamp) -> Rotation {
        let at = at.max(self.latest()).max(next.latest());
        let reactivated = next.activated_at().is_some();
        let rotation = Rotation::new(self.id().clone(), next.id().clone(), at, reactivated);
        mem::swap(&mut self.parts, &mut next.parts);
        self.parts.enter(KeyStatus::Active, at);
        next.parts.enter(KeyStatus::Inactive, at);
        rotation
    }
}

impl<M> KeyParts<M> {
    /// The one place where a key's times change with its status.
    fn enter(&mut self, status: KeyStatus, at: Timestamp) {
        if status.can_encrypt() {
            self.activated_at = Some(at);
        }
        self.status_since = at;
    }

    pub(crate) fn latest(&self) -> Timestamp {
        Timestamp::latest_of(self.created_at, self.activated_at, self.status_since)
    }

    /// The same id and times over other material.
    pub(crate) fn with_material<N>(&self, material: Arc<N>) -> KeyParts<N> {
        KeyParts {
            id: self.id.clone(),
            created_at: self.created_at,
            activated_at: self.activated_at,
            status_since: self.status_since,
            material,
        }
    }

    /// A second pointer to the same material.
    pub(crate) fn share(&self) -> Self {
        self.with_material(Arc::clone(&self.material))
    }
}

impl<S: Status, M> fmt::Debug for Key<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", self.id())
            .field("status", &S::STATUS)
            .finish_non_exhaustive()
    }
}
