//! [`Cryptoperiods`]: the policy with rules of time and usage.

use alloc::format;
use core::time::Duration;

use super::plan::RotationPlan;
use super::{
    Contradiction, InvalidCryptoperiods, Refusal, RotationPolicy, Rule, Usage, UsageLimit,
};
use crate::key::KeyInfo;
use crate::keyring::Keyring;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

/// So many days of 24 hours.
///
/// ```
/// use core::time::Duration;
/// use key_rotation::days;
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
/// | rule | says | from | enforced by |
/// |---|---|---|---|
/// | originator usage | how long a key may stay active before another is due | its activation | [`plan`](Self::plan) |
/// | hard end | the age at which the active key must stop | its activation | [`Keyring::encryption_key_under`] |
/// | usage limit | how many encryptions a key is good for; due at a share of it | the caller's count | [`plan`](Self::plan), [`Keyring::encryption_key_under`] |
/// | propagation | how long a new key must have been in the store before it may be activated | its being added | [`RotationService::rotate_to`](crate::RotationService::rotate_to) |
/// | forward-only | that a key that was active is not activated again; on, unless [`allow_reactivation`](CryptoperiodsBuilder::allow_reactivation) | | [`RotationService::rotate_to`](crate::RotationService::rotate_to) |
/// | recipient usage | how long a key that is no longer active decrypts before it is due to retire | its deactivation | [`plan`](Self::plan) |
/// | grace | how long a retired key still decrypts | its retirement | [`Keyring::decryption_key_under`] |
/// | retention | how long a retired key is kept before it is due for destruction | its retirement | [`plan`](Self::plan) |
/// | floor | that keys last activated before a time do not decrypt | | [`Keyring::decryption_key_under`] |
///
/// A period ends with its last moment: what is due after 90 days is due from the ninetieth day on,
/// to the millisecond. A time that is not known ([`Timestamp::UNIX_EPOCH`]) is never taken for one
/// that is long past: nothing is due or over because of it, and the plan says which key it is. Only
/// where a rule protects and the time cannot be shown, the answer is no: a staged key of unknown
/// age may not be activated, and one of unknown activation does not decrypt above a floor.
///
/// Rules that contradict each other in a constant do not compile:
///
/// ```
/// use key_rotation::{Cryptoperiods, UsageLimit, days};
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
/// ```compile_fail
/// use key_rotation::{Cryptoperiods, days};
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
    /// A new key every 90 days, which is a common practice; with two days for every process to
    /// load a key, a year of decryption, 30 days of grace and 90 of retention, and the limit for
    /// random nonces (NIST SP 800-38D, section 8.3) due at 80 percent.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, Rule, days};
    /// assert_eq!(Cryptoperiods::QUARTERLY.period(Rule::OriginatorUsage), Some(days(90)));
    /// ```
    pub const QUARTERLY: Self = Self::builder()
        .originator_usage(days(90))
        .propagation(days(2))
        .recipient_usage(days(365))
        .grace(days(30))
        .retention(days(90))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// The longest periods that NIST SP 800-57 Part 1 (Rev. 5, section 5.3.6, table 1) suggests for
    /// symmetric keys that encrypt data: active for two years, and decrypting for three more; with
    /// the limit for random nonces (NIST SP 800-38D, section 8.3) due at 80 percent. The table
    /// leaves the rest to the user: what is added here is two days of propagation.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, Rule, days};
    /// assert_eq!(Cryptoperiods::NIST_LONGEST.period(Rule::RecipientUsage), Some(days(3 * 365)));
    /// ```
    pub const NIST_LONGEST: Self = Self::builder()
        .originator_usage(days(2 * 365))
        .propagation(days(2))
        .recipient_usage(days(3 * 365))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// A policy to add rules to.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().originator_usage(days(90)).build()?;
    /// # Ok::<(), key_rotation::InvalidCryptoperiods>(())
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

    /// The same rules, to be changed.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, days};
    /// const MONTHLY: Cryptoperiods =
    ///     Cryptoperiods::QUARTERLY.to_builder().originator_usage(days(30)).build_static();
    /// ```
    pub const fn to_builder(self) -> CryptoperiodsBuilder {
        self.rules
    }

    /// The length of a period, if the policy has the rule.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Rule, days};
    /// let policy = Cryptoperiods::builder().grace(days(30)).build_static();
    /// assert_eq!(policy.period(Rule::Grace), Some(days(30)));
    /// assert_eq!(policy.period(Rule::Retention), None);
    /// ```
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

    /// The usage limit, if the policy has one.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, UsageLimit};
    /// assert_eq!(Cryptoperiods::QUARTERLY.usage_limit(), Some(UsageLimit::RANDOM_NONCE));
    /// ```
    #[must_use]
    pub const fn usage_limit(&self) -> Option<UsageLimit> {
        self.rules.usage_limit
    }
}

