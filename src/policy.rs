//! [`RotationPolicy`]: which transitions and uses a program allows beyond what the lifecycle does.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::key::KeyInfo;
use crate::timestamp::Timestamp;

pub use self::contradiction::{Contradiction, InvalidCryptoperiods};
pub use self::cryptoperiods::{Cryptoperiods, CryptoperiodsBuilder, days};
pub use self::usage::{Usage, UsageDecreased, UsageLimit, UsageLimitSource};
pub use crate::evidence::{Evidence, Unreferenced};
pub use crate::refusal::{Refusal, Rule};

mod contradiction;
mod cryptoperiods;
mod enforce;
mod usage;

/// Rules on top of the lifecycle: when a key may be activated and for how long it may decrypt.
///
/// A policy is a pure question: it sees a key without its material and a time, and answers. It is
/// asked by [`RotationService::rotate_to`](crate::RotationService::rotate_to) and
/// [`Keyring::enforce`](crate::Keyring::enforce); the mechanism itself
/// ([`Keyring::entry`](crate::Keyring::entry)) asks nobody.
///
/// ```
/// use key_rotation::{KeyInfo, Refusal, RotationPolicy, Timestamp};
///
/// /// No rotation while the auditors are in the house.
/// struct Freeze { ends: Timestamp }
///
/// impl RotationPolicy for Freeze {
///     fn may_activate(&self, _key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
///         if at < self.ends {
///             return Err(Refusal::new("rotation is frozen during the audit").until(self.ends));
///         }
///         Ok(())
///     }
///     fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
///         Ok(())
///     }
/// }
/// ```
pub trait RotationPolicy {
    /// Whether this key may be activated at this time.
    ///
    /// # Errors
    ///
    /// The reason why not.
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal>;

    /// Whether this key may decrypt at this time.
    ///
    /// # Errors
    ///
    /// The reason why not.
    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal>;

    /// Whether the active key may encrypt once more at this time. Without an answer of its own, a
    /// policy lets it.
    ///
    /// # Errors
    ///
    /// The reason why not.
    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        let _ = (key, usage, now);
        Ok(())
    }

    /// Whether this retired key may be destroyed at this time, with this evidence. Without an
    /// answer of its own, a policy asks for evidence that [covers](Evidence::covers) the key.
    ///
    /// # Errors
    ///
    /// The reason why not.
    fn may_destroy(
        &self,
        key: &KeyInfo,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let _ = at;
        evidence.covers(key)
    }
}

/// The policy without rules: one active key, every key decrypts, a key that was active may become
/// active again, and a retired key may be destroyed without evidence.
///
/// ```
/// use key_rotation::{Key, KeyId, KeyRef, RotationPolicy, StrictSingleActive, Timestamp};
///
/// let now = Timestamp::now();
/// let key = Key::new(KeyId::from_static("k1"), (), now);
/// assert_eq!(StrictSingleActive.may_activate(&KeyRef::from(&key).info(), now), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrictSingleActive;

impl RotationPolicy for StrictSingleActive {
    fn may_activate(&self, _key: &KeyInfo, _at: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_destroy(&self, _: &KeyInfo, _: &Evidence, _: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }
}

// A policy may be chosen at run time: `RotationService<P, Box<dyn RotationPolicy + Send + Sync>>`.

impl<R: RotationPolicy + ?Sized> RotationPolicy for &R {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, at)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }

    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_encrypt(key, usage, now)
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_destroy(key, evidence, at)
    }
}

impl<R: RotationPolicy + ?Sized> RotationPolicy for Box<R> {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, at)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }

    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_encrypt(key, usage, now)
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_destroy(key, evidence, at)
    }
}

impl<R: RotationPolicy + ?Sized> RotationPolicy for Arc<R> {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, at)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }

    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_encrypt(key, usage, now)
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_destroy(key, evidence, at)
    }
}
