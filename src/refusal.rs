//! [`Refusal`]: the answer of a policy that does not agree.

use alloc::borrow::Cow;
use core::fmt;

use crate::timestamp::Timestamp;

pub use self::rule::Rule;

mod rule;

/// The refusal of a policy: its reason, and what it waits for.
///
/// # Examples
///
/// ```
/// use key_rotation::Timestamp;
/// use key_rotation::policy::Refusal;
///
/// let refusal = Refusal::new("not every host has it yet").until(Timestamp::from_unix_millis(60_000));
/// assert_eq!(
///     refusal.to_string(),
///     "not every host has it yet (allowed from 1970-01-01T00:01:00.000Z)",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "a refusal says why something may not happen"]
pub struct Refusal {
    reason: Cow<'static, str>,
    rule: Option<Rule>,
    until: Until,
}

/// The end of a refusal. A later one here is a worse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a plan handles each")]
pub enum Until {
    /// The policy agrees from this time on.
    At(Timestamp),
    /// The policy agrees when something has happened: a process has loaded a ring, somebody has
    /// counted, a time was put right.
    Event,
    /// The policy may agree one day, but so far off that something else is to be done.
    Hopeless,
    /// The policy never agrees.
    Never,
}

impl From<Timestamp> for Until {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

impl Refusal {
    /// Makes a refusal for this reason, which stands until something happens. Write the reason as the
    /// end of a sentence that names the key.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), rule: None, until: Until::Event }
    }

    /// Adds the end of the refusal: the time from which it no longer stands, or what it waits for.
    pub fn until(self, until: impl Into<Until>) -> Self {
        Self { until: until.into(), ..self }
    }

    /// Adds the rule that the refusal comes from.
    pub fn by(self, rule: Rule) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the rule that the refusal comes from, if it has a name here.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// Returns the end of the refusal.
    #[must_use]
    pub fn stands_until(&self) -> Until {
        self.until
    }

    /// Returns the time from which the policy would agree. `None` means that time alone will not
    /// change its answer.
    #[must_use]
    pub fn allowed_from(&self) -> Option<Timestamp> {
        match self.until {
            Until::At(at) => Some(at),
            Until::Event | Until::Hopeless | Until::Never => None,
        }
    }

    /// The worse of two answers: a policy that is made of two agrees if both do.
    pub(crate) fn worse(one: Result<(), Self>, other: Result<(), Self>) -> Result<(), Self> {
        match (one, other) {
            (Err(one), Err(other)) if one.until < other.until => Err(other),
            (Err(refusal), _) | (Ok(()), Err(refusal)) => Err(refusal),
            (Ok(()), Ok(())) => Ok(()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.until {
            Until::At(at) => write!(f, " (allowed from {at})"),
            Until::Event | Until::Hopeless | Until::Never => Ok(()),
        }
    }
}
