//! [`RotationPolicy`]: which transitions and uses a program allows beyond what the lifecycle does.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use crate::key::KeyInfo;
use crate::timestamp::Timestamp;

/// Rules on top of the lifecycle: when a key may be activated and for how long it may decrypt.
///
/// A policy is a pure question: it sees a key without its material and a time, and answers. It is
/// asked by [`RotationService::rotate_to`](crate::RotationService::rotate_to) and
/// [`Keyring::decryption_key_under`](crate::Keyring::decryption_key_under); the mechanism itself
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
}

/// The policy without time rules: one active key, every key decrypts, and a key that was active
/// may become active again.
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
}

/// Why a policy refuses, and when it would agree if that is known.
///
/// ```
/// use key_rotation::{Refusal, Timestamp};
///
/// let refusal = Refusal::new("not every host has it yet").until(Timestamp::from_unix_millis(60_000));
/// assert_eq!(
///     refusal.to_string(),
///     "not every host has it yet (allowed from 1970-01-01T00:01:00.000Z)",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    reason: Cow<'static, str>,
    allowed_from: Option<Timestamp>,
}

impl Refusal {
    /// A refusal for this reason, written as the end of a sentence that names the key.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("its grace period is over").reason(), "its grace period is over");
    /// ```
    #[must_use]
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), allowed_from: None }
    }

    /// The same refusal with the time from which it no longer stands.
    ///
    /// ```
    /// # use key_rotation::{Refusal, Timestamp};
    /// # let at = Timestamp::from_unix_millis(60_000);
    /// assert_eq!(Refusal::new("too young").until(at).allowed_from(), Some(at));
    /// ```
    #[must_use]
    pub fn until(self, allowed_from: Timestamp) -> Self {
        Self { allowed_from: Some(allowed_from), ..self }
    }

    /// The reason.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("too young").reason(), "too young");
    /// ```
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// From when on the policy would agree; `None` when time alone will not change its mind.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("it was active before").allowed_from(), None);
    /// ```
    #[must_use]
    pub fn allowed_from(&self) -> Option<Timestamp> {
        self.allowed_from
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.allowed_from {
            Some(at) => write!(f, " (allowed from {at})"),
            None => Ok(()),
        }
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
}

impl<R: RotationPolicy + ?Sized> RotationPolicy for Box<R> {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, at)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }
}

impl<R: RotationPolicy + ?Sized> RotationPolicy for Arc<R> {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, at)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }
}
