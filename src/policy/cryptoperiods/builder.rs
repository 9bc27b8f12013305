//! [`CryptoperiodsBuilder`]: the rules one by one, and which of them contradict each other.

use core::time::Duration;

use super::super::{Contradiction, InvalidCryptoperiods, Rule, UsageLimit};
use super::Cryptoperiods;
use crate::timestamp::Timestamp;

/// The rules of a [`Cryptoperiods`] in the making. Each is optional.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{CryptoperiodsBuilder, days};
///
/// const RULES: CryptoperiodsBuilder = Cryptoperiods::builder().originator_usage(days(90));
/// const POLICY: Cryptoperiods = RULES.propagation(days(1)).build_static();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[must_use = "a builder does nothing until `build` or `build_static` is called"]
pub struct CryptoperiodsBuilder {
    pub(super) originator_usage: Option<Duration>,
    pub(super) recipient_usage: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) retention: Option<Duration>,
    pub(super) propagation: Option<Duration>,
    pub(super) hard_end: Option<Duration>,
    pub(super) usage_limit: Option<UsageLimit>,
    pub(super) soft_share: Option<u8>,
    pub(super) allow_reactivation: bool,
    pub(super) floor: Option<Timestamp>,
}

impl CryptoperiodsBuilder {
    /// The share of the usage limit at which a rotation is due unless another is set, in percent.
    ///
    /// A fifth of the limit is left for the time until the rotation is done.
    pub const DEFAULT_SOFT_SHARE: u8 = 80;

    /// Sets how long a key may stay active before another is due to take its place.
    ///
    /// It is the originator-usage period of NIST SP 800-57 Part 1.
    pub const fn originator_usage(mut self, period: Duration) -> Self {
        self.originator_usage = Some(period);
        self
    }

    /// Sets how long a key that is no longer active decrypts before it is due to retire.
    ///
    /// The recipient-usage period of NIST SP 800-57 Part 1 is this one and the originator-usage
    /// period together.
    pub const fn recipient_usage(mut self, period: Duration) -> Self {
        self.recipient_usage = Some(period);
        self
    }

    /// Sets how long a retired key still decrypts.
    pub const fn grace(mut self, period: Duration) -> Self {
        self.grace = Some(period);
        self
    }

    /// Sets how long a retired key is kept before it is due for destruction. It is at least as long
    /// as the grace period.
    pub const fn retention(mut self, period: Duration) -> Self {
        self.retention = Some(period);
        self
    }

    /// Sets how long a new key must have been in the store before it may be activated: at least as
    /// long as the slowest process takes to load it.
    pub const fn propagation(mut self, period: Duration) -> Self {
        self.propagation = Some(period);
        self
    }

    /// Sets the age at which the active key must stop, even if no other takes its place.
    pub const fn hard_end(mut self, age: Duration) -> Self {
        self.hard_end = Some(age);
        self
    }

    /// Sets how many encryptions a key is good for. A rotation is due at 80 percent of that, or at
    /// the share that [`soft_share`](Self::soft_share) sets.
    pub const fn usage_limit(mut self, limit: UsageLimit) -> Self {
        self.usage_limit = Some(limit);
        self
    }

    /// Sets the share of the usage limit at which a rotation is due, from 1 to 100 percent.
    pub const fn soft_share(mut self, percent: u8) -> Self {
        self.soft_share = Some(percent);
        self
    }

    /// Lets a key that was active be activated again. Its count of encryptions goes on where it
    /// was, and so must its nonces.
    pub const fn allow_reactivation(mut self) -> Self {
        self.allow_reactivation = true;
        self
    }

    /// Keeps keys that were last activated before this time from decrypting, the active key
    /// excepted.
    ///
    /// A policy with a lower floor, or with none, lets them decrypt again. A key that is not
    /// trusted any more is better revoked.
    pub const fn floor(mut self, activated_at: Timestamp) -> Self {
        self.floor = Some(activated_at);
        self
    }

    /// Makes the policy in a `const`, where rules that contradict each other do not compile.
    ///
    /// # Panics
    ///
    /// Outside a `const`, with the first contradiction. For rules that are not known when the
    /// program is compiled, [`build`](Self::build) answers with an error.
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

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// [`InvalidCryptoperiods`] with every contradiction.
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
        /// Returns true if both are given, and `a` is at least as long as `b`.
        const fn at_least(a: Option<Duration>, b: Option<Duration>) -> bool {
            matches!((a, b), (Some(a), Some(b)) if a.as_millis() >= b.as_millis())
        }
        /// Returns true if both are given, and `a` is longer than `b`.
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
