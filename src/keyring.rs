//! [`Keyring`]: one active key, and all the others.

use core::{fmt, iter};

use crate::error::{DecryptionKeyError, EncryptionKeyError};
use crate::key::{DecryptionKey, EncryptionKey, Key, KeyRef};
use crate::material::KeyMaterial;
use crate::policy::{RotationPolicy, Usage};
use crate::receipt::Destruction;
use crate::status::{Active, Inactive, Retired};
use crate::timestamp::Timestamp;

use self::active::ActiveKey;
use self::table::{IdHasher, Table};

pub use self::builder::KeyringBuilder;
pub use self::entry::{DeactivateAlone, Entry};
pub use self::export::CryptoExport;
pub use self::state::KeyringState;
pub use self::withheld::Withheld;

mod active;
mod border;
pub mod builder;
mod change;
mod entry;
mod export;
mod lookup;
mod map;
mod state;
mod table;
mod withheld;

/// A set of keys of which exactly one is active.
///
/// The active key is a plain field, so a ring with no active key or with two cannot be written.
/// Everything else follows: [`encryption_key`](Self::encryption_key) cannot fail, and a rotation
/// replaces the active key in one step that leaves nothing in between.
///
/// | to… | call |
/// |---|---|
/// | encrypt | [`encryption_key`](Self::encryption_key) |
/// | decrypt what carries a key id | [`decryption_key`](Self::decryption_key) |
/// | decrypt what carries none | [`decryption_keys`](Self::decryption_keys) |
/// | stage a new key | [`add`](Self::add) |
/// | change the active key | [`rotate_to`](Self::rotate_to), [`entry::<Inactive>`](Self::entry) |
/// | retire, destroy | [`entry::<Inactive>`](Self::entry), [`entry::<Retired>`](Self::entry) |
/// | load, store | [`from_parts`](Self::from_parts), [`into_parts`](Self::into_parts) |
/// | prepare ciphers, unwrap blobs | [`map`](Self::map), [`try_map`](Self::try_map) |
///
/// A ring remembers the ids of destroyed keys, as tombstones: they are never used again.
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
/// let receipt = ring.add(new_key("2026-q4")?)?;
/// let decision = ring.rotate_to("2026-q4", now)?;
///
/// assert_eq!(ring.encryption_key().id().as_str(), "2026-q4");
/// assert!(!ring.decryption_key("2026-q3")?.is_current());
/// # Ok(()) }
/// ```
///
/// There is no `Default`, because there is no default key, and no `Clone`, because two rings can
/// diverge: [`fork`](Self::fork) says so by its name.
#[must_use = "a keyring that is dropped drops its keys"]
pub struct Keyring<M = KeyMaterial> {
    active: ActiveKey<M>,
    inactive: Table<Key<Inactive, M>>,
    retired: Table<Key<Retired, M>>,
    destroyed: Table<Destruction>,
    withheld: Table<Withheld>,
    hasher: IdHasher,
    /// Grows with every key that enters a table.
    order: i64,
}

impl<M> Keyring<M> {
    /// A ring of one key.
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert_eq!(ring.len(), 1);
    /// ```
    pub fn new(active: Key<Active, M>) -> Self {
        Self {
            active: ActiveKey::new(active),
            inactive: Table::new(),
            retired: Table::new(),
            destroyed: Table::new(),
            withheld: Table::new(),
            hasher: IdHasher::default(),
            order: 0,
        }
    }

    /// The active key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.active().id().as_str(), "k1");
    /// ```
    #[inline]
    pub fn active(&self) -> &Key<Active, M> {
        self.active.key()
    }

