//! [`Contradiction`]: two rules that cannot both be kept.

use alloc::boxed::Box;
use core::fmt;

use super::Rule;

/// Two rules of a policy that cannot both be kept, or one rule that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Contradiction {
    /// A period or a limit is zero.
    Zero(Rule),
    /// A new key would be due to be replaced before it may be activated.
    PropagationNotShorterThanOriginatorUsage,
    /// A key would be destroyed while it may still decrypt.
    GraceLongerThanRetention,
    /// The active key would have to stop before it is due to be replaced.
    HardEndNotAfterOriginatorUsage,
    /// The share of the usage limit at which rotation is due is not from 1 to 100 percent.
    SoftShareOutOfRange,
    /// There is a share of the usage limit, and no limit.
    SoftShareWithoutUsageLimit,
}

impl Contradiction {
    /// One text, for a constant that does not compile and for an error at run time.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Zero(Rule::OriginatorUsage) => {
                "the originator usage period is zero: leave the rule out, or give it a length of at least 1 ms"
            }
            Self::Zero(Rule::RecipientUsage) => {
                "the recipient usage period is zero: leave the rule out, or give it a length of at least 1 ms"
            }
            Self::Zero(Rule::Grace) => {
                "the grace period is zero: leave the rule out, or give it a length of at least 1 ms"
            }
            Self::Zero(Rule::Retention) => {
                "the retention period is zero: leave the rule out, or give it a length of at least 1 ms"
            }
            Self::Zero(Rule::Propagation) => {
                "the propagation period is zero: leave the rule out, or give it a length of at least 1 ms"
            }
            Self::Zero(Rule::HardEnd) => {
                "the hard end is zero: leave the rule out, or give it an age of at least 1 ms"
            }
            Self::Zero(_) => {
                "the usage limit is zero: leave the rule out, or allow at least 1 encryption"
            }
            Self::PropagationNotShorterThanOriginatorUsage => {
                "the propagation period is not shorter than the originator usage period: a new key would be due to be replaced before every process has it"
            }
            Self::GraceLongerThanRetention => {
                "the grace period is longer than the retention period: a key would be destroyed while it may still decrypt"
            }
            Self::HardEndNotAfterOriginatorUsage => {
                "the hard end is not after the originator usage period: the active key would have to stop before another is due to take its place"
            }
            Self::SoftShareOutOfRange => {
                "the soft share of the usage limit is outside 1 to 100 percent"
            }
            Self::SoftShareWithoutUsageLimit => {
                "there is a soft share of the usage limit, and no usage limit"
            }
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a policy that contradicts itself. It lists every contradiction.
///
/// # Examples
///
/// ```
/// use key_rotation::Cryptoperiods;
/// use key_rotation::policy::{Contradiction, days};
///
/// let error = Cryptoperiods::builder().grace(days(60)).retention(days(30)).build().unwrap_err();
/// assert_eq!(error.contradictions(), [Contradiction::GraceLongerThanRetention]);
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
