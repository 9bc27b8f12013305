//! The text of a plan, for a person who is woken at three in the morning.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Because, Blocked, Doubt, DueStep, Health, RotationPlan, Upcoming};
use crate::policy::Step;

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

/// A step as an order: `activate k2`.
struct Order<'i>(Step, &'i str);

impl fmt::Display for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(step, id) = self;
        match step {
            Step::Date => write!(f, "date {id}, from now"),
            Step::Activate => write!(f, "activate {id}"),
            Step::Stage => write!(f, "stage a new key, to take the place of {id}"),
            Step::Discard => write!(f, "give {id} up, which was never used"),
            Step::Retire => write!(f, "retire {id}"),
            Step::Revoke => write!(f, "revoke {id}, to see that nobody needs it"),
            Step::Destroy => write!(f, "destroy {id}"),
        }
    }
}

impl DueStep {
    pub(super) fn in_words(&self) -> String {
        format!("it is due to {self}")
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(age) => write!(f, "{}", Spoken(*age)),
            Self::Usage(encryptions) => write!(f, "it has encrypted {encryptions} times"),
            Self::NoSpare => f.write_str("no other key waits"),
            Self::Undated => f.write_str("it is not known since when it is what it is"),
            Self::Surplus => {
                f.write_str("more keys are staged than are needed, or it cannot be used")
            }
        }
    }
}

impl fmt::Display for DueStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, id, from: _, because } = self;
        let order = Order(*step, id.as_str());
        let what = match (step, because) {
            (Step::Activate, Because::Age(_)) => "the active key has been so for ",
            (Step::Retire, Because::Age(_)) => "another key has been in its place for ",
            (_, Because::Age(_)) => "it has been what it is for ",
            _ => "",
        };
        write!(f, "{order}: {what}{because}")
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, id, from, reason } = self;
        write!(f, "{}, due since {from}: {reason}", Order(*step, id.as_str()))
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InTheFuture { id, at } => {
                write!(f, "key {id} carries {at}, which is yet to come: check the clocks")
            }
            Self::UnknownUsage { id } => write!(
                f,
                "how often key {id} has encrypted is not reported: nothing can be said about its usage limit"
            ),
        }
    }
}

impl fmt::Display for Upcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, step, id } = self;
        match step {
            Step::Activate => write!(f, "key {id} is due to be replaced from {at}"),
            _ => write!(f, "{}: due from {at}", Order(*step, id.as_str())),
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Due => f.write_str("due"),
            Self::Overdue { since, because } => write!(f, "OVERDUE since {since}: {because}"),
            Self::Failing { because } => write!(f, "FAILING: {because}"),
        }
    }
}

impl fmt::Display for RotationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at {}: {}", self.made_at, self.health())?;
        let mut tables = [
            ("due", self.due.iter().map(ToString::to_string).collect::<Vec<_>>()),
            ("blocked", self.blocked.iter().map(ToString::to_string).collect()),
            ("unclear", self.doubts.iter().map(ToString::to_string).collect()),
            ("next", self.upcoming.iter().map(ToString::to_string).collect()),
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
