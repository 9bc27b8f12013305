//! The text of a plan, for a person who is woken at three in the morning.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Because, Doubt, DueStep, Missing, RotationPlan, Upcoming};
use crate::refusal::Rule;

/// A length of time as a person says it: the greatest unit of which there are at least two.
struct Spoken(Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
            if seconds >= 2 * unit {
                return write!(f, "{} {name}", seconds / unit);
            }
        }
        if seconds >= 2 { write!(f, "{seconds} s") } else { write!(f, "{} ms", self.0.as_millis()) }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { rule, age, period } => {
                let been = match rule {
                    Rule::OriginatorUsage | Rule::HardEnd => "active",
                    Rule::RecipientUsage => "inactive",
                    _ => "retired",
                };
                write!(f, "it has been {been} for {} of {}", Spoken(*age), Spoken(*period))
            }
            Self::Usage { encryptions, due_from, limit } => {
                write!(f, "it has encrypted {encryptions} times, due from {due_from} of {limit}")
            }
        }
    }
}

impl fmt::Display for DueStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activate { id, from, because } => {
                write!(f, "activate {id} in the place of {from}: {because}")
            }
            Self::Retire { id, because } => write!(f, "retire {id}: {because}"),
            Self::Destroy { id, because } => {
                write!(f, "destroy {id}, if nothing needs it: {because}")
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StagedKey { needed_by } => {
                write!(f, "a new key: add one (needed by {needed_by})")
            }
            Self::Propagation { id, allowed_from } => {
                write!(f, "time for every process to load {id}: wait until {allowed_from}")
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAge { id, rule } => {
                write!(f, "key {id} is of unknown age: nothing can be said about its {rule}")
            }
            Self::InTheFuture { id, rule, since } => {
                write!(
                    f,
                    "the {rule} of key {id} begins at {since}, which is yet to come: check the clocks"
                )
            }
            Self::UnknownUsage { id } => {
                write!(
                    f,
                    "how often key {id} has encrypted is not known: nothing can be said about its usage limit"
                )
            }
        }
    }
}

impl fmt::Display for Upcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, id, rule } = self;
        match rule {
            Rule::OriginatorUsage => write!(f, "key {id} is due to be replaced from {at}"),
            Rule::HardEnd => write!(f, "key {id} no longer encrypts from {at}"),
            Rule::Propagation => write!(f, "a new key is needed by {at}, to replace {id}"),
            Rule::RecipientUsage => write!(f, "key {id} is due to be retired from {at}"),
            Rule::Grace => write!(f, "key {id} no longer decrypts from {at}"),
            Rule::Retention => write!(f, "key {id} is due to be destroyed from {at}"),
            rule => write!(f, "the {rule} of key {id} ends at {at}"),
        }
    }
}

impl fmt::Display for RotationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at {}", self.made_at)?;
        let rows = |head, lines: Vec<String>| (head, lines);
        let mut tables = [
            rows("due", self.due.iter().map(ToString::to_string).collect()),
            rows("missing", self.missing.iter().map(ToString::to_string).collect()),
            rows("unclear", self.doubts.iter().map(ToString::to_string).collect()),
            rows("next", self.upcoming.iter().map(ToString::to_string).collect()),
        ];
        if let (true, Some((_, due))) = (self.due.is_empty(), tables.first_mut()) {
            due.push(String::from("nothing"));
        }
        for (head, lines) in &tables {
            for (n, line) in lines.iter().enumerate() {
                writeln!(f, "{:<9}{line}", if n == 0 { head } else { "" })?;
            }
        }
        Ok(())
    }
}
