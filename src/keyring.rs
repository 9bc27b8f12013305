//! [`Keyring`]: one active key, and all the others.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::{fmt, iter, mem};

use crate::error::{Absent, DecryptionKeyError, EntryError, EscapedText, KeyIdTaken, TakenBy};
use crate::id::KeyId;
use crate::key::{DecryptionKey, EncryptionKey, Key, KeyRef};
use crate::material::KeyMaterial;
use crate::policy::RotationPolicy;
use crate::receipt::{Addition, Destruction, Rotation, RotationDecision};
use crate::status::{Active, Inactive, Retired, Status, TransitionTo};
use crate::timestamp::Timestamp;

use self::table::{IdHasher, Table};

pub use self::builder::KeyringBuilder;
pub use self::entry::{DeactivateAlone, Entry};
pub use self::export::CryptoExport;
pub use self::state::KeyringState;

mod border;
pub mod builder;
mod entry;
mod export;
mod state;
mod table;

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
    active: Key<Active, M>,
    inactive: Table<Key<Inactive, M>>,
    retired: Table<Key<Retired, M>>,
    destroyed: Table<Destruction>,
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
            active,
            inactive: Table::new(),
            retired: Table::new(),
            destroyed: Table::new(),
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
        &self.active
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
        iter::once(KeyRef::Active(&self.active))
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
    #[inline]
    pub fn get(&self, id: &str) -> Option<KeyRef<'_, M>> {
        if self.active.id().as_str() == id {
            return Some(KeyRef::Active(&self.active));
        }
        let hash = self.hash(id)?;
        if let Some(key) = self.inactive.find(hash, id) {
            return Some(KeyRef::Inactive(key));
        }
        self.retired.find(hash, id).map(KeyRef::Retired)
    }

    /// The number of keys, at least one; tombstones do not count.
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
        self.active.encryption_key()
    }

    /// The right to decrypt with the key of this id, whatever its status.
    ///
    /// # Errors
    ///
    /// [`DecryptionKeyError::KeyNotFound`] and [`DecryptionKeyError::KeyDestroyed`]. The first may
    /// mean that the ring is old: load it again, once, before giving up.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// assert_eq!(ring.decryption_key("k1")?.material(), &"cipher");
    /// # Ok::<(), key_rotation::DecryptionKeyError>(())
    /// ```
    #[inline]
    pub fn decryption_key(&self, id: &str) -> Result<DecryptionKey<'_, M>, DecryptionKeyError> {
        Ok(self.find(id)?.decryption_key())
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
        let key = self.find(id)?;
        let info = key.info();
        match policy.may_decrypt(&info, now) {
            Ok(()) => Ok(key.decryption_key()),
            Err(reason) => Err(DecryptionKeyError::NotAllowed { id: info.id, reason }),
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

    /// Adds an inactive key: staged, until it is activated.
    ///
    /// # Errors
    ///
    /// [`KeyIdTaken`], with the key in it, when a key or a tombstone of this ring has the id.
    /// Nothing changes then.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// let receipt = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// assert_eq!(receipt.id.as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(&mut self, key: Key<Inactive, M>) -> Result<Addition, KeyIdTaken<M>> {
        match self.taken_by(key.id().as_str()) {
            Some(taken_by) => Err(KeyIdTaken::new(key, taken_by)),
            None => {
                let receipt = Addition::new(key.id().clone(), key.status_since());
                self.insert_inactive(key);
                Ok(receipt)
            }
        }
    }

    /// What has this id already.
    pub(crate) fn taken_by(&self, id: &str) -> Option<TakenBy> {
        let by_key = self.get(id).map(|key| TakenBy::Key(key.status()));
        by_key
            .or_else(|| self.tombstone(id).map(|tombstone| TakenBy::Tombstone { at: tombstone.at }))
    }

    /// The key of this id as an [`Entry`], which has the operations that its status allows.
    ///
    /// # Errors
    ///
    /// [`EntryError::WrongStatus`] when the key's status is not `S`, [`EntryError::KeyNotFound`]
    /// and [`EntryError::KeyDestroyed`].
    ///
    /// ```
    /// use key_rotation::{Inactive, Key, KeyId, Keyring, Retired, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
    ///
    /// let retirement = ring.entry::<Inactive>("k1")?.retire(now);
    /// let tombstone = ring.entry::<Retired>("k1")?.destroy(now);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entry<S: Status>(&mut self, id: &str) -> Result<Entry<'_, S, M>, EntryError> {
        let found = self.find(id)?;
        if found.status() != S::STATUS {
            return Err(EntryError::WrongStatus {
                id: found.id().clone(),
                expected: S::STATUS,
                found: found.status(),
            });
        }
        let key = Key::from_parts(found.parts().share());
        Ok(Entry::new(self, key))
    }

    /// Makes the inactive key of this id the active one, unless it is that already.
    ///
    /// # Errors
    ///
    /// Those of [`entry::<Inactive>`](Self::entry): the key is not there, destroyed, or retired.
    /// Nothing changes then.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, RotationDecision, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::Rotated(_)));
    /// assert!(matches!(ring.rotate_to("k2", now)?, RotationDecision::AlreadyActive { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate_to(&mut self, id: &str, at: Timestamp) -> Result<RotationDecision, EntryError> {
        if self.active.id().as_str() == id {
            return Ok(RotationDecision::AlreadyActive {
                id: self.active.id().clone(),
                activated_at: self.active.activated_at().unwrap_or(self.active.status_since()),
            });
        }
        let entry = self.entry::<Inactive>(id)?;
        Ok(RotationDecision::Rotated(entry.activate(at)))
    }

    /// The same ring over other material: same ids, statuses, times and tombstones.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "bytes", now).activate(now));
    /// let lengths: Keyring<usize> = ring.map(|_id, bytes| bytes.len());
    /// assert_eq!(lengths.encryption_key().material(), &5);
    /// ```
    pub fn map<N>(&self, mut f: impl FnMut(&KeyId, &M) -> N) -> Keyring<N> {
        let Ok(ring) = self.try_map(|id, material| Ok::<_, Infallible>(f(id, material)));
        ring
    }

    /// Like [`map`](Self::map) with a function that can fail: unwrapping blobs, preparing ciphers.
    /// It is called for every key in the order of [`iter`](Self::iter), until it fails.
    ///
    /// # Errors
    ///
    /// The first error of `f`.
    ///
    /// ```
    /// use aes_gcm::{Aes256Gcm, KeyInit};
    /// use key_rotation::{Key, KeyId, KeyMaterial, Keyring, MaterialError, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let material = KeyMaterial::take(&mut [7; 32])?;
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), material, now).activate(now));
    /// let ciphers: Keyring<Aes256Gcm> = ring.try_map(|_id, material| {
    ///     Ok::<_, MaterialError>(Aes256Gcm::new(material.expose_array()?.into()))
    /// })?;
    /// # Ok::<(), MaterialError>(())
    /// ```
    pub fn try_map<N, E>(
        &self,
        mut f: impl FnMut(&KeyId, &M) -> Result<N, E>,
    ) -> Result<Keyring<N>, E> {
        self.try_map_shared(|id, material| f(id, material).map(Arc::new))
    }

    /// A second ring over the same material. Not a `Clone`, because from here on the two rings go
    /// their own ways, and material is wiped only when neither holds it.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// let mut fork = ring.fork();
    /// let _ = fork.rotate_to("k2", now)?;
    /// assert_eq!(ring.active().id().as_str(), "k1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fork(&self) -> Self {
        let Ok(ring) = self.try_map_shared(|_, material| Ok::<_, Infallible>(Arc::clone(material)));
        ring
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

