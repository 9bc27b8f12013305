//! [`Cryptoperiods`]: the policy with rules of time and usage.

use alloc::format;
use core::time::Duration;

use super::{Refusal, RotationPolicy, Rule, Usage, UsageLimit};
use crate::key::KeyInfo;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

pub use self::builder::CryptoperiodsBuilder;

mod builder;

/// Makes a period of so many days, of 24 hours each.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use key_rotation::policy::days;
///
/// const QUARTER: Duration = days(90);
/// assert_eq!(QUARTER, Duration::from_secs(7_776_000));
/// ```
#[must_use]
pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 60 * 60))
}

/// A policy with rules of time and usage, in the words of NIST SP 800-57 Part 1 (Rev. 5, section
/// 5.3). Every rule is optional.
///
/// | rule | says | counts from | kept by |
/// |---|---|---|---|
/// | originator usage | how long a key may stay active before another is due | its activation | [`plan`](Self::plan) |
/// | hard end | the age at which the active key must stop | its activation | [`may_encrypt`](RotationPolicy::may_encrypt) |
/// | usage limit | how many encryptions a key is good for; a rotation is due at a share of it | the program's count | [`plan`](Self::plan), [`may_encrypt`](RotationPolicy::may_encrypt) |
/// | propagation | how long a new key must have been in the store before it may be activated | the time at which it was added | [`RotationService::rotate_to`](crate::RotationService::rotate_to) |
/// | forward-only | that a key that was active is not activated again; on, unless [`allow_reactivation`](CryptoperiodsBuilder::allow_reactivation) | | [`RotationService::rotate_to`](crate::RotationService::rotate_to) |
/// | recipient usage | how long a key that is no longer active decrypts before it is due to retire | its deactivation | [`plan`](Self::plan) |
/// | grace | how long a retired key still decrypts | its retirement | [`Keyring::enforce`](crate::Keyring::enforce) |
/// | retention | how long a retired key is kept before it is due for destruction | its retirement | [`plan`](Self::plan) |
/// | floor | that keys last activated before a time do not decrypt | | [`Keyring::enforce`](crate::Keyring::enforce) |
///
/// A period includes its last moment: after 90 days to the millisecond, what it is about is due.
///
/// An unknown time is never taken for one that is long past. Nothing is due or over because of it,
/// and the plan says which key it is. Where a rule protects data and cannot be shown to be kept,
/// the answer is no: a staged key may not be activated if nobody knows when it was added, and a key
/// does not decrypt above a floor if nobody knows when it was active.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{UsageLimit, days};
///
/// const POLICY: Cryptoperiods = Cryptoperiods::builder()
///     .originator_usage(days(90))
///     .propagation(days(2))
///     .recipient_usage(days(365))
///     .grace(days(30))
///     .retention(days(90))
///     .usage_limit(UsageLimit::RANDOM_NONCE)
///     .build_static();
/// ```
///
/// Rules that contradict each other in a constant do not compile:
///
/// ```compile_fail
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::days;
///
/// const POLICY: Cryptoperiods = Cryptoperiods::builder()
///     .originator_usage(days(90))
///     .propagation(days(90)) // a new key would be due to be replaced before it may be activated
///     .build_static();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "CryptoperiodsBuilder", into = "CryptoperiodsBuilder")
)]
pub struct Cryptoperiods {
    rules: CryptoperiodsBuilder,
}

impl Cryptoperiods {
    /// A policy with a new key every 90 days, which is a common practice.
    ///
    /// Every process has two days to load a new key. A key decrypts for a year after its
    /// deactivation and for 30 days after its retirement, and is kept for 90. The usage limit is
    /// that for random nonces (NIST SP 800-38D, section 8.3), and a rotation is due at 80 percent
    /// of it.
    pub const QUARTERLY: Self = Self::builder()
        .originator_usage(days(90))
        .propagation(days(2))
        .recipient_usage(days(365))
        .grace(days(30))
        .retention(days(90))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// A policy with the longest periods that NIST SP 800-57 Part 1 (Rev. 5, section 5.3.6,
    /// table 1) suggests for symmetric keys that encrypt data: active for two years, and
    /// decrypting for three more.
    ///
    /// The usage limit is that for random nonces (NIST SP 800-38D, section 8.3). The table leaves
    /// the rest to the user; two days of propagation are added here.
    pub const NIST_LONGEST: Self = Self::builder()
        .originator_usage(days(2 * 365))
        .propagation(days(2))
        .recipient_usage(days(3 * 365))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// Begins a policy without rules.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::Cryptoperiods;
    /// use key_rotation::policy::days;
    ///
    /// let policy = Cryptoperiods::builder().originator_usage(days(90)).build()?;
    /// # Ok::<(), key_rotation::error::InvalidCryptoperiods>(())
    /// ```
    pub const fn builder() -> CryptoperiodsBuilder {
        CryptoperiodsBuilder {
            originator_usage: None,
            recipient_usage: None,
            grace: None,
            retention: None,
            propagation: None,
            hard_end: None,
            usage_limit: None,
            soft_share: None,
            allow_reactivation: false,
            floor: None,
        }
    }