impl Cryptoperiods {
    /// What is due now, what is missing for it, what comes next, and when to look again.
    ///
    /// A pure question: the same ring, usage and time give the same plan, and nothing is done. A
    /// key that was active before is never a candidate, whether or not it may be activated again.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage, days};
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), start).activate(start));
    /// let _ = ring.add(Key::new(KeyId::from_static("k2"), (), start))?;
    ///
    /// let now = start.saturating_add(days(91));
    /// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::UNKNOWN, now);
    /// assert_eq!(plan.due().len(), 1);
    /// println!("{plan}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan<M>(&self, ring: &Keyring<M>, usage: Usage, now: Timestamp) -> RotationPlan {
        RotationPlan::new(self, &ring.state(), usage, now)
    }

    /// The number of encryptions at which a rotation is due.
    pub(super) fn soft_limit(&self) -> Option<u64> {
        let percent = self.rules.soft_share.unwrap_or(CryptoperiodsBuilder::DEFAULT_SOFT_SHARE);
        self.rules.usage_limit.map(|limit| limit.percent(percent))
    }
}

impl RotationPolicy for Cryptoperiods {
    fn may_activate(&self, key: &KeyInfo, at: Timestamp) -> Result<(), Refusal> {
        if !self.rules.allow_reactivation && key.activated_at.is_some() {
            let reason = "it was active before, and its nonces or its usage may be spent";
            return Err(Refusal::new(reason).by(Rule::ForwardOnly));
        }
        let Some(propagation) = self.rules.propagation else { return Ok(()) };
        if !key.status_since.is_known() {
            let reason = "it is not known since when it has been in the store";
            return Err(Refusal::new(reason).by(Rule::Propagation));
        }
        let allowed_from = key.status_since.saturating_add(propagation);
        if at < allowed_from {
            let reason = "it has not been in the store long enough for every process to have it";
            return Err(Refusal::new(reason).by(Rule::Propagation).until(allowed_from));
        }
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        // What the active key encrypts, it also decrypts; and a staged key has encrypted nothing.
        if let (Some(floor), Some(activated_at)) = (self.rules.floor, key.activated_at)
            && key.status != KeyStatus::Active
            && activated_at < floor
        {
            let reason = if activated_at.is_known() {
                format!(
                    "it was last activated at {activated_at}, before the floor, which is {floor}"
                )
            } else {
                format!(
                    "it is not known when it was active, and keys from before {floor} do not decrypt"
                )
            };
            return Err(Refusal::new(reason).by(Rule::Floor));
        }
        if let (KeyStatus::Retired, Some(grace)) = (key.status, self.rules.grace)
            && key.status_since.is_known()
            && now >= key.status_since.saturating_add(grace)
        {
            let ended = key.status_since.saturating_add(grace);
            return Err(Refusal::new(format!("its grace period ended at {ended}")).by(Rule::Grace));
        }
        Ok(())
    }

    fn may_encrypt(&self, key: &KeyInfo, usage: Usage, now: Timestamp) -> Result<(), Refusal> {
        if let (Some(limit), Some(count)) = (self.rules.usage_limit, usage.encryptions())
            && count >= limit.encryptions()
        {
            let reason = format!("it has encrypted {count} times, and is good for {limit}");
            return Err(Refusal::new(reason).by(Rule::UsageLimit));
        }
        if let (Some(hard_end), Some(activated_at)) = (self.rules.hard_end, key.activated_at)
            && activated_at.is_known()
            && now >= activated_at.saturating_add(hard_end)
        {
            let ended = activated_at.saturating_add(hard_end);
            return Err(Refusal::new(format!("its hard end was at {ended}")).by(Rule::HardEnd));
        }
        Ok(())
    }
}

