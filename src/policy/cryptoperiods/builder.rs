//! [`CryptoperiodsBuilder`]: the rules one by one, and which of them contradict each other.

use core::time::Duration;

use super::super::{Contradiction, InvalidCryptoperiods, Rule, UsageLimit};
use super::Cryptoperiods;
use crate::timestamp::Timestamp;

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