    /// Returns the rules, to be changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::Cryptoperiods;
    /// use key_rotation::policy::days;
    ///
    /// const MONTHLY: Cryptoperiods =
    ///     Cryptoperiods::QUARTERLY.to_builder().originator_usage(days(30)).build_static();
    /// ```
    pub const fn to_builder(self) -> CryptoperiodsBuilder {
        self.rules
    }

    /// Returns the length of a period, if the policy has the rule.
    #[must_use]
    pub const fn period(&self, rule: Rule) -> Option<Duration> {
        match rule {
            Rule::OriginatorUsage => self.rules.originator_usage,
            Rule::RecipientUsage => self.rules.recipient_usage,
            Rule::Grace => self.rules.grace,
            Rule::Retention => self.rules.retention,
            Rule::Propagation => self.rules.propagation,
            Rule::HardEnd => self.rules.hard_end,
            Rule::UsageLimit | Rule::ForwardOnly | Rule::Floor | Rule::Evidence => None,
        }
    }

    /// Returns the usage limit, if the policy has one.
    #[must_use]
    pub const fn usage_limit(&self) -> Option<UsageLimit> {
        self.rules.usage_limit
    }
}

impl Cryptoperiods {
    /// The number of encryptions at which a rotation is due.
    pub(crate) fn soft_limit(&self) -> Option<u64> {
        let percent = self.rules.soft_share.unwrap_or(CryptoperiodsBuilder::DEFAULT_SOFT_SHARE);
        self.rules.usage_limit.map(|limit| limit.percent(percent))
    }
}

impl RotationPolicy for Cryptoperiods {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        if !self.rules.allow_reactivation && key.used {
            let reason = "it was active before, and its nonces or its usage may be spent";
            return Err(Refusal::new(reason).by(Rule::ForwardOnly));
        }
        let Some(propagation) = self.rules.propagation else { return Ok(()) };
        let Some(added_at) = key.times.added_at else {
            let reason = "it is not known since when it has been in the store";
            return Err(Refusal::new(reason).by(Rule::Propagation));
        };
        let allowed_from = added_at.saturating_add(propagation);
        if at < allowed_from {
            let reason = "it has not been in the store long enough for every process to have it";
            return Err(Refusal::new(reason).by(Rule::Propagation).until(allowed_from));
        }
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        // What the active key encrypts, it also decrypts; and a staged key has encrypted nothing.
        if let (Some(floor), true, false) = (self.rules.floor, key.used, key.status.can_encrypt()) {
            match key.times.activated_at {
                Some(activated_at) if activated_at >= floor => {}
                Some(activated_at) => {
                    let reason = format!(
                        "it was last activated at {activated_at}, before the floor, which is {floor}"
                    );
                    return Err(Refusal::new(reason).by(Rule::Floor));
                }
                None => {
                    let reason = format!(
                        "it is not known when it was active, and keys from before {floor} do not decrypt"
                    );
                    return Err(Refusal::new(reason).by(Rule::Floor));
                }
            }
        }
        if let (KeyStatus::Retired, Some(grace), Some(retired_at)) =
            (key.status, self.rules.grace, key.times.retired_at)
        {
            let ends = retired_at.saturating_add(grace);
            if now >= ends {
                let reason = format!("its grace period ended at {ends}");
                return Err(Refusal::new(reason).by(Rule::Grace));
            }
        }
        Ok(())
    }

    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        if let (Some(limit), Some(count)) = (self.rules.usage_limit, usage.encryptions()) {
            if count >= limit.encryptions() {
                let reason = format!("it has encrypted {count} times, and is good for {limit}");
                return Err(Refusal::new(reason).by(Rule::UsageLimit));
            }
        }
        if let (Some(hard_end), Some(activated_at)) = (self.rules.hard_end, key.times.activated_at)
        {
            let ended = activated_at.saturating_add(hard_end);
            if now >= ended {
                let reason = format!("its hard end was at {ended}");
                return Err(Refusal::new(reason).by(Rule::HardEnd));
            }
        }
        Ok(())
    }
}
