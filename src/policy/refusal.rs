//! [`Refusal`]: why a policy refuses.

use alloc::borrow::Cow;
use core::fmt;

use super::Rule;
use crate::timestamp::Timestamp;

/// Why a policy refuses, and when it would agree if that is known.
///
/// ```
/// use key_rotation::{Refusal, Timestamp};
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
    /// A refusal for this reason, written as the end of a sentence that names the key.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("its grace period is over").reason(), "its grace period is over");
    /// ```
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), rule: None, allowed_from: None }
    }

    /// The same refusal with the time from which it no longer stands.
    ///
    /// ```
    /// # use key_rotation::{Refusal, Timestamp};
    /// # let at = Timestamp::from_unix_millis(60_000);
    /// assert_eq!(Refusal::new("too young").until(at).allowed_from(), Some(at));
    /// ```
    pub fn until(self, allowed_from: Timestamp) -> Self {
        Self { allowed_from: Some(allowed_from), ..self }
    }

    /// The same refusal with the rule that it comes from.
    ///
    /// ```
    /// # use key_rotation::{Refusal, Rule};
    /// assert_eq!(Refusal::new("too young").by(Rule::Propagation).rule(), Some(Rule::Propagation));
    /// ```
    pub fn by(self, rule: Rule) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// The reason.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("too young").reason(), "too young");
    /// ```
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The rule, if it is one of those that have a name here.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("the auditors are here").rule(), None);
    /// ```
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// From when on the policy would agree; `None` when time alone will not change its mind.
    ///
    /// ```
    /// # use key_rotation::Refusal;
    /// assert_eq!(Refusal::new("it was active before").allowed_from(), None);
    /// ```
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