/// Collects the rules of a [`Cryptoperiods`]. Each is optional.
///
/// ```
/// use key_rotation::{Cryptoperiods, CryptoperiodsBuilder, days};
/// const RULES: CryptoperiodsBuilder = Cryptoperiods::builder().originator_usage(days(90));
/// const POLICY: Cryptoperiods = RULES.propagation(days(1)).build_static();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[must_use = "a builder does nothing until `build` or `build_static` is called"]
pub struct CryptoperiodsBuilder {
    originator_usage: Option<Duration>,
    recipient_usage: Option<Duration>,
    grace: Option<Duration>,
    retention: Option<Duration>,
    propagation: Option<Duration>,
    hard_end: Option<Duration>,
    usage_limit: Option<UsageLimit>,
    soft_share: Option<u8>,
    allow_reactivation: bool,
    floor: Option<Timestamp>,
}

impl CryptoperiodsBuilder {
    /// The share of the usage limit at which a rotation is due, unless another is given: in
    /// percent. A fifth of the limit is left for the time until the rotation is done.
    ///
    /// ```
    /// # use key_rotation::CryptoperiodsBuilder;
    /// assert_eq!(CryptoperiodsBuilder::DEFAULT_SOFT_SHARE, 80);
    /// ```
    pub const DEFAULT_SOFT_SHARE: u8 = 80;

    /// How long a key may stay active before another is due to take its place: the
    /// originator-usage period of NIST SP 800-57 Part 1.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().originator_usage(days(90)).build_static();
    /// ```
    pub const fn originator_usage(mut self, period: Duration) -> Self {
        self.originator_usage = Some(period);
        self
    }

    /// How long a key that is no longer active decrypts before it is due to retire: what the
    /// recipient-usage period of NIST SP 800-57 Part 1 adds to the originator-usage period.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().recipient_usage(days(365)).build_static();
    /// ```
    pub const fn recipient_usage(mut self, period: Duration) -> Self {
        self.recipient_usage = Some(period);
        self
    }

    /// How long a retired key still decrypts.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().grace(days(30)).build_static();
    /// ```
    pub const fn grace(mut self, period: Duration) -> Self {
        self.grace = Some(period);
        self
    }

    /// How long a retired key is kept before it is due for destruction. At least as long as it
    /// still decrypts.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().retention(days(90)).build_static();
    /// ```
    pub const fn retention(mut self, period: Duration) -> Self {
        self.retention = Some(period);
        self
    }

    /// How long a new key must have been in the store before it may be activated: at least as
    /// long as the slowest process takes to load it.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().propagation(days(2)).build_static();
    /// ```
    pub const fn propagation(mut self, period: Duration) -> Self {
        self.propagation = Some(period);
        self
    }

    /// The age at which the active key must stop, whether or not another takes its place.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().originator_usage(days(90)).hard_end(days(120)).build_static();
    /// ```
    pub const fn hard_end(mut self, age: Duration) -> Self {
        self.hard_end = Some(age);
        self
    }

    /// How many encryptions a key is good for: a hard end. A rotation is due at 80 percent of it,
    /// or at the share that [`soft_share`](Self::soft_share) says.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, UsageLimit};
    /// let policy = Cryptoperiods::builder().usage_limit(UsageLimit::RANDOM_NONCE).build_static();
    /// ```
    pub const fn usage_limit(mut self, limit: UsageLimit) -> Self {
        self.usage_limit = Some(limit);
        self
    }

    /// The share of the usage limit at which a rotation is due, from 1 to 100 percent.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, UsageLimit};
    /// let policy =
    ///     Cryptoperiods::builder().usage_limit(UsageLimit::of(1_000)).soft_share(50).build_static();
    /// ```
    pub const fn soft_share(mut self, percent: u8) -> Self {
        self.soft_share = Some(percent);
        self
    }

    /// Lets a key that was active be activated again. Its count of encryptions goes on where it
    /// was, and so must its nonces.
    ///
    /// ```
    /// # use key_rotation::Cryptoperiods;
    /// let policy = Cryptoperiods::builder().allow_reactivation().build_static();
    /// ```
    pub const fn allow_reactivation(mut self) -> Self {
        self.allow_reactivation = true;
        self
    }

    /// Keys that were last activated before this time do not decrypt, the active key excepted.
    /// Reversible: a policy with a lower floor, or with none, lets them decrypt again.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Timestamp};
    /// # let leaked = Timestamp::from_unix_millis(1);
    /// let policy = Cryptoperiods::builder().floor(leaked).build_static();
    /// ```
    pub const fn floor(mut self, activated_at: Timestamp) -> Self {
        self.floor = Some(activated_at);
        self
    }

