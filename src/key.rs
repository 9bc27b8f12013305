//! Keys: an id, the events of a life and two halves, with the status in the type.
//!
//! | for… | there is |
//! |---|---|
//! | a key in a program | [`Key`], and [`KeyRef`] where its status is learned at run time |
//! | the right to use it | [`EncryptionKey`], [`DecryptionKey`], [`SalvageKey`] |
//! | its halves | [`Same`], [`Apart`], and [`Halves`] for code that works with both |
//! | a key in a store or a log | [`KeyRecord`], [`KeyInfo`] |
//! | the receipts of changes | [`Addition`], [`Rotation`], [`Retirement`], [`Revocation`], [`Restoration`], [`Dating`], [`Rewrapping`], [`Destruction`], [`Closing`] |

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::status::{
    Active, CanActivate, CanDeactivate, CanEncrypt, Inactive, KeyStatus, Retired, Revoked, Status,
    asked,
};
use crate::timestamp::Timestamp;

pub use self::halves::{Apart, Halves, Same};
pub use self::info::{KeyInfo, Times};
pub use self::receipt::{
    Addition, Closing, Dating, Destruction, Restoration, Retirement, Revocation, Rewrapping,
    Rotation, RotationDecision,
};
pub use self::record::{Event, KeyRecord, TimeConflict};
pub use self::reference::KeyRef;
pub use self::rights::{
    DecryptionKey, EncryptionKey, OwnedDecryptionKey, SalvageKey, SigningKey, VerificationKey,
};

pub(crate) use self::halves::{Both, Kept, One};
pub(crate) use self::info::{Head, Rank};

mod halves;
mod info;
mod receipt;
mod record;
mod reference;
mod rights;

/// A key whose status is part of its type.
///
/// `E` is the encrypting half: bytes ([`KeyMaterial`]), a wrapped blob, a handle to a KMS, a
/// prepared cipher. `D` says how the decrypting half is kept: with [`Same`], one half does both;
/// with [`Apart<V>`](Apart), the decrypting half is of a type of its own. The status decides at
/// compile time which operations there are:
///
/// | status | encrypt | decrypt | salvage | activate | deactivate | retire | revoke | restore | destroy | holds |
/// |---|---|---|---|---|---|---|---|---|---|---|
/// | `Key<Active>` | yes | yes | – | – | alone only | – | – | – | – | both halves |
/// | `Key<Inactive>` | – | yes | – | yes | – | yes | yes | – | – | both halves |
/// | `Key<Retired>` | – | yes | – | – | – | – | yes | – | yes | the decrypting half |
/// | `Key<Revoked>` | – | – | yes | – | – | – | – | to Retired | yes | the decrypting half |
///
/// A dash does not compile. A new key is inactive; the only way to a `Key<Active>` is
/// [`activate`](Key::activate). A key is one value: it does not clone, and a transition moves it,
/// so that its old status is gone from the program.
///
/// Most programs never write these type parameters: they hold a [`Keyring`](crate::Keyring), and
/// pass [`EncryptionKey`] and [`DecryptionKey`] on.
///
/// # Examples
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
/// The material is placed behind an `Arc` when the key is made. It stays at that address through
/// every transition, in every ring, until its last owner drops it: what moves is the pointer.
/// [`Key::new`] takes the material by value, so a material that holds its secret inline leaves a
/// copy on the stack on its way; [`Key::from_shared`] does not.
///
/// # The time of a transition
///
/// A transition takes the time at which it happens. A time that is earlier than one that the key
/// carries, from a host whose clock is behind, counts as the latest that it carries.
#[must_use = "a key that is dropped is lost, and its material is wiped"]
pub struct Key<S: Status, E = KeyMaterial, D: Halves<E> = Same> {
    // The halves first, beside the id: a lookup among many keys reads both from one line of the cache.
    kept: Kept<S::Both, S::No, E, D>,
    head: Head,
    status: PhantomData<fn() -> S>,
}

impl<M> Key<Inactive, M> {
    /// Makes a new key: it decrypts, and waits to be activated.
    ///
    /// `created_at` is the maker's word. No policy counts from it.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    ///
    /// let key = Key::new(KeyId::from_static("k1"), "anything", Timestamp::now());
    /// assert_eq!(key.status(), KeyStatus::Inactive);
    /// ```
    pub fn new(id: KeyId, material: M, created_at: Timestamp) -> Self {
        Self::from_shared(id, Arc::new(material), created_at)
    }

