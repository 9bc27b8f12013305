//! [`CryptoperiodsBuilder`]: the rules one by one, and which of them contradict each other.

use core::time::Duration;

use super::super::periods::{days, is_shorter, longer, shorter, sum};
use super::super::{Contradiction, InvalidCryptoperiods, Rule, UsageLimit};
use super::Cryptoperiods;

/// The rules of a [`Cryptoperiods`] in the making. Two are said when it is begun; each of the others
/// is optional.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{CryptoperiodsBuilder, days, minutes};
///
/// const RULES: CryptoperiodsBuilder =
///     Cryptoperiods::builder(days(1), minutes(5)).originator_usage(days(90));
/// const POLICY: Cryptoperiods = RULES.hard_end(days(120)).build_static();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a builder does nothing until `build` or `build_static` is called"]
pub struct CryptoperiodsBuilder {
    pub(super) max_staleness: Duration,
    pub(super) clock_skew: Duration,
    pub(super) originator_usage: Option<Duration>,
    pub(super) recipient_usage: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) retention: Option<Duration>,
    pub(super) hard_end: Option<Duration>,
    pub(super) usage_limit: Option<UsageLimit>,
    pub(super) soft_share: Option<u8>,
    pub(super) allow_reactivation: bool,
    pub(super) propagation: Option<Duration>,
    pub(super) data_lifetime: Option<Duration>,
    pub(super) write_delay: Option<Duration>,
    pub(super) decrypt_staleness: Option<Duration>,
    pub(super) disable_before_destroy: Option<Duration>,
    pub(super) overdue_after: Option<Duration>,
}

impl CryptoperiodsBuilder {
    /// The share of the usage limit at which a rotation is due unless another is set, in percent.
    ///
    /// A fifth of the limit is left for the time until the rotation is done.
    pub const DEFAULT_SOFT_SHARE: u8 = 80;

    /// How late something has to be before it is an alarm, unless another length is set.
    pub const DEFAULT_OVERDUE_AFTER: Duration = days(2);

    pub(super) const fn new(max_staleness: Duration, clock_skew: Duration) -> Self {
        Self {
            max_staleness,
            clock_skew,
            originator_usage: None,
            recipient_usage: None,
            grace: None,
            retention: None,
            hard_end: None,
            usage_limit: None,
            soft_share: None,
            allow_reactivation: false,
            propagation: None,
            data_lifetime: None,
            write_delay: None,
            decrypt_staleness: None,
            disable_before_destroy: None,
            overdue_after: None,
        }
    }

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

