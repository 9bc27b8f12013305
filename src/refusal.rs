//! [`Refusal`]: the answer of a policy that does not agree.

use alloc::borrow::Cow;
use core::fmt;

use crate::timestamp::Timestamp;

pub use self::rule::Rule;

mod rule;

/// The refusal of a policy: its reason, and when the policy would agree if that is known.
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
    allowed_from: Option<Timestamp>,
}

impl Refusal {
    /// Makes a refusal for this reason. Write it as the end of a sentence that names the key.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), rule: None, allowed_from: None }
    }

    /// Adds the time from which the refusal no longer stands.
    pub fn until(self, allowed_from: Timestamp) -> Self {
        Self { allowed_from: Some(allowed_from), ..self }
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

    /// Returns the time from which the policy would agree. `None` means that time alone will not
    /// change its answer.
    #[must_use]
    pub fn allowed_from(&self) -> Option<Timestamp> {
        self.allowed_from
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.allowed_from {
            Some(at) => write!(f, " (allowed from {at})"),
            None => Ok(()),
        }
    }
}
