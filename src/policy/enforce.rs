//! The effect of a policy on a ring, and the evidence that it asks for.

use super::{Refusal, RotationPolicy, Rule};
use crate::evidence::Evidence;
use crate::key::{Halves, KeyInfo};
use crate::ring::{DecryptionKeyring, Keyring};
use crate::timestamp::Timestamp;

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Marks the keys that the policy does not let decrypt now.
    ///
    /// From then on a lookup of such a key answers
    /// [`DecryptionKeyError::NotAllowed`](crate::DecryptionKeyError::NotAllowed) with the policy's
    /// reason, until this is called again: each call judges all keys anew. Nothing is lost by it:
    /// the ring keeps the keys and their material, stores them, and can change them.
    ///
    /// A refusal stays with a key that is retired, revoked and restored, until this is called again.
    ///
    /// A policy's answer changes with time. Call this when a ring is loaded, and again when the
    /// plan says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::days;
    /// use key_rotation::{Cryptoperiods, DecryptionKeyError, Inactive, Key, KeyId, Keyring, Timestamp};
    ///
    /// // Cookies decrypt for two days after their key was retired, and as long as they live.
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k2"), "two", now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k1"), "one", now), now)?;
    /// let _ = ring.entry::<Inactive>("k1")?.retire(now);
    ///
    /// ring.enforce(&Cryptoperiods::COOKIES, now.saturating_add(days(31)));
    /// assert!(matches!(ring.decryption_key("k1"), Err(DecryptionKeyError::NotAllowed { .. })));
    ///
    /// ring.enforce(&Cryptoperiods::COOKIES, now);
    /// assert!(ring.decryption_key("k1").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enforce(&mut self, policy: &(impl RotationPolicy + ?Sized), now: Timestamp) {
        self.refuse(|key| policy.may_decrypt(key, now).err());
    }
}

impl<V> DecryptionKeyring<V> {
    /// Marks the keys that the policy does not let decrypt now, as [`Keyring::enforce`] does.
    pub fn enforce(&mut self, policy: &(impl RotationPolicy + ?Sized), now: Timestamp) {
        self.refuse(|key| policy.may_decrypt(key, now).err());
    }
}

impl Evidence {
    /// Checks that this is evidence for destroying this key.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason: nothing is stated, the count is of another key, or it was made
    /// before the key was retired.
    pub fn covers(&self, key: &KeyInfo) -> Result<(), Refusal> {
        let refuse = |reason| Err(Refusal::new(reason).by(Rule::NotNeeded));
        match self {
            Self::Forced(_) => Ok(()),
            Self::None => {
                refuse("nothing shows that its data is not needed: count it and state zero")
            }
            Self::Unreferenced(counted) if *counted.id() != key.id => {
                refuse("the data that was counted is that of another key")
            }
            Self::Unreferenced(counted)
                if key.times.retired_at.max(key.times.revoked_at) > Some(counted.counted_at()) =>
            {
                refuse("its data was counted before it was retired: count again")
            }
            Self::Unreferenced(_) => Ok(()),
        }
    }
}
