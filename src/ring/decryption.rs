//! [`DecryptionKeyring`]: a ring for those who only read.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::load::Border;
use super::slot::{FIRST_SEQ, Slot, Unprepared};
use super::table::{Identified, Table};
use super::{DecryptionKeyError, EntryError, InvalidKeyring, Keyring, words};
use crate::id::KeyId;
use crate::key::{
    DecryptionKey, Destruction, EncryptionKey, Halves, Head, Key, KeyInfo, KeyRecord, Rank,
    RotationDecision, SalvageKey,
};
use crate::material::KeyMaterial;
use crate::refusal::Refusal;
use crate::status::{Active, KeyStatus};
use crate::text::EscapedText;
use crate::timestamp::Timestamp;

/// A ring for verifiers and readers: it has decrypting halves alone, and no way to encrypt.
///
/// It has no active key of its own, and may be empty. [`decryption_only`](Keyring::decryption_only)
/// makes one of a [`Keyring`], and [`from_parts`](Self::from_parts) makes one of the keys that an
/// issuer has published. It does not change: to follow a newer ring, make it anew.
///
/// # Examples
///
/// ```
/// use key_rotation::{DecryptionKeyring, KeyId, KeyRecord, KeyStatus, Timestamp};
///
/// let now = Timestamp::now();
/// let published = [("2026-q3", KeyStatus::Active), ("2026-q2", KeyStatus::Inactive)]
///     .map(|(kid, status)| KeyRecord::new(KeyId::from_static(kid), status, now, "public key"));
/// let verifier = DecryptionKeyring::from_parts(published, [])?;
/// assert_eq!(verifier.decryption_key("2026-q2")?.material(), &"public key");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a keyring that is dropped drops its keys"]
pub struct DecryptionKeyring<V = KeyMaterial> {
    keys: Table<Held<V>>,
    /// The keys that the policy that was enforced last does not let decrypt.
    refusals: BTreeMap<KeyId, Refusal>,
}

/// The thing that the ring has at an id.
enum Held<V> {
    Key { seq: u32, refused: bool, status: KeyStatus, head: Head, material: Arc<V> },
    Destroyed(Destruction),
    Unprepared(Box<Unprepared>),
}

impl<V> Identified for Held<V> {
    #[inline]
    fn id(&self) -> &KeyId {
        match self {
            Self::Key { head, .. } => &head.id,
            Self::Destroyed(tombstone) => &tombstone.id,
            Self::Unprepared(key) => &key.info.id,
        }
    }
}

impl<V> Held<V> {
    fn key(seq: u32, status: KeyStatus, head: &Head, material: &Arc<V>) -> Self {
        let (head, material) = (head.share(), Arc::clone(material));
        Self::Key { seq, refused: false, status, head, material }
    }
}

impl<V> DecryptionKeyring<V> {
    /// Makes the ring of these records and tombstones: the border between data and types, for
    /// those who only read. No active key is needed, and there may be none at all.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`] with every violation, as for [`Keyring::from_parts`]: more than one
    /// active key, an id that stands there twice or belongs to a destroyed key, times that
    /// contradict each other. Everything handed in is dropped then.
    pub fn from_parts(
        records: impl IntoIterator<Item = KeyRecord<V>>,
        destroyed: impl IntoIterator<Item = Destruction>,
    ) -> Result<Self, InvalidKeyring> {
        let found = Border::of_parts(records, destroyed).judged(false)?;
        Ok(Self::of_slots(found.active.as_ref(), &found.others))
    }

    pub(super) fn of<E, D: Halves<E, Decrypting = V>>(ring: &Keyring<E, D>) -> Self {
        let mut read = Self::of_slots(Some(ring.active()), &ring.others);
        read.mark(ring.refusals.clone());
        read
    }

    fn of_slots<E, D: Halves<E, Decrypting = V>>(
        active: Option<&Key<Active, E, D>>,
        others: &Table<Slot<E, D>>,
    ) -> Self {
        let mut keys = others.map(|slot| match slot {
            Slot::Inactive { seq, key, .. } => {
                Held::key(*seq, KeyStatus::Inactive, key.head(), key.decrypting())
            }
            Slot::Retired { seq, key, .. } => {
                Held::key(*seq, KeyStatus::Retired, key.head(), key.decrypting())
            }
            Slot::Revoked { seq, key } => {
                Held::key(*seq, KeyStatus::Revoked, key.head(), key.decrypting())
            }
            Slot::Destroyed { tombstone, .. } => Held::Destroyed(tombstone.clone()),
            Slot::Unprepared { key, .. } => Held::Unprepared(key.clone()),
        });
        if let Some(active) = active {
            let (head, material) = (active.head(), active.decrypting());
            keys.insert(Held::key(FIRST_SEQ, KeyStatus::Active, head, material));
        }
        Self { keys, refusals: BTreeMap::new() }
    }

