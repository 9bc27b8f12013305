//! [`Cryptoperiods`]: the policy with rules of time and usage.

use core::time::Duration;

use super::periods::{days, hours, minutes};
use super::{Rule, UsageLimit};

pub use self::builder::CryptoperiodsBuilder;

mod builder;
mod rules;
#[cfg(feature = "serde")]
mod text;

/// A policy with rules of time and usage, in the words of NIST SP 800-57 Part 1 (Rev. 5, section
/// 5.3) and RFC 7583.
///
/// Two lengths are always said, because no wait can be worked out without them:
///
/// | length | is |
/// |---|---|
/// | max staleness | how long a process encrypts with a ring that it has not confirmed; also how long a service encrypts while its store is down |
/// | clock skew | how much clocks differ and how long it takes from a decision to its commit, together |
///
/// Every other rule is optional:
///
/// | rule | says | counts from |
/// |---|---|---|
/// | originator usage | how long a key may stay active before another is due | its activation |
/// | hard end | the age at which the active key must stop | its activation |
/// | usage limit | how many encryptions a key is good for; a rotation is due at a share of it | the reports of the fleet |
/// | propagation | how long a new key is in the store before it may be activated, where caches take longer than processes | the time at which it was added |
/// | forward-only | that a key that was active is not activated again; on, unless [`allow_reactivation`](CryptoperiodsBuilder::allow_reactivation) | |
/// | recipient usage | how long a key that is no longer active decrypts before it is due to retire | its deactivation |
/// | grace | how long a retired key still decrypts | its retirement |
/// | data lifetime | how long a ciphertext may be needed; without it, until it is encrypted again | |
/// | write delay | how long it takes until a counter sees what was encrypted | |
/// | decrypt staleness | how long a process decrypts with a ring that it has not confirmed | |
/// | retention | how long a key is kept that is retired or revoked | its retirement |
/// | disable before destroy | how long a key is revoked before it is destroyed | |
/// | overdue after | how late is an alarm | |
///
/// Three waits follow from them, and no step is allowed before they are over: until every process has
/// a new key ([`propagation`](super::Timing::propagation)), until no process encrypts with an old
/// one, and until a count sees all that was encrypted.
///
/// An unknown time is never taken for one that is long past: what waits for it is refused, and the
/// plan has a step that dates the key from now.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{UsageLimit, days, minutes};
///
/// const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
///     .originator_usage(days(90))
///     .hard_end(days(120))
///     .recipient_usage(days(30))
///     .retention(days(30))
///     .usage_limit(UsageLimit::RANDOM_NONCE)
///     .build_static();
/// ```
///
/// Rules that contradict each other in a constant do not compile:
///
/// ```compile_fail
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{days, minutes};
///
/// const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
///     .originator_usage(days(90))
///     .hard_end(days(90)) // a process that is a day behind would have to stop
///     .build_static();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cryptoperiods {
    rules: CryptoperiodsBuilder,
}

/// The clock skew of the presets.
const SKEW: Duration = minutes(5);

impl Cryptoperiods {
    /// A policy for encrypted columns, with a new key every 90 days, which is a common practice.
    ///
    /// A process encrypts for a day and decrypts for a week with a ring that it has not confirmed. A
    /// key goes when a count says that nothing needs it. In days: staged 0, active 90, demoted 180,
    /// retired 210, revoked 226, destroyed 240. The usage limit is that for random nonces (NIST SP
    /// 800-38D, section 8.3), and a rotation is due at 80 percent of it.
    pub const QUARTERLY: Self = Self::builder(days(1), SKEW)
        .decrypt_staleness(days(7))
        .write_delay(days(1))
        .originator_usage(days(90))
        .hard_end(days(120))
        .recipient_usage(days(30))
        .retention(days(30))
        .disable_before_destroy(days(7))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// A policy for session cookies that live for 14 days, with a new key every week.
    ///
    /// A process encrypts for an hour and decrypts for a day with a ring that it has not confirmed. In
    /// days: staged 0, active 7, demoted 14, retired 28, destroyed 31.
    pub const COOKIES: Self = Self::builder(hours(1), SKEW)
        .decrypt_staleness(days(1))
        .originator_usage(days(7))
        .hard_end(days(14))
        .data_lifetime(days(14))
        .grace(days(2))
        .recipient_usage(days(14))
        .retention(days(3))
        .build_static();

