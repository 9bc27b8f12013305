//! Rings: one active key, and all the others.
//!
//! | for… | there is |
//! |---|---|
//! | a ring that encrypts and decrypts | [`Keyring`], and [`KeyringBuilder`] to make one key by key |
//! | a ring that only decrypts | [`DecryptionKeyring`] |
//! | changing one key | [`Entry`] |
//! | a crypto module | [`CryptoExport`] |
//! | people and logs | [`KeyringState`] |

use alloc::collections::BTreeMap;
use core::fmt;

use crate::id::KeyId;
use crate::key::{
    DecryptionKey, Destruction, EncryptionKey, Halves, Key, KeyInfo, SalvageKey, Same,
};
use crate::material::KeyMaterial;
use crate::refusal::Refusal;
use crate::status::{Active, Inactive, Retired, Revoked};

use self::active::ActiveKey;
use self::slot::{FIRST_SEQ, Slot};
use self::table::Table;

pub use self::builder::KeyringBuilder;
pub use self::decryption::DecryptionKeyring;
pub use self::entry::Entry;
pub use self::error::{DecryptionKeyError, EntryError};
pub use self::export::CryptoExport;
pub use self::invalid::{InvalidKeyring, Violation};
pub use self::iter::Iter;
pub use self::split::ActiveUnprepared;
pub use self::state::KeyringState;
pub use self::taken::{KeyIdTaken, TakenBy, TakenId};
pub use crate::text::Reason;

mod active;
mod builder;
mod change;
mod decryption;
mod entry;
mod error;
mod export;
mod invalid;
mod iter;
mod load;
mod lookup;
mod slot;
mod split;
mod state;
mod table;
mod taken;
mod words;

