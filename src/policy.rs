//! Policies: the rules that a program adds to the lifecycle.
//!
//! | for… | there is |
//! |---|---|
//! | rules of time and usage | [`Cryptoperiods`], whose constants do not compile if they contradict themselves |
//! | no rules | [`StrictSingleActive`] |
//! | rules of your own | an impl of [`RotationPolicy`], which answers with a [`Refusal`] |
//! | two policies at once | [`RotationPolicy::and`] |
//! | what is known outside the ring | [`Fleet`] |
//! | destroying a key | [`Evidence`] that nobody needs it |

use core::ops::Deref;
use core::time::Duration;

use crate::key::KeyInfo;
use crate::timestamp::Timestamp;

pub use self::and::And;
pub use self::contradiction::{Contradiction, InvalidCryptoperiods};
pub use self::cryptoperiods::{Cryptoperiods, CryptoperiodsBuilder};
pub use self::periods::{days, hours, minutes};
pub use self::usage_limit::{UsageLimit, UsageLimitSource};
pub use crate::evidence::{Evidence, Unreferenced};
pub use crate::fleet::{Fleet, KeyUsage, NodeReport, References};
pub use crate::refusal::{Refusal, Rule, Until};

mod and;
mod contradiction;
mod cryptoperiods;
mod enforce;
mod periods;
mod usage_limit;

/// A set of rules on top of the lifecycle: may this key encrypt, decrypt, be activated, retired,
/// revoked, destroyed? And when is that due?
///
/// A policy answers and does nothing: it sees a key without its material, what is known of the
/// [fleet](Fleet), and a time. [`RotationService`](crate::RotationService) asks it before it changes a
/// key, [`Keyring::enforce`](crate::Keyring::enforce) asks it about every key that decrypts, and a
/// [plan](crate::plan::plan) is made of its answers. A ring and its entries ask nobody.
///
/// Each method has a default, which is the answer of a policy without rules; only to destroy a key
/// asks for evidence.
///
/// A policy may be chosen at run time: `Box<dyn RotationPolicy + Send + Sync>` is one.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::{Fleet, Refusal};
/// use key_rotation::{KeyInfo, RotationPolicy, Timestamp};
///
/// /// No rotation while the auditors are in the house.
/// struct Freeze { ends: Timestamp }
///
/// impl RotationPolicy for Freeze {
///     fn may_activate(&self, _key: &KeyInfo, _: &Fleet, at: Timestamp) -> Result<(), Refusal> {
///         if at < self.ends {
///             return Err(Refusal::new("rotation is frozen during the audit").until(self.ends));
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait RotationPolicy {
    /// Returns what the policy takes for granted of clocks and processes.
    fn timing(&self) -> Timing {
        Timing::default()
    }

    /// Says whether the active key may encrypt once more at this time, after so many encryptions;
    /// `None` if nobody has counted.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_encrypt(
        &self,
        key: &KeyInfo,
        usage: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let _ = (key, usage, now);
        Ok(())
    }

    /// Says whether this key may decrypt at this time.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        let _ = (key, now);
        Ok(())
    }

    /// Says whether this key may be activated at this time.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_activate(&self, key: &KeyInfo, fleet: &Fleet, at: Timestamp) -> Result<(), Refusal> {
        let _ = (key, fleet, at);
        Ok(())
    }

    /// Says whether this key may be retired at this time.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_retire(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let _ = (key, fleet, evidence, at);
        Ok(())
    }

    /// Says whether this key may be revoked at this time, as a step before it is destroyed. Nobody is
    /// asked about a key that is not trusted any more.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_revoke(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let _ = (key, fleet, evidence, at);
        Ok(())
    }

    /// Says whether this key may be destroyed at this time. The default is to agree if the evidence
    /// [covers](Evidence::covers) the key.
    ///
    /// # Errors
    ///
    /// The refusal, with its reason.
    fn may_destroy(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let _ = (fleet, at);
        evidence.covers(key)
    }

    /// Says from when on this step is due for this key. Of [`Step::Activate`] and [`Step::Stage`] the
    /// key is the active one, which is to be replaced.
    fn due(&self, step: Step, key: &KeyInfo, fleet: &Fleet) -> Due {
        let _ = (step, key, fleet);
        Due::Never
    }

    /// Makes a policy of two: it allows what both allow, and what is due is due by either.
    #[must_use]
    fn and<R: RotationPolicy>(self, other: R) -> And<Self, R>
    where
        Self: Sized,
    {
        And::new(self, other)
    }
}

/// The lengths that a policy takes for granted of clocks and processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "policies write it field by field")]
pub struct Timing {
    /// How long a process encrypts with a ring that it has not confirmed.
    pub max_staleness: Duration,
    /// How much clocks differ, and how long it takes from a decision to its commit, together.
    pub clock_skew: Duration,
    /// How long it takes until a counter sees what was encrypted.
    pub write_delay: Duration,
    /// How long a new key has to be in the store before every process has it.
    pub propagation: Duration,
    /// How late something that is due has to be before it is an alarm.
    pub overdue_after: Duration,
}

/// A step in the life of a ring, in the order in which steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "who carries steps out handles each")]
pub enum Step {
    /// The times of a key are put right: what is not known counts from now.
    Date,
    /// A staged key becomes active.
    Activate,
    /// A new key is added.
    Stage,
    /// A staged key is given up.
    Discard,
    /// An inactive key is retired.
    Retire,
    /// A retired key is revoked, so that it can be seen that nobody needs it.
    Revoke,
    /// A retired or revoked key is destroyed.
    Destroy,
}

/// The time from which a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a plan handles each")]
pub enum Due {
    /// The policy does not ask for it.
    Never,
    /// It is due from this time on.
    From(Timestamp),
    /// It is due some time after something whose time is not known.
    Unknown,
}

impl Due {
    /// The earlier of two obligations.
    pub(crate) fn earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::From(one), Self::From(other)) => Self::From(one.min(other)),
            (Self::From(at), _) | (_, Self::From(at)) => Self::From(at),
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Never, Self::Never) => Self::Never,
        }
    }
}

/// The policy without rules: it never refuses, and nothing is due.
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
    fn may_destroy(
        &self,
        _key: &KeyInfo,
        _fleet: &Fleet,
        _evidence: &Evidence,
        _at: Timestamp,
    ) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A pointer to a policy is the same policy: `&R`, `Box<R>`, `Arc<R>`, and `R` may be a
/// `dyn RotationPolicy`.
impl<P> RotationPolicy for P
where
    P: Deref<Target: RotationPolicy>,
{
    fn timing(&self) -> Timing {
        (**self).timing()
    }

    fn may_encrypt(
        &self,
        key: &KeyInfo,
        usage: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_encrypt(key, usage, now)
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        (**self).may_decrypt(key, now)
    }

    fn may_activate(&self, key: &KeyInfo, fleet: &Fleet, at: Timestamp) -> Result<(), Refusal> {
        (**self).may_activate(key, fleet, at)
    }

    fn may_retire(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_retire(key, fleet, evidence, at)
    }

    fn may_revoke(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_revoke(key, fleet, evidence, at)
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        (**self).may_destroy(key, fleet, evidence, at)
    }

    fn due(&self, step: Step, key: &KeyInfo, fleet: &Fleet) -> Due {
        (**self).due(step, key, fleet)
    }
}
