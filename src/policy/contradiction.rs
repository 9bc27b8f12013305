//! [`Contradiction`]: two rules that cannot both be kept.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use super::Rule;

/// Two rules of a policy that cannot both be kept, or one rule that means nothing; and the value that
/// would do.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{Rule, days, minutes};
///
/// let policy = Cryptoperiods::builder(days(1), minutes(5)).propagation(days(1)).build();
/// let contradiction = policy.unwrap_err().contradictions()[0];
/// assert_eq!((contradiction.rule(), contradiction.with()), (Rule::Propagation, Rule::MaxStaleness));
/// assert_eq!(contradiction.at_least(), Some(days(1) + minutes(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contradiction {
    rule: Rule,
    with: Rule,
    says: &'static str,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Bound {
    AtLeast(Duration),
    Missing,
    Percent,
}

impl Contradiction {
    pub(super) const fn too_short(
        rule: Rule,
        with: Rule,
        says: &'static str,
        at_least: Duration,
    ) -> Self {
        Self { rule, with, says, bound: Bound::AtLeast(at_least) }
    }

    pub(super) const fn missing(rule: Rule, with: Rule, says: &'static str) -> Self {
        Self { rule, with, says, bound: Bound::Missing }
    }

    pub(super) const fn share(says: &'static str) -> Self {
        Self { rule: Rule::UsageLimit, with: Rule::UsageLimit, says, bound: Bound::Percent }
    }

    /// Returns the rule that is to be changed.
    #[must_use]
    pub const fn rule(self) -> Rule {
        self.rule
    }

    /// Returns the rule that it contradicts.
    #[must_use]
    pub const fn with(self) -> Rule {
        self.with
    }

    /// Returns the smallest value of the rule that would do, if a greater one does.
    #[must_use]
    pub const fn at_least(self) -> Option<Duration> {
        match self.bound {
            Bound::AtLeast(at_least) => Some(at_least),
            Bound::Missing | Bound::Percent => None,
        }
    }

    /// Writes one text, for a constant that does not compile and for an error at run time.
    pub(super) const fn text(self) -> Line {
        let line = Line::EMPTY.push("the ").push(self.rule.as_str());
        let line = line.push(" ").push(self.says);
        match self.bound {
            Bound::AtLeast(at_least) => line.push(": make it at least ").period(at_least),
            Bound::Missing | Bound::Percent => line,
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// A line that a constant can write.
pub(super) struct Line {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Line {
    const CAPACITY: usize = 320;
    const EMPTY: Self = Self { bytes: [b' '; Self::CAPACITY], len: 0 };
    const UNITS: [(u128, &'static str); 5] =
        [(86_400_000, " d"), (3_600_000, " h"), (60_000, " min"), (1_000, " s"), (1, " ms")];

    /// The text is cut where there is no more room.
    const fn push(mut self, text: &str) -> Self {
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            let (_, room) = self.bytes.split_at_mut(self.len);
            let [place, ..] = room else { return self };
            *place = *first;
            self.len += 1;
            rest = tail;
        }
        self
    }

    const fn number(self, number: u128) -> Self {
        let digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let line = if number >= 10 { self.number(number / 10) } else { self };
        let mut left = number % 10;
        let mut rest: &[&str] = &digits;
        while let [digit, tail @ ..] = rest {
            if left == 0 {
                return line.push(digit);
            }
            left -= 1;
            rest = tail;
        }
        line
    }

    /// As `1 d 5 min`.
    const fn period(self, period: Duration) -> Self {
        let mut left = period.as_millis();
        let mut line = self;
        let mut is_first = true;
        let mut rest: &[(u128, &str)] = &Self::UNITS;
        while let [(unit, name), tail @ ..] = rest {
            if left >= *unit {
                line = if is_first { line } else { line.push(" ") };
                line = line.number(left / *unit).push(name);
                left %= *unit;
                is_first = false;
            }
            rest = tail;
        }
        if is_first { line.push("0 ms") } else { line }
    }

    pub(super) const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "two rules contradict each other",
        }
    }
}

/// The error for a policy that contradicts itself. It lists every contradiction.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{days, minutes};
///
/// let policy = Cryptoperiods::builder(days(2), minutes(5)).decrypt_staleness(days(1)).build();
/// assert_eq!(policy.unwrap_err().contradictions().len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCryptoperiods {
    // Never empty.
    contradictions: Box<[Contradiction]>,
}

impl InvalidCryptoperiods {
    pub(super) fn new(contradictions: impl Iterator<Item = Contradiction>) -> Self {
        Self { contradictions: contradictions.collect() }
    }

    /// Returns the contradictions, in the order of the rules.
    #[must_use]
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }
}

impl fmt::Display for InvalidCryptoperiods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptoperiods contradict each other: ")?;
        for (n, contradiction) in self.contradictions.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{contradiction}")?;
        }
        Ok(())
    }
}

impl core::error::Error for InvalidCryptoperiods {}