    /// The inactive keys: those that were active, latest first, then those that are staged, in
    /// the order in which they were added.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// let staged = ring.inactive().filter(|key| key.activated_at().is_none());
    /// assert_eq!(staged.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inactive(&self) -> impl Iterator<Item = &Key<Inactive, M>> {
        self.inactive.iter()
    }

    /// The retired keys, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.retired().count(), 0);
    /// ```
    pub fn retired(&self) -> impl Iterator<Item = &Key<Retired, M>> {
        self.retired.iter()
    }

    /// The tombstones, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.destroyed().count(), 0);
    /// ```
    pub fn destroyed(&self) -> impl Iterator<Item = &Destruction> {
        self.destroyed.iter()
    }

    /// Every key: the active one; the inactive ones that were active, latest first; the staged
    /// ones in the order in which they were added; the retired ones, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// for key in ring.iter() {
    ///     println!("{} is {} since {}", key.id(), key.status(), key.status_since());
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = KeyRef<'_, M>> {
        iter::once(KeyRef::Active(self.active()))
            .chain(self.inactive().map(KeyRef::Inactive))
            .chain(self.retired().map(KeyRef::Retired))
    }

    /// The key of this id, with its status.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, KeyRef, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(matches!(ring.get("k1"), Some(KeyRef::Active(_))));
    /// assert!(ring.get("k2").is_none());
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn get(&self, id: &str) -> Option<KeyRef<'_, M>> {
        self.look_up(id)
    }

    /// The number of keys, at least one; neither tombstones nor [withheld](Self::withhold) keys count.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.len(), 1);
    /// ```
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        1 + self.inactive.len() + self.retired.len()
    }

    /// The right to encrypt with the active key. Cannot fail.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let key = ring.encryption_key();
    /// assert_eq!((key.id().as_str(), *key.material()), ("k1", "cipher"));
    /// ```
    #[inline]
    pub fn encryption_key(&self) -> EncryptionKey<'_, M> {
        self.active().encryption_key()
    }

    /// The right to encrypt with the active key, if the policy agrees: for callers who count.
    ///
    /// # Errors
    ///
    /// [`EncryptionKeyError::NotAllowed`] with the policy's reason: the active key is past a hard
    /// end. [`encryption_key`](Self::encryption_key) asks nobody.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let counted = Usage::of(1_000_000);
    /// let key = ring.encryption_key_under(&Cryptoperiods::QUARTERLY, counted, Timestamp::now())?;
    /// # Ok::<(), key_rotation::EncryptionKeyError>(())
    /// ```
    pub fn encryption_key_under(
        &self,
        policy: &(impl RotationPolicy + ?Sized),
        usage: Usage,
        now: Timestamp,
    ) -> Result<EncryptionKey<'_, M>, EncryptionKeyError> {
        let info = KeyRef::Active(self.active()).info();
        match policy.may_encrypt(&info, usage, now) {
            Ok(()) => Ok(self.encryption_key()),
            Err(reason) => Err(EncryptionKeyError::NotAllowed { id: info.id, reason }),
        }
    }

    /// The right to decrypt with the key of this id, whatever its status.
    ///
    /// # Errors
    ///
    /// [`DecryptionKeyError::KeyNotFound`] and [`DecryptionKeyError::KeyDestroyed`]. The first may
    /// mean that the ring is old: load it again, once, before giving up.
    ///
    /// ```
    /// # use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
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
    #[inline(always)]
    pub fn decryption_key(&self, id: &str) -> Result<DecryptionKey<'_, M>, DecryptionKeyError> {
        match self.get(id) {
            Some(key) => Ok(key.decryption_key()),
            None => Err(self.absent(id)),
        }
    }

    /// The right to decrypt with the key of this id, if the policy agrees.
    ///
    /// # Errors
    ///
    /// Those of [`decryption_key`](Self::decryption_key), and [`DecryptionKeyError::NotAllowed`]
    /// with the policy's reason.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let key = ring.decryption_key_under("k1", &StrictSingleActive, Timestamp::now())?;
    /// # Ok::<(), key_rotation::DecryptionKeyError>(())
    /// ```
    pub fn decryption_key_under(
        &self,
        id: &str,
        policy: &(impl RotationPolicy + ?Sized),
        now: Timestamp,
    ) -> Result<DecryptionKey<'_, M>, DecryptionKeyError> {
        match self.get(id) {
            Some(key) => allowed(key, policy, now),
            None => Err(self.absent(id)),
        }
    }

    /// Every decryption key, for ciphertexts that carry no key id: try them in this order, the
    /// active key first, and go on to the next only after an authentication failure.
    ///
    /// The order is that of [`iter`](Self::iter). Asking for the first alone costs no sorting.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), 7, now).activate(now));
    /// # let decrypt = |key: &i32, _: &[u8]| (*key == 7).then_some("plaintext");
    /// # let body = &[];
    /// let plaintext = ring.decryption_keys().find_map(|key| decrypt(key.material(), body));
    /// assert_eq!(plaintext, Some("plaintext"));
    /// ```
    pub fn decryption_keys(&self) -> impl Iterator<Item = DecryptionKey<'_, M>> {
        self.iter().map(|key| key.decryption_key())
    }

    /// [`decryption_keys`](Self::decryption_keys) under a policy: in the place of a key that it
    /// refuses stands the error that says so, with the id and the reason.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// for key in ring.decryption_keys_under(&Cryptoperiods::QUARTERLY, now) {
    ///     match key {
    ///         Ok(key) => println!("try {}", key.id()),
    ///         Err(refused) => println!("{refused}"),
    ///     }
    /// }
    /// ```
    pub fn decryption_keys_under(
        &self,
        policy: &(impl RotationPolicy + ?Sized),
        now: Timestamp,
    ) -> impl Iterator<Item = Result<DecryptionKey<'_, M>, DecryptionKeyError>> {
        self.iter().map(move |key| allowed(key, policy, now))
    }

    /// What a crypto module gets to see: the keys, without the means to change them.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.export_for_crypto().active_key_id().as_str(), "k1");
    /// ```
    pub fn export_for_crypto(&self) -> CryptoExport<'_, M> {
        CryptoExport::new(self)
    }

    /// What the ring looks like, without any material. Prints as a table.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// println!("{}", ring.state());
    /// assert_eq!(ring.state().active().id.as_str(), "k1");
    /// ```
    pub fn state(&self) -> KeyringState {
        KeyringState::new(self)
    }
}

/// The right to decrypt, if the policy agrees.
fn allowed<'k, M>(
    key: KeyRef<'k, M>,
    policy: &(impl RotationPolicy + ?Sized),
    now: Timestamp,
) -> Result<DecryptionKey<'k, M>, DecryptionKeyError> {
    let info = key.info();
    match policy.may_decrypt(&info, now) {
        Ok(()) => Ok(key.decryption_key()),
        Err(reason) => Err(DecryptionKeyError::NotAllowed { id: info.id, reason }),
    }
}

impl<M> fmt::Debug for Keyring<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("active", self.active().id())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