    /// Sets how long a key that is retired or revoked is kept before it is due for destruction.
    pub const fn retention(mut self, period: Duration) -> Self {
        self.retention = Some(period);
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

    /// Sets how long a new key has to be in the store before it may be activated, where that is longer
    /// than processes take to load it: for caches, such as those of a JWKS.
    pub const fn propagation(mut self, period: Duration) -> Self {
        self.propagation = Some(period);
        self
    }

    /// Sets how long a ciphertext may be needed. Without it, a ciphertext is needed until it is
    /// encrypted again, and somebody has to count.
    pub const fn data_lifetime(mut self, period: Duration) -> Self {
        self.data_lifetime = Some(period);
        self
    }

    /// Sets how long it takes from an encryption until a counter sees it: the staleness, if it is not
    /// said.
    pub const fn write_delay(mut self, period: Duration) -> Self {
        self.write_delay = Some(period);
        self
    }

    /// Sets how long a process decrypts with a ring that it has not confirmed. Without it a reader
    /// that is cut off decrypts for ever, and neither a revocation nor a grace binds it.
    pub const fn decrypt_staleness(mut self, period: Duration) -> Self {
        self.decrypt_staleness = Some(period);
        self
    }

    /// Sets how long a key is revoked before it is destroyed, so that somebody who still needs it is
    /// heard of while it can be restored.
    pub const fn disable_before_destroy(mut self, period: Duration) -> Self {
        self.disable_before_destroy = Some(period);
        self
    }

    /// Sets how late something that is due has to be before it is an alarm: two days, if it is not
    /// said.
    pub const fn overdue_after(mut self, period: Duration) -> Self {
        self.overdue_after = Some(period);
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
                let text = contradiction.text();
                panic!("{}", text.as_str());
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

    /// `Ipub`: how long after it was added every process has a key.
    pub(super) const fn until_rumoured(&self) -> Duration {
        let loaded = sum(self.max_staleness, self.clock_skew);
        let read = match self.decrypt_staleness {
            Some(staleness) => sum(staleness, self.clock_skew),
            None => loaded,
        };
        let loaded = longer(loaded, read);
        match self.propagation {
            Some(propagation) => longer(propagation, loaded),
            None => loaded,
        }
    }

    /// `Iret`: how long after its deactivation no process encrypts with a key any more.
    pub(super) const fn until_unretentive(&self) -> Duration {
        sum(self.max_staleness, self.clock_skew)
    }

    /// `W`: how long it takes until a counter sees what was encrypted.
    pub(super) const fn delay_of_writes(&self) -> Duration {
        match self.write_delay {
            Some(delay) => delay,
            None => self.max_staleness,
        }
    }

    /// `Icount`: how long after its deactivation a count sees all that was encrypted under a key.
    pub(super) const fn until_countable(&self) -> Duration {
        sum(self.until_unretentive(), self.delay_of_writes())
    }

    /// How long before the end of its life a key is revoked, where that is asked for: X, M and S.
    pub(super) const fn disabled(&self) -> Option<Duration> {
        match (self.disable_before_destroy, self.decrypt_staleness) {
            (Some(disable), Some(staleness)) => Some(sum(sum(disable, staleness), self.clock_skew)),
            (Some(disable), None) => Some(sum(disable, self.clock_skew)),
            (None, _) => None,
        }
    }

    /// How long a key is active before another is due: the shorter of what it may and of what ends in
    /// time for its hard end.
    pub(super) const fn until_replaced(&self) -> Option<Duration> {
        let before_the_end = match self.hard_end {
            Some(end) => Some(end.saturating_sub(self.until_unretentive())),
            None => None,
        };
        match (self.originator_usage, before_the_end) {
            (Some(usage), Some(end)) => Some(shorter(usage, end)),
            (Some(period), None) | (None, Some(period)) => Some(period),
            (None, None) => None,
        }
    }

    /// The one place that says which rules contradict each other.
    #[expect(clippy::too_many_lines, reason = "one rule after the other")]
    const fn contradictions(&self) -> [Option<Contradiction>; 24] {
        const MS: Duration = Duration::from_millis(1);
        const ZERO: &str = "is zero, which means nothing: leave the rule out, or give it a length";
        /// A period that is there and shorter than it must be.
        const fn at_least(
            period: Option<Duration>,
            least: Duration,
            rule: Rule,
            with: Rule,
            says: &'static str,
        ) -> Option<Contradiction> {
            match period {
                Some(period) if is_shorter(period, least) => {
                    Some(Contradiction::too_short(rule, with, says, least))
                }
                _ => None,
            }
        }
        const fn zero(period: Option<Duration>, rule: Rule) -> Option<Contradiction> {
            at_least(period, MS, rule, rule, ZERO)
        }
        const fn needs(
            there: bool,
            needed: bool,
            rule: Rule,
            with: Rule,
            says: &'static str,
        ) -> Option<Contradiction> {
            if there && !needed { Some(Contradiction::missing(rule, with, says)) } else { None }
        }
        /// What a rule has to be longer than, by what stands in another.
        const fn less(all: Duration, part: Option<Duration>) -> Duration {
            match part {
                Some(part) => all.saturating_sub(part),
                None => all,
            }
        }
        let (skew, staleness) = (self.clock_skew, self.max_staleness);
        let disabled = match self.disabled() {
            Some(disabled) => disabled,
            None => Duration::ZERO,
        };
        let kept = match (self.grace, self.data_lifetime) {
            (Some(_), _) => None,
            (None, Some(lifetime)) => Some(sum(sum(self.until_unretentive(), lifetime), disabled)),
            (None, None) => Some(sum(self.until_countable(), disabled)),
        };
        let revoked = match (self.disable_before_destroy, self.grace) {
            (Some(disable), Some(grace)) => Some(sum(sum(grace, skew), disable)),
            (Some(_), None) => Some(disabled),
            (None, _) => None,
        };
        [
            at_least(
                Some(staleness),
                MS,
                Rule::MaxStaleness,
                Rule::MaxStaleness,
                "is zero: no process could ever encrypt",
            ),
            zero(self.originator_usage, Rule::OriginatorUsage),
            zero(self.recipient_usage, Rule::RecipientUsage),
            zero(self.grace, Rule::Grace),
            zero(self.retention, Rule::Retention),
            zero(self.hard_end, Rule::HardEnd),
            zero(self.data_lifetime, Rule::DataLifetime),
            match self.usage_limit {
                Some(limit) if limit.encryptions() == 0 => Some(Contradiction::share(
                    "is zero: leave the rule out, or allow at least 1 encryption",
                )),
                _ => None,
            },
            match (self.soft_share, self.usage_limit) {
                (Some(percent), Some(_)) if percent == 0 || percent > 100 => {
                    Some(Contradiction::share("has a soft share outside 1 to 100 percent"))
                }
                (Some(_), None) => Some(Contradiction::share("has a soft share, and is not there")),
                _ => None,
            },
            at_least(
                self.propagation,
                Self { propagation: None, ..*self }.until_rumoured(),
                Rule::Propagation,
                Rule::MaxStaleness,
                "is shorter than a process may go without loading the ring (the staleness and the clock skew)",
            ),
            match self.until_replaced() {
                Some(replaced) if is_shorter(replaced, self.until_rumoured()) => {
                    let (rule, least) = match (self.originator_usage, self.hard_end) {
                        (Some(usage), _) if usage.as_millis() == replaced.as_millis() => {
                            (Rule::OriginatorUsage, self.until_rumoured())
                        }
                        _ => (Rule::HardEnd, sum(self.until_rumoured(), self.until_unretentive())),
                    };
                    Some(Contradiction::too_short(
                        rule,
                        Rule::Propagation,
                        "ends before every process has the next key (the propagation, or the staleness and the clock skew)",
                        least,
                    ))
                }
                _ => None,
            },
            match self.originator_usage {
                Some(usage) => at_least(
                    self.hard_end,
                    sum(usage, self.until_unretentive()),
                    Rule::HardEnd,
                    Rule::OriginatorUsage,
                    "comes before processes have stopped to use a key that is due to be replaced (the originator usage, the staleness and the clock skew)",
                ),
                None => None,
            },
            at_least(
                self.decrypt_staleness,
                staleness,
                Rule::DecryptStaleness,
                Rule::MaxStaleness,
                "is shorter than the staleness with which a process encrypts",
            ),
            match self.decrypt_staleness {
                Some(staleness) => at_least(
                    self.grace,
                    staleness,
                    Rule::Grace,
                    Rule::DecryptStaleness,
                    "is shorter than a process decrypts without loading the ring (the decrypt staleness)",
                ),
                None => None,
            },
            needs(
                self.disable_before_destroy.is_some(),
                self.decrypt_staleness.is_some(),
                Rule::DisableBeforeDestroy,
                Rule::DecryptStaleness,
                "binds no process that decrypts for ever: say a decrypt staleness",
            ),
            needs(
                self.disable_before_destroy.is_some(),
                self.retention.is_some(),
                Rule::DisableBeforeDestroy,
                Rule::Retention,
                "comes before a destruction, and none is due: say a retention",
            ),
            needs(
                self.retention.is_some(),
                self.recipient_usage.is_some(),
                Rule::Retention,
                Rule::RecipientUsage,
                "begins when a key is retired, and that is never due: say a recipient usage",
            ),
            at_least(
                self.recipient_usage,
                self.until_unretentive(),
                Rule::RecipientUsage,
                Rule::MaxStaleness,
                "ends while a process may still encrypt with the key (the staleness and the clock skew)",
            ),
            match (self.grace, self.data_lifetime) {
                (Some(_), None) => at_least(
                    self.recipient_usage,
                    self.until_countable(),
                    Rule::RecipientUsage,
                    Rule::WriteDelay,
                    "ends before a count can see all that the key has encrypted (the staleness, the clock skew and the write delay)",
                ),
                _ => None,
            },
            match (kept, self.recipient_usage) {
                (Some(kept), usage) => at_least(
                    self.retention,
                    less(kept, usage),
                    Rule::Retention,
                    Rule::NotNeeded,
                    "ends, after the recipient usage, before it can be known that nothing needs the key",
                ),
                (None, _) => None,
            },
            match self.grace {
                Some(grace) => at_least(
                    self.retention,
                    sum(grace, skew),
                    Rule::Retention,
                    Rule::Grace,
                    "ends while a retired key may still decrypt (the grace and the clock skew)",
                ),
                None => None,
            },
            match revoked {
                Some(revoked) => at_least(
                    self.retention,
                    revoked,
                    Rule::Retention,
                    Rule::DisableBeforeDestroy,
                    "leaves no room for the time for which a key is disabled before it is destroyed",
                ),
                None => None,
            },
            zero(self.decrypt_staleness, Rule::DecryptStaleness),
            match self.hard_end {
                Some(end) if !is_shorter(self.until_unretentive(), end) => {
                    Some(Contradiction::too_short(
                        Rule::HardEnd,
                        Rule::MaxStaleness,
                        "is over before a process notices (the staleness and the clock skew)",
                        sum(self.until_unretentive(), MS),
                    ))
                }
                _ => None,
            },
        ]
    }
}