    /// Makes a new key of material that is on the heap already, and that others may hold too.
    ///
    /// Material that somebody else still holds is not wiped when the key is destroyed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use key_rotation::{Key, KeyId, KeyMaterial, Timestamp};
    ///
    /// let material = Arc::new(KeyMaterial::take(&mut [7; 32])?);
    /// let key = Key::from_shared(KeyId::from_static("k1"), material, Timestamp::now());
    /// # Ok::<(), key_rotation::error::MaterialError>(())
    /// ```
    pub fn from_shared(id: KeyId, material: Arc<M>, created_at: Timestamp) -> Self {
        Self::made(id, Kept::same(material), created_at)
    }
}

impl<E, V> Key<Inactive, E, Apart<V>> {
    /// Makes a new key whose halves are apart: what encrypts or signs, and what decrypts or
    /// verifies. Retired or revoked, it holds the second alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let key = Key::new_pair(KeyId::from_static("k1"), "private", "public", now).activate(now);
    /// assert_eq!(key.encryption_key().material(), &"private");
    /// assert_eq!(key.decryption_key().material(), &"public");
    /// ```
    pub fn new_pair(id: KeyId, encrypting: E, decrypting: V, created_at: Timestamp) -> Self {
        Self::made(id, Kept::pair(Arc::new(encrypting), Arc::new(decrypting)), created_at)
    }
}