// Changes. Each makes its room first, then puts a key in its new place, and only then takes it
// from its old one: there is no moment at which a key is nowhere, and nothing in between can fail.
impl<M> Keyring<M> {
    /// The one place where the active key changes. `next` shares the material of a key of this
    /// ring that is not active.
    fn activate<S: TransitionTo<Active>>(&mut self, next: Key<S, M>, at: Timestamp) -> Rotation {
        let at = at.max(self.active.latest()).max(next.latest());
        let reactivated = next.activated_at().is_some();
        self.inactive.reserve_one(&self.hasher);

        let previous = mem::replace(&mut self.active, next.activate(at));
        let rotation =
            Rotation::new(previous.id().clone(), self.active.id().clone(), at, reactivated);
        self.insert_inactive(previous.deactivate(at));
        self.remove_inactive(&rotation.to);
        rotation
    }

    /// `key` shares the material of an inactive key of this ring.
    fn retire(&mut self, key: Key<Retired, M>) {
        let id = key.id().clone();
        let order = self.next_order();
        self.retired.insert(self.hasher.hash(id.as_str()), order, key, &self.hasher);
        self.remove_inactive(&id);
    }

    /// Writes the tombstone, then drops the material.
    fn destroy(&mut self, tombstone: Destruction) {
        let hash = self.hasher.hash(tombstone.id.as_str());
        let id = tombstone.id.clone();
        let order = self.next_order();
        self.destroyed.insert(hash, order, tombstone, &self.hasher);
        drop(self.retired.remove(hash, id.as_str()));
    }