/// A set of keys of which exactly one is active.
///
/// The active key is a plain field, so a ring with no active key or with two cannot be written.
/// Everything else follows: [`encryption_key`](Self::encryption_key) cannot fail, and a rotation
/// replaces the active key in one step that leaves nothing in between.
///
/// | to… | call |
/// |---|---|
/// | make one | [`new`](Self::new), [`builder`](Self::builder), [`with_previous`](Self::with_previous) |
/// | encrypt | [`encryption_key`](Self::encryption_key) |
/// | decrypt what carries a key id | [`decryption_key`](Self::decryption_key) |
/// | decrypt what carries none | [`decryption_keys`](Self::decryption_keys) |
/// | stage a new key | [`add`](Self::add) |
/// | change the active key | [`rotate_to`](Self::rotate_to), [`rotate_in`](Self::rotate_in) |
/// | retire, revoke, restore, destroy | [`entry`](Self::entry) |
/// | load, store | [`from_parts`](Self::from_parts), [`into_parts`](Self::into_parts) |
/// | prepare ciphers, unwrap blobs | [`try_map`](Self::try_map), [`try_split`](Self::try_split) |
/// | keep a policy's rules | [`enforce`](Self::enforce) |
/// | hand out a ring that only decrypts | [`decryption_only`](Self::decryption_only) |
///
/// A ring remembers the ids of destroyed keys, as tombstones: they are never used again.
///
/// There is no `Default`, because there is no default key, and no `Clone`, because two rings can
/// diverge: [`fork`](Self::fork) says so by its name.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, KeyMaterial, Keyring, Timestamp};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let now = Timestamp::now();
/// let new_key = |id| -> Result<_, Box<dyn std::error::Error>> {
///     let material = KeyMaterial::try_fill(32, getrandom::fill)?;
///     Ok(Key::new(KeyId::from_static(id), material, now))
/// };
///
/// let mut ring = Keyring::new(new_key("2026-q3")?.activate(now));
/// let receipt = ring.add(new_key("2026-q4")?, now)?;
/// let decision = ring.rotate_to("2026-q4", now)?;
///
/// assert_eq!(ring.encryption_key().id().as_str(), "2026-q4");
/// assert!(ring.decryption_key("2026-q3")?.is_superseded());
/// # Ok(()) }
/// ```
#[must_use = "a keyring that is dropped drops its keys"]
pub struct Keyring<E = KeyMaterial, D: Halves<E> = Same> {
    active: ActiveKey<E, D>,
    others: Table<Slot<E, D>>,
    /// The keys that the policy that was enforced last does not let decrypt.
    refusals: BTreeMap<KeyId, Refusal>,
    /// The number of keys, without tombstones, in `others`.
    live: usize,
    /// The last number that was given to a slot.
    seq: u32,
}

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Makes a ring of one key.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert_eq!(ring.len(), 1);
    /// ```
    pub fn new(active: Key<Active, E, D>) -> Self {
        Self::of(active, Table::new(), FIRST_SEQ)
    }

    /// The ring of these, which the border has looked at.
    fn of(active: Key<Active, E, D>, others: Table<Slot<E, D>>, seq: u32) -> Self {
        let live = others.iter().filter(|slot| !matches!(slot, Slot::Destroyed { .. })).count();
        Self { active: ActiveKey::new(active), others, refusals: BTreeMap::new(), live, seq }
    }

    /// Returns the active key.
    #[inline]
    pub fn active(&self) -> &Key<Active, E, D> {
        self.active.key()
    }

    /// Lists the inactive keys: those that were active, latest first, then those that are staged,
    /// in the order in which they were added.
    pub fn inactive(&self) -> impl Iterator<Item = &Key<Inactive, E, D>> {
        self.sorted(|slot| if let Slot::Inactive { key, .. } = slot { Some(key) } else { None })
    }

    /// Lists the retired keys, latest first.
    pub fn retired(&self) -> impl Iterator<Item = &Key<Retired, E, D>> {
        self.sorted(|slot| if let Slot::Retired { key, .. } = slot { Some(key) } else { None })
    }

    /// Lists the revoked keys, latest first.
    pub fn revoked(&self) -> impl Iterator<Item = &Key<Revoked, E, D>> {
        self.sorted(|slot| if let Slot::Revoked { key, .. } = slot { Some(key) } else { None })
    }

    /// Lists the tombstones, latest first.
    pub fn destroyed(&self) -> impl Iterator<Item = &Destruction> {
        self.tombstones().into_iter()
    }

    /// Lists the keys whose material could not be prepared, in the order of [`iter`](Self::iter).
    pub fn unprepared(&self) -> impl Iterator<Item = (&KeyInfo, &Reason)> {
        self.sorted(|slot| {
            if let Slot::Unprepared { key, .. } = slot {
                Some((&key.info, &key.reason))
            } else {
                None
            }
        })
    }

    /// Lists every key that has its material: the active one; the inactive ones that were active,
    /// latest first; the staged ones in the order in which they were added; the retired ones and
    /// then the revoked ones, latest first.
    ///
    /// `for key in &ring` does the same. Asking for the first alone costs no sorting.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// for key in &ring {
    ///     println!("{} is {}", key.id(), key.status());
    /// }
    /// ```
    pub fn iter(&self) -> Iter<'_, E, D> {
        Iter::new(self)
    }

    /// Returns the number of keys, at least one. Keys that could not be prepared count, tombstones
    /// do not.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        1 + self.live
    }

    /// Lends the right to encrypt with the active key. Cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let key = ring.encryption_key();
    /// assert_eq!((key.id().as_str(), *key.material()), ("k1", "cipher"));
    /// ```
    #[inline]
    pub fn encryption_key(&self) -> EncryptionKey<'_, E> {
        self.active().encryption_key()
    }

    /// Lends the right to decrypt with the key of this id.
    ///
    /// # Errors
    ///
    /// [`DecryptionKeyError::KeyNotFound`], which may mean that the ring is old: load it again,
    /// once, before giving up. [`DecryptionKeyError::KeyDestroyed`],
    /// [`DecryptionKeyError::KeyRevoked`]; [`DecryptionKeyError::NotAllowed`] for what
    /// [`enforce`](Self::enforce) has found; [`DecryptionKeyError::Unprepared`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let load = || Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// # let mut ring = load();
    /// # let id = "k1";
    /// if let Err(DecryptionKeyError::KeyNotFound { .. }) = ring.decryption_key(id) {
    ///     ring = load();
    /// }
    /// let key = ring.decryption_key(id)?;
    /// # Ok::<(), DecryptionKeyError>(())
    /// ```
    #[inline]
    pub fn decryption_key(
        &self,
        id: &str,
    ) -> Result<DecryptionKey<'_, D::Decrypting>, DecryptionKeyError> {
        self.look_up(id)
    }

    /// Lends the right to salvage with the revoked key of this id: to decrypt what is sealed again
    /// at once.
    ///
    /// # Errors
    ///
    /// [`EntryError::WrongStatus`] when the key is not revoked, and the others of
    /// [`entry`](Self::entry).
    pub fn salvage_key(&self, id: &str) -> Result<SalvageKey<'_, D::Decrypting>, EntryError> {
        self.look_up_revoked(id)
    }

    /// Lists the rights to decrypt, for ciphertexts that carry no key id: try them in this order,
    /// the active key first, and go on to the next only after an authentication failure.
    ///
    /// The order is that of [`iter`](Self::iter). Keys that are revoked, and those that
    /// [`enforce`](Self::enforce) refuses, are not among them.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), 7, now).activate(now));
    /// # let decrypt = |key: &i32, _: &[u8]| (*key == 7).then_some("plaintext");
    /// # let body = &[];
    /// let plaintext = ring.decryption_keys().find_map(|key| decrypt(key.material(), body));
    /// assert_eq!(plaintext, Some("plaintext"));
    /// ```
    pub fn decryption_keys(&self) -> impl Iterator<Item = DecryptionKey<'_, D::Decrypting>> {
        self.iter().filter_map(|key| self.decrypting(key))
    }

    /// Returns a view of the ring for a crypto module: the keys, without the means to change them.
    pub fn export_for_crypto(&self) -> CryptoExport<'_, E, D> {
        CryptoExport::new(self)
    }

    /// Makes a ring that only decrypts: it has no encrypting half, and no way to encrypt.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let pair = Key::new_pair(KeyId::from_static("k1"), "private", "public", now);
    /// let ring = Keyring::new(pair.activate(now));
    /// let verifier = ring.decryption_only();
    /// assert_eq!(verifier.decryption_key("k1")?.material(), &"public");
    /// # Ok::<(), key_rotation::DecryptionKeyError>(())
    /// ```
    pub fn decryption_only(&self) -> DecryptionKeyring<D::Decrypting> {
        DecryptionKeyring::of(self)
    }

    /// Returns the state of the ring: every key without its material. It prints as a table.
    pub fn state(&self) -> KeyringState {
        KeyringState::new(self)
    }

    /// Never compiles: a ring does not clone. It is here so that the compiler says what to do
    /// instead.
    #[doc(hidden)]
    #[expect(clippy::should_implement_trait, reason = "a ring must not implement it")]
    pub fn clone(&self) -> Self
    where
        for<'n> (): words::RingClones<'n>,
    {
        <() as words::RingClones<'static>>::never(self)
    }

    /// Never compiles: there is no default ring. It is here so that the compiler says what to do
    /// instead.
    #[doc(hidden)]
    #[expect(clippy::should_implement_trait, reason = "a ring must not implement it")]
    pub fn default() -> Self
    where
        for<'n> (): words::RingDefaults<'n>,
    {
        <() as words::RingDefaults<'static>>::never()
    }
}

/// Never applies: a ring does not clone. It is here so that the compiler says what to do instead.
impl<E, D: Halves<E>> Clone for Keyring<E, D>
where
    for<'n> (): words::RingClones<'n>,
{
    fn clone(&self) -> Self {
        <() as words::RingClones<'static>>::never(self)
    }
}

/// Never applies: there is no default ring. It is here so that the compiler says what to do
/// instead.
impl<E, D: Halves<E>> Default for Keyring<E, D>
where
    for<'n> (): words::RingDefaults<'n>,
{
    fn default() -> Self {
        <() as words::RingDefaults<'static>>::never()
    }
}

impl<E, D: Halves<E>> fmt::Debug for Keyring<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("active", self.active().id())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