    /// Lends the right to decrypt with the key of this id.
    ///
    /// # Errors
    ///
    /// Those of [`Keyring::decryption_key`].
    #[inline]
    pub fn decryption_key(&self, id: &str) -> Result<DecryptionKey<'_, V>, DecryptionKeyError> {
        match self.keys.find(id) {
            Some(Held::Key { refused: false, status, head, material, .. })
                if status.can_decrypt() =>
            {
                Ok(DecryptionKey::new(head, material, *status))
            }
            other => Err(self.why_not(id, other)),
        }
    }

    #[cold]
    fn why_not(&self, id: &str, found: Option<&Held<V>>) -> DecryptionKeyError {
        match found {
            None => DecryptionKeyError::KeyNotFound { id: EscapedText::from(id) },
            Some(Held::Key { status, head, .. }) => match self.refusals.get(&head.id) {
                Some(reason) if status.can_decrypt() => {
                    let (id, reason) = (head.id.clone(), reason.clone());
                    DecryptionKeyError::NotAllowed { id, reason }
                }
                _ => {
                    let (id, at) = (head.id.clone(), head.times.revoked_at);
                    DecryptionKeyError::KeyRevoked { id, at }
                }
            },
            Some(Held::Destroyed(tombstone)) => {
                DecryptionKeyError::KeyDestroyed { id: tombstone.id.clone(), at: tombstone.at }
            }
            Some(Held::Unprepared(key)) => DecryptionKeyError::Unprepared {
                id: key.info.id.clone(),
                reason: key.reason.clone(),
            },
        }
    }

    /// Lends the right to salvage with the revoked key of this id.
    ///
    /// # Errors
    ///
    /// Those of [`Keyring::salvage_key`].
    pub fn salvage_key(&self, id: &str) -> Result<SalvageKey<'_, V>, EntryError> {
        match self.keys.find(id) {
            None => Err(EntryError::KeyNotFound { id: EscapedText::from(id) }),
            Some(Held::Key { status: KeyStatus::Revoked, head, material, .. }) => {
                Ok(SalvageKey::new(&head.id, material))
            }
            Some(Held::Key { status, head, .. }) => Err(EntryError::WrongStatus {
                id: head.id.clone(),
                expected: KeyStatus::Revoked,
                found: *status,
            }),
            Some(Held::Destroyed(tombstone)) => {
                Err(EntryError::KeyDestroyed { id: tombstone.id.clone(), at: tombstone.at })
            }
            Some(Held::Unprepared(key)) => {
                Err(EntryError::Unprepared { id: key.info.id.clone(), reason: key.reason.clone() })
            }
        }
    }

    /// Lists the rights to decrypt, in the order of [`Keyring::decryption_keys`].
    pub fn decryption_keys(&self) -> impl Iterator<Item = DecryptionKey<'_, V>> {
        let right = |held| match held {
            &Held::Key { seq, refused: false, status, ref head, ref material }
                if status.can_decrypt() =>
            {
                Some((head.rank(status, seq), DecryptionKey::new(head, material, status)))
            }
            _ => None,
        };
        let mut rights: Vec<(Rank, DecryptionKey<'_, V>)> =
            self.keys.iter().filter_map(right).collect();
        rights.sort_by_key(|(rank, _)| *rank);
        rights.into_iter().map(|(_, key)| key)
    }

    /// Returns the number of keys. Keys that could not be prepared count, tombstones do not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.iter().filter(|held| !matches!(held, Held::Destroyed(_))).count()
    }

    /// Returns true if there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks about each key whether it may not decrypt, and notes the answers in the place of those
    /// of the last time.
    pub(crate) fn refuse(&mut self, mut ask: impl FnMut(&KeyInfo) -> Option<Refusal>) {
        let refused = |held: &Held<V>| match held {
            Held::Key { status, head, .. } if status.can_decrypt() => {
                let key = head.info(*status);
                ask(&key).map(|refusal| (key.id, refusal))
            }
            _ => None,
        };
        let refusals = self.keys.iter().filter_map(refused).collect();
        self.mark(refusals);
    }

    fn mark(&mut self, refusals: BTreeMap<KeyId, Refusal>) {
        for held in self.keys.iter_mut() {
            if let Held::Key { refused, head, .. } = held {
                *refused = refusals.contains_key(&head.id);
            }
        }
        self.refusals = refusals;
    }

    /// Never compiles, and its error message says what to do. It has the type that it has in a
    /// [`Keyring`], so that no further error is about what it returns.
    #[doc(hidden)]
    pub fn encryption_key(&self) -> EncryptionKey<'_, V>
    where
        for<'n> (): words::ReaderEncrypts<'n>,
    {
        <() as words::ReaderEncrypts<'static>>::never(self)
    }

    /// Never compiles, and its error message says what to do.
    #[doc(hidden)]
    pub fn rotate_to(&mut self, _id: &str, _at: Timestamp) -> Result<RotationDecision, EntryError>
    where
        for<'n> (): words::ReaderRotates<'n>,
    {
        <() as words::ReaderRotates<'static>>::never(self)
    }
}

impl<V> fmt::Debug for DecryptionKeyring<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKeyring").field("len", &self.len()).finish_non_exhaustive()
    }
}