impl<S: Status, E, D: Halves<E>> Key<S, E, D> {
    /// Returns the key's name.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &KeyId {
        &self.head.id
    }

    /// Returns the key's status as a value.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        S::STATUS
    }

    /// Returns the events of the key's life.
    #[must_use]
    pub fn times(&self) -> &Times {
        &self.head.times
    }

    /// Returns the key without its material, for a policy or a log.
    #[must_use]
    pub fn info(&self) -> KeyInfo {
        self.head.info(S::STATUS)
    }

    /// Activates the key: from now on it encrypts.
    ///
    /// It returns the same key, and its material stays where it is. Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Timestamp};
    ///
    /// let key = Key::new(KeyId::from_static("k1"), "cipher", Timestamp::now());
    /// let active = key.activate(Timestamp::now());
    /// assert_eq!(active.encryption_key().material(), &"cipher");
    /// ```
    pub fn activate(self, at: Timestamp) -> Key<Active, E, D>
    where
        S: asked::CanActivate,
    {
        self.entering(at, |kept| kept.both(<S as CanActivate>::never))
    }

    /// Deactivates the key: it keeps decrypting, and may be activated again.
    ///
    /// It returns the same key, and its material stays where it is. Cannot fail. This is for a key
    /// on its own: in a [`Keyring`](crate::Keyring) the active key becomes inactive when another is
    /// activated, in one step.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let active = Key::new(KeyId::from_static("k1"), "cipher", now).activate(now);
    /// assert_eq!(active.deactivate(now).status(), KeyStatus::Inactive);
    /// ```
    pub fn deactivate(self, at: Timestamp) -> Key<Inactive, E, D>
    where
        S: asked::CanDeactivate,
    {
        self.entering(at, |kept| kept.both(<S as CanDeactivate>::never))
    }

    /// Retires the key: it decrypts old data, and never encrypts again.
    ///
    /// It returns the same key with the decrypting half alone. An encrypting half that was kept
    /// apart is dropped, and wiped if this key was its last owner. Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let retired = Key::new(KeyId::from_static("k1"), "cipher", now).retire(now);
    /// assert_eq!(retired.decryption_key().material(), &"cipher");
    /// ```
    pub fn retire(self, at: Timestamp) -> Key<Retired, E, D>
    where
        S: asked::CanRetire,
    {
        self.entering(at, Kept::one)
    }

    /// Revokes the key, because it is not trusted any more: it does not decrypt.
    ///
    /// It returns the same key with the decrypting half alone, as [`retire`](Self::retire) does. A
    /// job that seals data again gets it with [`salvage_key`](Self::salvage_key). Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let revoked = Key::new(KeyId::from_static("k1"), "cipher", now).revoke(now);
    /// assert_eq!(revoked.salvage_key().material(), &"cipher");
    /// ```
    pub fn revoke(self, at: Timestamp) -> Key<Revoked, E, D>
    where
        S: asked::CanRevoke,
    {
        self.entering(at, Kept::one)
    }

    /// Restores a key that was revoked by mistake, as retired: it decrypts again.
    ///
    /// It never encrypts again, because its encrypting half is gone. Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, KeyStatus, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let restored = Key::new(KeyId::from_static("k1"), "cipher", now).revoke(now).restore(now);
    /// assert_eq!(restored.status(), KeyStatus::Retired);
    /// ```
    pub fn restore(self, at: Timestamp) -> Key<Retired, E, D>
    where
        S: asked::CanRestore,
    {
        self.entering(at, Kept::one)
    }

    /// Destroys the key: what was encrypted with it can never be read again.
    ///
    /// It returns the tombstone to keep in its place, so that the id is never used again. The
    /// material is dropped, and wiped if this key was its last owner. Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let tombstone = Key::new(KeyId::from_static("k1"), "cipher", now).retire(now).destroy(now);
    /// assert_eq!(tombstone.id.as_str(), "k1");
    /// ```
    pub fn destroy(self, at: Timestamp) -> Destruction
    where
        S: asked::CanDestroy,
    {
        let asked_at = at;
        let at = self.head.times.no_earlier_than(asked_at);
        Destruction { id: self.head.id, at, asked_at }
    }

    /// Lends the right to encrypt.
    #[inline]
    pub fn encryption_key(&self) -> EncryptionKey<'_, E>
    where
        S: asked::CanEncrypt,
    {
        EncryptionKey::new(&self.head.id, self.kept.encrypting(<S as CanEncrypt>::never))
    }

    /// Lends the right to decrypt.
    #[inline]
    pub fn decryption_key(&self) -> DecryptionKey<'_, D::Decrypting>
    where
        S: asked::CanDecrypt,
    {
        DecryptionKey::new(&self.head, D::decrypting(&self.kept), S::STATUS)
    }

    /// Lends the right to salvage: to decrypt what is sealed again at once.
    pub fn salvage_key(&self) -> SalvageKey<'_, D::Decrypting>
    where
        S: asked::CanSalvage,
    {
        SalvageKey::new(&self.head.id, D::decrypting(&self.kept))
    }

    /// Never compiles: a key does not clone. It is here so that the compiler says what to do
    /// instead.
    #[doc(hidden)]
    #[expect(clippy::should_implement_trait, reason = "a key must not implement it")]
    pub fn clone(&self) -> Self
    where
        for<'n> (): words::KeyClones<'n>,
    {
        <() as words::KeyClones<'static>>::never(self)
    }

    /// Returns the same key in another status. The methods above decide which there may be.
    fn entering<Next: Status>(
        self,
        at: Timestamp,
        change: impl FnOnce(Kept<S::Both, S::No, E, D>) -> Kept<Next::Both, Next::No, E, D>,
    ) -> Key<Next, E, D> {
        let Self { mut head, kept, .. } = self;
        let at = head.times.no_earlier_than(at);
        head.enter(Next::STATUS, at);
        Key::from_parts(head, change(kept))
    }
}

impl<S: Status, E, D: Halves<E>> Key<S, E, D> {
    /// A key of the status `S`, which the caller vouches for: the border and the ring do.
    pub(crate) fn from_parts(head: Head, kept: Kept<S::Both, S::No, E, D>) -> Self {
        Self { head, kept, status: PhantomData }
    }

