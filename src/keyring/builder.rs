//! Building a ring key by key: [`KeyringBuilder`] and its two states.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use super::Keyring;
use crate::error::InvalidKeyring;
use crate::key::Key;
use crate::material::KeyMaterial;
use crate::receipt::Destruction;
use crate::record::KeyRecord;
use crate::status::{Active, Inactive, Retired};

/// The builder has no active key yet: it cannot build.
///
/// ```
/// use key_rotation::builder::WithoutActive;
/// use key_rotation::{Keyring, KeyringBuilder};
///
/// let builder: KeyringBuilder<WithoutActive, &str> = Keyring::builder();
/// ```
#[derive(Debug)]
pub enum WithoutActive {}

/// The builder has its active key: it can build, and takes no other active key.
///
/// ```
/// use key_rotation::builder::WithActive;
/// use key_rotation::{Key, KeyId, Keyring, KeyringBuilder, Timestamp};
///
/// # let now = Timestamp::now();
/// # let key = Key::new(KeyId::from_static("k1"), "cipher", now).activate(now);
/// let builder: KeyringBuilder<WithActive, &str> = Keyring::builder().active(key);
/// ```
#[derive(Debug)]
pub enum WithActive {}

/// The builder's state in which the active key may be given: [`WithoutActive`].
///
/// ```
/// use key_rotation::builder::LacksActive;
/// use key_rotation::{Active, Key, KeyringBuilder};
/// use key_rotation::builder::WithActive;
///
/// fn finish<A: LacksActive>(builder: KeyringBuilder<A>, key: Key<Active>) -> KeyringBuilder<WithActive> {
///     builder.active(key)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this keyring has its active key already",
    label = "a keyring has exactly one active key, and this would be the second",
    note = "add the other one with `.inactive(key.deactivate(at))`, and make it the active one when its time has come: `ring.rotate_to(id, at)?`",
    note = "where two keys are to encrypt side by side, for two regions or two purposes, build a ring for each"
)]
pub trait LacksActive: sealed::State {}

/// The builder's state in which it can build: [`WithActive`].
///
/// ```
/// use key_rotation::builder::HasActive;
/// use key_rotation::{InvalidKeyring, Keyring, KeyringBuilder};
///
/// fn finish<A: HasActive>(builder: KeyringBuilder<A>) -> Result<Keyring, InvalidKeyring> {
///     builder.build()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this keyring has no active key yet",
    label = "a keyring has exactly one active key, and this one has none",
    note = "give it the key that encrypts, `.active(key.activate(at))`, before `.build()` and before a loop that adds other keys: it changes the type of the builder"
)]
pub trait HasActive: sealed::State {}

#[diagnostic::do_not_recommend]
impl LacksActive for WithoutActive {}
#[diagnostic::do_not_recommend]
impl HasActive for WithActive {}

/// Collects the keys of a ring. It ensures that exactly one of them is active:
///
/// - [`Keyring::builder`] starts [`WithoutActive`];
/// - [`active`](Self::active), which can be called once, leads to [`WithActive`];
/// - [`build`](Self::build) can be called only then.
///
/// You will not need to write these type parameters.
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// # let [old, current, next] = ["k1", "k2", "k3"].map(|id| Key::new(KeyId::from_static(id), (), now));
///
/// let ring = Keyring::builder()
///     .retired(old.retire(now))
///     .active(current.activate(now))
///     .inactive(next)
///     .build()?;
/// assert_eq!(ring.len(), 3);
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct KeyringBuilder<A: sealed::State, M = KeyMaterial> {
    records: Vec<KeyRecord<M>>,
    destroyed: Vec<Destruction>,
    state: PhantomData<fn() -> A>,
}

impl<M> Keyring<M> {
    /// A builder, for a ring of several keys.
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// let now = Timestamp::now();
    /// let active = Key::new(KeyId::from_static("k1"), "cipher", now).activate(now);
    /// let ring = Keyring::builder().active(active).build()?;
    /// # Ok::<(), key_rotation::InvalidKeyring>(())
    /// ```
    pub fn builder() -> KeyringBuilder<WithoutActive, M> {
        KeyringBuilder { records: Vec::new(), destroyed: Vec::new(), state: PhantomData }
    }
}

impl<A: sealed::State, M> KeyringBuilder<A, M> {
    /// Gives the ring its active key. Can be called once.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let key = Key::new(KeyId::from_static("k1"), (), now);
    /// let ring = Keyring::builder().active(key.activate(now)).build()?;
    /// # Ok::<(), key_rotation::InvalidKeyring>(())
    /// ```
    pub fn active(self, key: Key<Active, M>) -> KeyringBuilder<WithActive, M>
    where
        A: LacksActive,
    {
        let Self { records, destroyed, .. } = self.with(KeyRecord::from_key(key));
        KeyringBuilder { records, destroyed, state: PhantomData }
    }

    /// Adds an inactive key. Any number of times.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// let builder = Keyring::builder().inactive(Key::new(KeyId::from_static("k1"), (), now));
    /// ```
    pub fn inactive(self, key: Key<Inactive, M>) -> Self {
        self.with(KeyRecord::from_key(key))
    }

    /// Adds a retired key. Any number of times.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// let builder = Keyring::builder().retired(Key::new(KeyId::from_static("k1"), (), now).retire(now));
    /// ```
    pub fn retired(self, key: Key<Retired, M>) -> Self {
        self.with(KeyRecord::from_key(key))
    }

    /// Adds the tombstone of a destroyed key. Any number of times.
    ///
    /// ```
    /// # use key_rotation::{Destruction, KeyId, Keyring, Timestamp};
    /// let tombstone = Destruction::new(KeyId::from_static("k0"), Timestamp::now());
    /// let builder = Keyring::<()>::builder().destroyed(tombstone);
    /// ```
    pub fn destroyed(mut self, tombstone: Destruction) -> Self {
        self.destroyed.push(tombstone);
        self
    }

    /// The ring.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`] when an id was given twice, or belongs to a tombstone. The keys are
    /// dropped then.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let key = || Key::new(KeyId::from_static("k1"), (), now);
    /// let twice = Keyring::builder().active(key().activate(now)).inactive(key()).build();
    /// assert!(twice.is_err());
    /// ```
    pub fn build(self) -> Result<Keyring<M>, InvalidKeyring>
    where
        A: HasActive,
    {
        Keyring::from_parts(self.records, self.destroyed)
    }

    fn with(mut self, record: KeyRecord<M>) -> Self {
        self.records.push(record);
        self
    }
}

impl<A: sealed::State, M> fmt::Debug for KeyringBuilder<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringBuilder")
            .field("records", &self.records)
            .field("destroyed", &self.destroyed)
            .finish_non_exhaustive()
    }
}

mod sealed {
    /// Keeps the set of the builder's states closed.
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait State {}
    impl State for super::WithoutActive {}
    impl State for super::WithActive {}
}