    /// A policy for signed tokens (JWT, RFC 7519) whose keys are published as a JWKS (RFC 7517) that
    /// clients keep for a day: a new key every 30 days.
    ///
    /// In days: staged 0, active 30, demoted 60, retired 61, destroyed 64.
    pub const TOKENS: Self = Self::builder(hours(1), SKEW)
        .decrypt_staleness(days(1))
        .originator_usage(days(30))
        .hard_end(days(45))
        .data_lifetime(days(1))
        .grace(days(2))
        .recipient_usage(days(1))
        .retention(days(3))
        .propagation(minutes(48 * 60 + 5))
        .build_static();

    /// A policy with the longest periods that NIST SP 800-57 Part 1 (Rev. 5, section 5.3.6,
    /// table 1) suggests for symmetric keys that encrypt data: active for two years, and
    /// decrypting for three more.
    ///
    /// In days: staged 0, active 700, demoted 1400, retired 2405, revoked 2458, destroyed 2495. The
    /// usage limit is that for random nonces (NIST SP 800-38D, section 8.3).
    pub const NIST_LONGEST: Self = Self::builder(days(1), SKEW)
        .decrypt_staleness(days(7))
        .write_delay(days(1))
        .originator_usage(days(700))
        .hard_end(days(730))
        .recipient_usage(days(1005))
        .retention(days(90))
        .disable_before_destroy(days(30))
        .usage_limit(UsageLimit::RANDOM_NONCE)
        .build_static();

    /// Begins a policy: `max_staleness` is how long a process encrypts with a ring that it has not
    /// confirmed, and `clock_skew` how much clocks differ, together with the way from a decision to
    /// its commit.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::Cryptoperiods;
    /// use key_rotation::policy::{days, hours, minutes};
    ///
    /// let policy = Cryptoperiods::builder(hours(1), minutes(5)).originator_usage(days(90)).build()?;
    /// # Ok::<(), key_rotation::error::InvalidCryptoperiods>(())
    /// ```
    pub const fn builder(max_staleness: Duration, clock_skew: Duration) -> CryptoperiodsBuilder {
        CryptoperiodsBuilder::new(max_staleness, clock_skew)
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
        let rules = &self.rules;
        match rule {
            Rule::MaxStaleness => Some(rules.max_staleness),
            Rule::ClockSkew => Some(rules.clock_skew),
            Rule::OriginatorUsage => rules.originator_usage,
            Rule::RecipientUsage => rules.recipient_usage,
            Rule::Grace => rules.grace,
            Rule::Retention => rules.retention,
            Rule::Propagation => rules.propagation,
            Rule::HardEnd => rules.hard_end,
            Rule::DataLifetime => rules.data_lifetime,
            Rule::WriteDelay => rules.write_delay,
            Rule::DecryptStaleness => rules.decrypt_staleness,
            Rule::DisableBeforeDestroy => rules.disable_before_destroy,
            Rule::UsageLimit
            | Rule::ForwardOnly
            | Rule::Reports
            | Rule::NotNeeded
            | Rule::Status
            | Rule::KnownTimes => None,
        }
    }

    /// Returns the usage limit, if the policy has one.
    #[must_use]
    pub const fn usage_limit(&self) -> Option<UsageLimit> {
        self.rules.usage_limit
    }

    /// The number of encryptions at which a rotation is due.
    pub(super) fn soft_limit(&self) -> Option<u64> {
        let percent = self.rules.soft_share.unwrap_or(CryptoperiodsBuilder::DEFAULT_SOFT_SHARE);
        self.rules.usage_limit.map(|limit| limit.percent(percent))
    }
}