    fn insert_inactive(&mut self, key: Key<Inactive, M>) {
        let order = self.next_order();
        self.inactive.insert(self.hasher.hash(key.id().as_str()), order, key, &self.hasher);
    }

    /// Drops a pointer to material that has another owner in this ring.
    fn remove_inactive(&mut self, id: &KeyId) {
        drop(self.inactive.remove(self.hasher.hash(id.as_str()), id.as_str()));
    }

    fn next_order(&mut self) -> i64 {
        self.order += 1;
        self.order
    }

    /// `None` for what is too long to be the id of any key.
    #[inline]
    fn hash(&self, id: &str) -> Option<u64> {
        (id.len() <= KeyId::MAX_LEN).then(|| self.hasher.hash(id))
    }

    /// [`get`](Self::get), or why there is no such key.
    #[inline]
    fn find(&self, id: &str) -> Result<KeyRef<'_, M>, Absent> {
        self.get(id).ok_or_else(|| match self.tombstone(id) {
            Some(tombstone) => Absent::Destroyed(tombstone.clone()),
            None => Absent::NotFound(EscapedText::from(id)),
        })
    }

    fn tombstone(&self, id: &str) -> Option<&Destruction> {
        self.destroyed.find(self.hash(id)?, id)
    }

    fn try_map_shared<N, E>(
        &self,
        mut f: impl FnMut(&KeyId, &Arc<M>) -> Result<Arc<N>, E>,
    ) -> Result<Keyring<N>, E> {
        Ok(Keyring {
            active: remade(&self.active, &mut f)?,
            inactive: self.inactive.try_map(&self.hasher, |key| remade(key, &mut f))?,
            retired: self.retired.try_map(&self.hasher, |key| remade(key, &mut f))?,
            destroyed: self.destroyed.try_map(&self.hasher, |tombstone| Ok(tombstone.clone()))?,
            hasher: self.hasher.clone(),
            order: self.order,
        })
    }
}

/// The same key over the material that `f` makes of its own.
fn remade<S: Status, M, N, E>(
    key: &Key<S, M>,
    f: impl FnOnce(&KeyId, &Arc<M>) -> Result<Arc<N>, E>,
) -> Result<Key<S, N>, E> {
    let material = f(key.id(), &key.parts().material)?;
    Ok(key.with_material(material))
}

impl<M> fmt::Debug for Keyring<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("active", self.active.id())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