    /// The policy, in a `const`: rules that contradict each other do not compile.
    ///
    /// # Panics
    ///
    /// Outside a `const`, with the first contradiction. Rules that are not known when the program
    /// is compiled have [`build`](Self::build), which answers with an error.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// const POLICY: Cryptoperiods = Cryptoperiods::builder().originator_usage(days(90)).build_static();
    /// ```
    #[must_use]
    #[expect(clippy::panic, reason = "this is how a constant says why it does not compile")]
    pub const fn build_static(self) -> Cryptoperiods {
        let contradictions = self.contradictions();
        let mut rest: &[Option<Contradiction>] = &contradictions;
        while let [first, tail @ ..] = rest {
            if let Some(contradiction) = first {
                panic!("{}", contradiction.as_str());
            }
            rest = tail;
        }
        Cryptoperiods { rules: self }
    }

    /// The policy.
    ///
    /// # Errors
    ///
    /// [`InvalidCryptoperiods`] with every contradiction.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, days};
    /// let policy = Cryptoperiods::builder().originator_usage(days(90)).build()?;
    /// # Ok::<(), key_rotation::InvalidCryptoperiods>(())
    /// ```
    pub fn build(self) -> Result<Cryptoperiods, InvalidCryptoperiods> {
        let mut contradictions = self.contradictions().into_iter().flatten().peekable();
        match contradictions.peek() {
            None => Ok(Cryptoperiods { rules: self }),
            Some(_) => Err(InvalidCryptoperiods::new(contradictions)),
        }
    }

    /// The one place that says which rules contradict each other.
    const fn contradictions(&self) -> [Option<Contradiction>; 12] {
        const fn zero(period: Option<Duration>, rule: Rule) -> Option<Contradiction> {
            match period {
                Some(period) if period.as_millis() == 0 => Some(Contradiction::Zero(rule)),
                _ => None,
            }
        }
        const fn when(holds: bool, contradiction: Contradiction) -> Option<Contradiction> {
            if holds { Some(contradiction) } else { None }
        }
        /// Whether both are given, and `a` is at least as long as `b`.
        const fn at_least(a: Option<Duration>, b: Option<Duration>) -> bool {
            matches!((a, b), (Some(a), Some(b)) if a.as_millis() >= b.as_millis())
        }
        /// Whether both are given, and `a` is longer than `b`.
        const fn longer(a: Option<Duration>, b: Option<Duration>) -> bool {
            matches!((a, b), (Some(a), Some(b)) if a.as_millis() > b.as_millis())
        }
        [
            zero(self.originator_usage, Rule::OriginatorUsage),
            zero(self.recipient_usage, Rule::RecipientUsage),
            zero(self.grace, Rule::Grace),
            zero(self.retention, Rule::Retention),
            zero(self.propagation, Rule::Propagation),
            zero(self.hard_end, Rule::HardEnd),
            when(
                matches!(self.usage_limit, Some(limit) if limit.encryptions() == 0),
                Contradiction::Zero(Rule::UsageLimit),
            ),
            when(
                at_least(self.propagation, self.originator_usage),
                Contradiction::PropagationNotShorterThanOriginatorUsage,
            ),
            when(longer(self.grace, self.retention), Contradiction::GraceLongerThanRetention),
            when(
                at_least(self.originator_usage, self.hard_end),
                Contradiction::HardEndNotAfterOriginatorUsage,
            ),
            when(
                matches!(self.soft_share, Some(percent) if percent == 0 || percent > 100),
                Contradiction::SoftShareOutOfRange,
            ),
            when(
                self.soft_share.is_some() && self.usage_limit.is_none(),
                Contradiction::SoftShareWithoutUsageLimit,
            ),
        ]
    }
}

impl Default for CryptoperiodsBuilder {
    fn default() -> Self {
        Cryptoperiods::builder()
    }
}

impl From<Cryptoperiods> for CryptoperiodsBuilder {
    fn from(policy: Cryptoperiods) -> Self {
        policy.rules
    }
}

impl TryFrom<CryptoperiodsBuilder> for Cryptoperiods {
    type Error = InvalidCryptoperiods;

    fn try_from(rules: CryptoperiodsBuilder) -> Result<Self, Self::Error> {
        rules.build()
    }
}