    pub(crate) fn into_parts(self) -> (Head, Kept<S::Both, S::No, E, D>) {
        (self.head, self.kept)
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    pub(crate) fn decrypting(&self) -> &Arc<D::Decrypting> {
        D::decrypting(&self.kept)
    }

    /// The same key over other halves.
    pub(crate) fn over<E2, D2: Halves<E2>>(
        &self,
        kept: Kept<S::Both, S::No, E2, D2>,
    ) -> Key<S, E2, D2> {
        Key::from_parts(self.head.share(), kept)
    }

    /// The same key as what it is: no other than an inactive one can be activated.
    pub(crate) fn into_inactive(self) -> Key<Inactive, E, D>
    where
        S: CanActivate,
    {
        Key::from_parts(self.head, self.kept.both(<S as CanActivate>::never))
    }

    /// More pointers to the same key. Never handed out: outside, a key is one value.
    pub(crate) fn share(&self) -> Self {
        self.over(self.kept.share())
    }

    /// More pointers to the same key in a status that is found to hold as many halves.
    pub(crate) fn share_as<S2: Status>(&self) -> Option<Key<S2, E, D>> {
        Some(Key::from_parts(self.head.share(), self.kept.share_as()?))
    }
}

impl<E, D: Halves<E>> Key<Inactive, E, D> {
    fn made(id: KeyId, kept: Both<E, D>, created_at: Timestamp) -> Self {
        let times = Times { created_at: Some(created_at), ..Times::default() };
        Self::from_parts(Head { id, times, marks: Default::default() }, kept)
    }
}

impl<E, D: Halves<E>> Key<Active, E, D> {
    /// An activation and a deactivation in one: `next` becomes the active key, and the key that
    /// was active stands in its place. They swap, so neither is ever missing, and no second pointer
    /// to the material is made. The one place where the active key of a ring changes.
    #[inline]
    pub(crate) fn give_way(
        &mut self,
        next: &mut Key<Inactive, E, D>,
        asked_at: Timestamp,
    ) -> Rotation {
        let at = self.head.times.no_earlier_than(next.head.times.no_earlier_than(asked_at));
        let reactivated = next.head.marks.used();
        let (from, to) = (self.head.id.clone(), next.head.id.clone());
        mem::swap(&mut self.head, &mut next.head);
        mem::swap(&mut self.kept, &mut next.kept);
        self.head.enter(KeyStatus::Active, at);
        next.head.enter(KeyStatus::Inactive, at);
        Rotation { from, to, at, asked_at, reactivated }
    }
}

impl<S: Status, E, D: Halves<E>> fmt::Debug for Key<S, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", self.id())
            .field("status", &S::STATUS)
            .finish_non_exhaustive()
    }
}

/// Never applies: a key does not clone. It is here so that the compiler says what to do instead.
impl<S: Status, E, D: Halves<E>> Clone for Key<S, E, D>
where
    for<'n> (): words::KeyClones<'n>,
{
    fn clone(&self) -> Self {
        <() as words::KeyClones<'static>>::never(self)
    }
}

/// Never applies: a record does not become a key by itself. It is here so that the compiler says
/// what to do instead.
impl<S: Status, M> From<KeyRecord<M>> for Key<S, M>
where
    for<'n> (): words::RecordBecomesKey<'n>,
{
    fn from(record: KeyRecord<M>) -> Self {
        <() as words::RecordBecomesKey<'static>>::never(record)
    }
}

mod words {
    #[diagnostic::on_unimplemented(
        message = "a key is one value, and does not clone",
        label = "a second key would have a life of its own",
        note = "to encrypt or decrypt with it in two places, lend it: `key.encryption_key()`, which returns an `EncryptionKey`, and `key.decryption_key()`, which returns a `DecryptionKey`; both copy freely",
        note = "to decrypt in a task that outlives the key: `key.decryption_key().to_owned()`, which returns an `OwnedDecryptionKey`",
        note = "for a second ring over the same material: `ring.fork()`, which returns a `Keyring`; to share one ring among threads: `Arc::new(ring)`",
        note = "a struct that derives `Clone` holds an `Arc<Key<Active>>` or an `Arc<Keyring>`"
    )]
    #[expect(unnameable_types, reason = "so that nobody implements it")]
    pub trait KeyClones<'n> {
        fn never<K>(key: &K) -> K;
    }

    #[diagnostic::on_unimplemented(
        message = "a record is data that nobody has checked, and does not become a key by itself",
        label = "make a ring of all the records: there they are checked",
        note = "`let ring = Keyring::from_records(records)?;` and then `ring.encryption_key()` and `ring.decryption_key(id)?`",
        note = "a new key is made of material: `Key::new(id, material, created_at)`"
    )]
    #[expect(unnameable_types, reason = "so that nobody implements it")]
    pub trait RecordBecomesKey<'n> {
        fn never<R, K>(record: R) -> K;
    }
}
