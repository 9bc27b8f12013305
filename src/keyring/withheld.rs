//! Keys whose material a ring does not hold, because a policy says that it must not.

use alloc::vec::Vec;

use super::Keyring;
use crate::key::{KeyInfo, KeyRef};
use crate::policy::{Refusal, RotationPolicy};
use crate::timestamp::Timestamp;

/// A key whose material was dropped from a ring by [`Keyring::withhold`], and why.
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
/// for withheld in ring.withheld() {
///     println!("{} is withheld: {}", withheld.key.id, withheld.reason);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Withheld {
    /// The key, without its material.
    pub key: KeyInfo,
    /// Why the policy refuses it.
    pub reason: Refusal,
}

impl<M> Keyring<M> {
    /// Drops the material of every key that the policy does not let decrypt now, and returns how
    /// many there were: for processes that must not even hold it. The active key is never one.
    ///
    /// Lookups of such a key answer [`NotAllowed`](crate::DecryptionKeyError::NotAllowed) with the
    /// policy's reason from then on, and its id stays taken. Only this ring forgets the material;
    /// load the ring again to have it back. [`into_parts`](Self::into_parts) has no records of
    /// these keys, so do not store a ring over the one that it was loaded from after this.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, DecryptionKeyError, Inactive, Key, KeyId, Keyring, Timestamp, days};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), (), now))?;
    /// let _ = ring.entry::<Inactive>("k1")?.retire(now);
    /// let after_its_grace = now.saturating_add(days(31));
    ///
    /// assert_eq!(ring.withhold(&Cryptoperiods::QUARTERLY, after_its_grace), 1);
    /// assert!(matches!(ring.decryption_key("k1"), Err(DecryptionKeyError::NotAllowed { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withhold(&mut self, policy: &(impl RotationPolicy + ?Sized), now: Timestamp) -> usize {
        let others =
            self.inactive().map(KeyRef::Inactive).chain(self.retired().map(KeyRef::Retired));
        let refused = others.filter_map(|key| {
            let key = key.info();
            let reason = policy.may_decrypt(&key, now).err()?;
            Some(Withheld { key, reason })
        });
        let refused: Vec<Withheld> = refused.collect();
        let count = refused.len();
        for withheld in refused {
            let id = withheld.key.id.clone();
            let hash = self.hasher.hash(id.as_str());
            let order = self.next_order();
            self.withheld.insert(hash, order, withheld, &self.hasher);
            drop(self.inactive.remove(hash, &id, &self.hasher));
            drop(self.retired.remove(hash, &id, &self.hasher));
        }
        count
    }

    /// The keys whose material this ring does not hold, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.withheld().count(), 0);
    /// ```
    pub fn withheld(&self) -> impl Iterator<Item = &Withheld> {
        self.withheld.iter()
    }
}
