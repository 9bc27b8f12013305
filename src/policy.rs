//! Policies: the rules that a program adds to the lifecycle.
//!
//! | for… | there is |
//! |---|---|
//! | rules of time and usage | [`Cryptoperiods`], whose constants do not compile if they contradict themselves |
//! | no rules | [`StrictSingleActive`] |
//! | rules of your own | an impl of [`RotationPolicy`], which answers with a [`Refusal`] |
//! | counting encryptions | [`Usage`] and [`UsageLimit`] |
//! | destroying a key | [`Evidence`] that nobody needs it |

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

/// A set of rules on top of the lifecycle: may this key be activated, decrypt, encrypt, be
/// destroyed?
///
/// A policy answers and does nothing: it sees a key without its material, and a time.
/// [`RotationService`](crate::RotationService) asks it before a key is activated or destroyed, and
/// [`Keyring::enforce`](crate::Keyring::enforce) asks it about every key that decrypts. A ring and
/// its entries ask nobody.
///
/// A policy may be chosen at run time: `Box<dyn RotationPolicy + Send + Sync>` is one.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::Refusal;
/// use key_rotation::{KeyInfo, RotationPolicy, Timestamp};
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
    /// Says whether this key may be activated at this time.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal>;

    /// Says whether this key may decrypt at this time.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal>;

    /// Says whether the active key may encrypt once more at this time. The default answer is yes.
    ///
    /// Nothing in this crate asks: [`Keyring::encryption_key`](crate::Keyring::encryption_key)
    /// cannot fail. A program that keeps a limit asks before it encrypts, with
    /// [`active().info()`](crate::Key::info) and its own count.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        let _ = (key, usage, now);
        Ok(())
    }

    /// Says whether this key may be destroyed at this time, with this evidence. The default is to
    /// agree if the evidence [covers](Evidence::covers) the key.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
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

/// The policy without rules: it never refuses.
///
/// There is exactly one active key, as always. A key that was active may become active again, and a
/// key may be destroyed without evidence.
///
/// # Examples
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
///
/// let store = InMemoryKeyProvider::<KeyMaterial>::new();
/// let service = RotationService::new(store, StrictSingleActive);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no rules, now or ever")]
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
