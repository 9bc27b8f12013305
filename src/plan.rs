//! Plans: the steps that a policy makes due, as data that prints.

use alloc::vec::Vec;
use core::time::Duration;

use crate::id::KeyId;
use crate::key::KeyInfo;
use crate::policy::{Due, Evidence, Fleet, Refusal, RotationPolicy, Step, Timing, Until};
use crate::ring::KeyringState;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

pub use self::forecast::{Forecast, Foreseen, forecast};

mod display;
mod forecast;

/// Works out the steps that are due, those that are due and cannot be done yet, what comes next, and
/// when to look again.
///
/// It works for every policy. The same ring, fleet and time give the same plan, and nothing is done.
///
/// # Examples
///
/// ```
/// use key_rotation::plan::plan;
/// use key_rotation::policy::{Fleet, days};
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
///
/// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", start).activate(start));
/// let _ = ring.add(Key::new(KeyId::from_static("k2"), "cipher", start), start)?;
///
/// let now = start.saturating_add(days(91));
/// let plan = plan(&Cryptoperiods::QUARTERLY, &ring.state(), &Fleet::UNKNOWN, now);
/// assert_eq!(plan.due().len(), 1);
/// println!("{plan}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan(
    policy: &dyn RotationPolicy,
    ring: &KeyringState,
    fleet: &Fleet,
    now: Timestamp,
) -> RotationPlan {
    let timing = policy.timing();
    let plan = RotationPlan {
        made_at: now,
        due: Vec::new(),
        blocked: Vec::new(),
        doubts: Vec::new(),
        upcoming: Vec::new(),
        failing: None,
        timing,
    };
    Planner { policy, ring, fleet, plan }.plan()
}

/// The answer of [`plan`]: the steps that are due, what cannot be done yet, what comes next, and when
/// to look again.
///
/// It is data: nothing is done by itself. It prints as a table for a person on call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "a plan does nothing by itself: carry its steps out, or show it to somebody"]
pub struct RotationPlan {
    made_at: Timestamp,
    due: Vec<DueStep>,
    blocked: Vec<Blocked>,
    doubts: Vec<Doubt>,
    upcoming: Vec<Upcoming>,
    failing: Option<Refusal>,
    timing: Timing,
}

/// A step that is due, and that the policy allows.
///
/// [`RotationService::apply`](crate::RotationService::apply) carries it out on a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "who carries steps out reads it field by field")]
pub struct DueStep {
    /// The step.
    pub step: Step,
    /// The key that it is about; of [`Step::Stage`], the active key, which has no spare.
    pub id: KeyId,
    /// The time from which it is due.
    pub from: Timestamp,
    /// The reason.
    pub because: Because,
}

/// A step that is due, and that the policy does not allow yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "who carries steps out reads it field by field")]
pub struct Blocked {
    /// The step.
    pub step: Step,
    /// The key that it is about.
    pub id: KeyId,
    /// The time from which it is due.
    pub from: Timestamp,
    /// The policy's reason.
    pub reason: Refusal,
}

/// The reason why something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Because {
    /// The key has been what it is for so long.
    Age(Duration),
    /// The key has encrypted so often.
    Usage(u64),
    /// There is no key that could take the place of the active one.
    NoSpare,
    /// It is not known since when the key is what it is.
    Undated,
    /// There are more staged keys than are needed, or one that cannot be used.
    Surplus,
}

/// A gap in what is known, because of which the plan cannot say what is due.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Doubt {
    /// A time of the key is yet to come: a clock is wrong.
    InTheFuture {
        /// The key.
        id: KeyId,
        /// The time.
        at: Timestamp,
    },
    /// There is a usage limit, and nobody reports how often the key has encrypted.
    UnknownUsage {
        /// The active key.
        id: KeyId,
    },
}

/// A step that will be due. It prints as the end of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "the tests of a reader of plans write it")]
pub struct Upcoming {
    /// The time from which it is due.
    pub at: Timestamp,
    /// The step.
    pub step: Step,
    /// The key that it is about.
    pub id: KeyId,
}

/// How a ring is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "an alarm handles each")]
pub enum Health {
    /// Nothing is due.
    Ok,
    /// Something is due.
    Due,
    /// Something has been due for too long.
    Overdue {
        /// The time from which it has been due.
        since: Timestamp,
        /// The step, and what is in its way.
        because: Refusal,
    },
    /// The policy does not let the active key encrypt.
    Failing {
        /// The policy's reason.
        because: Refusal,
    },
}

struct Planner<'p> {
    policy: &'p dyn RotationPolicy,
    ring: &'p KeyringState,
    fleet: &'p Fleet,
    plan: RotationPlan,
}

/// A staged key, and whether it can be activated.
struct Spare<'p> {
    key: &'p KeyInfo,
    refusal: Option<Refusal>,
}

impl Spare<'_> {
    fn is_ready(&self) -> bool {
        self.refusal.is_none()
    }

    fn is_hopeless(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.stands_until() >= Until::Hopeless)
    }
}

impl<'p> Planner<'p> {
    fn plan(mut self) -> RotationPlan {
        let active = self.ring.active();
        let usage = self.fleet.encryptions(&active.id);
        self.plan.failing = self.policy.may_encrypt(active, usage, self.plan.made_at).err();
        let is_limited =
            self.policy.may_encrypt(active, Some(u64::MAX), self.plan.made_at).is_err();
        if usage.is_none() && is_limited && self.plan.failing.is_none() {
            self.plan.doubts.push(Doubt::UnknownUsage { id: active.id.clone() });
        }
        for key in self.ring.keys() {
            self.dates(key);
        }
        let spares = self.spares();
        self.rotation(&spares, usage);
        self.spare(&spares);
        self.surplus(&spares);
        for key in self.ring.keys() {
            self.end(key);
        }
        self.plan.due.sort_by_key(|due| due.step);
        self.plan.blocked.sort_by_key(|blocked| blocked.step);
        self.plan.upcoming.sort();
        self.plan
    }

    fn dates(&mut self, key: &KeyInfo) {
        let at = self.plan.made_at;
        if let Due::From(_) = self.policy.due(Step::Date, key, self.fleet) {
            self.due(Step::Date, key, at, Because::Undated);
        }
        if let Some(latest) = key.times.latest().filter(|latest| *latest > at) {
            self.plan.doubts.push(Doubt::InTheFuture { id: key.id.clone(), at: latest });
        }
    }

    fn spares(&self) -> Vec<Spare<'p>> {
        let staged = self.ring.keys().filter(|key| key.is_staged());
        let judged = staged.map(|key| Spare {
            key,
            refusal: self.policy.may_activate(key, self.fleet, self.plan.made_at).err(),
        });
        judged.collect()
    }

    /// Finds out if the active key is to be replaced, by which key, and what that waits for.
    fn rotation(&mut self, spares: &[Spare<'_>], usage: Option<u64>) {
        let active = self.ring.active();
        let from = match self.policy.due(Step::Activate, active, self.fleet) {
            Due::From(from) => from,
            Due::Never | Due::Unknown => return,
        };
        if from > self.plan.made_at {
            return self.upcoming(from, Step::Activate, active);
        }
        // What is due by usage has been so since nobody knows when.
        let (from, because) = match (from == Timestamp::UNIX_EPOCH, usage) {
            (true, Some(usage)) => (self.plan.made_at, Because::Usage(usage)),
            _ => (from, self.age(active)),
        };
        if let Some(ready) = spares.iter().find(|spare| spare.is_ready()) {
            return self.due(Step::Activate, ready.key, from, because);
        }
        let mut waiting: Vec<&Spare<'_>> = spares.iter().collect();
        waiting.sort_by_key(|spare| spare.refusal.as_ref().map(Refusal::stands_until));
        let (id, reason) = match waiting.first() {
            Some(Spare { key, refusal: Some(reason) }) => (&key.id, reason.clone()),
            _ => (&active.id, Refusal::new("no key is staged that could take its place")),
        };
        self.plan.blocked.push(Blocked { step: Step::Activate, id: id.clone(), from, reason });
    }

    /// Finds out if a new key is needed: there is always one that everybody has.
    fn spare(&mut self, spares: &[Spare<'_>]) {
        let active = self.ring.active();
        let is_asked_for = self.policy.due(Step::Stage, active, self.fleet) != Due::Never;
        let has_spare = spares.iter().any(|spare| !spare.is_hopeless());
        if is_asked_for && !has_spare && spares.len() < 2 {
            let from = active.times.activated_at.unwrap_or(self.plan.made_at);
            self.due(Step::Stage, active, from.min(self.plan.made_at), Because::NoSpare);
        }
    }

    /// Finds staged keys that are one too many, or that can never be used.
    fn surplus(&mut self, spares: &[Spare<'_>]) {
        if self.policy.due(Step::Stage, self.ring.active(), self.fleet) == Due::Never {
            return;
        }
        let mut hopeless = spares.iter().filter(|spare| spare.is_hopeless());
        let given_up = match spares {
            [] | [_] => return,
            [_, later] if spares.iter().all(Spare::is_hopeless) => {
                let added_at = later.key.times.added_at;
                let there = added_at.map(|at| at.saturating_add(self.plan.timing.propagation));
                if there.is_some_and(|there| there <= self.plan.made_at) {
                    hopeless.next()
                } else {
                    None
                }
            }
            [_, _] if spares.iter().any(Spare::is_ready) => hopeless.next(),
            [_, _] => None,
            [.., last] => hopeless.next().or(Some(last)),
        };
        if let Some(given_up) = given_up {
            self.due(Step::Discard, given_up.key, self.plan.made_at, Because::Surplus);
        }
    }

    /// Finds out if a key that is not active any more is to be retired, revoked or destroyed.
    fn end(&mut self, key: &KeyInfo) {
        let steps: &[Step] = match key.status {
            KeyStatus::Active => &[],
            KeyStatus::Inactive => &[Step::Retire],
            KeyStatus::Retired => &[Step::Revoke, Step::Destroy],
            KeyStatus::Revoked => &[Step::Destroy],
        };
        for &step in steps {
            let Due::From(from) = self.policy.due(step, key, self.fleet) else { continue };
            if from > self.plan.made_at {
                self.upcoming(from, step, key);
                continue;
            }
            let (fleet, none, at) = (self.fleet, &Evidence::None, self.plan.made_at);
            let allowed = match step {
                Step::Retire => self.policy.may_retire(key, fleet, none, at),
                Step::Revoke => self.policy.may_revoke(key, fleet, none, at),
                _ => self.policy.may_destroy(key, fleet, none, at),
            };
            match allowed {
                Ok(()) => self.due(step, key, from, self.age(key)),
                Err(reason) => {
                    self.plan.blocked.push(Blocked { step, id: key.id.clone(), from, reason });
                }
            }
        }
    }

    fn age(&self, key: &KeyInfo) -> Because {
        let since = key.times.status_since(key.status).unwrap_or(self.plan.made_at);
        Because::Age(self.plan.made_at.saturating_duration_since(since))
    }

    fn due(&mut self, step: Step, key: &KeyInfo, from: Timestamp, because: Because) {
        self.plan.due.push(DueStep { step, id: key.id.clone(), from, because });
    }

    fn upcoming(&mut self, at: Timestamp, step: Step, key: &KeyInfo) {
        self.plan.upcoming.push(Upcoming { at, step, id: key.id.clone() });
    }
}

impl RotationPlan {
    /// Returns the time for which the plan was made, as the caller said.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// Lists the steps that are due, in the order in which they can be carried out.
    #[must_use]
    pub fn due(&self) -> &[DueStep] {
        &self.due
    }

    /// Lists the steps that are due and that the policy does not allow yet, each with its reason.
    #[must_use]
    pub fn blocked(&self) -> &[Blocked] {
        &self.blocked
    }

    /// Lists the gaps in what is known: times and counts that are missing or cannot be true.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// Lists what comes later, the earliest first.
    #[must_use]
    pub fn upcoming(&self) -> &[Upcoming] {
        &self.upcoming
    }

    /// Returns how the ring is, for an alarm.
    #[must_use]
    pub fn health(&self) -> Health {
        if let Some(because) = &self.failing {
            return Health::Failing { because: because.clone() };
        }
        let due = self.due.iter().map(|due| (due.from, Refusal::new(due.in_words())));
        let blocked = self.blocked.iter().map(|blocked| (blocked.from, blocked.reason.clone()));
        let earliest = due.chain(blocked).min_by_key(|(from, _)| *from);
        match earliest {
            None => Health::Ok,
            Some((since, because)) if self.alarm_at(since) <= self.made_at => {
                Health::Overdue { since, because }
            }
            Some(_) => Health::Due,
        }
    }

    /// Returns the time to ask again if nothing changes before. It is never `None` while something is
    /// due or blocked.
    #[must_use]
    pub fn look_again_at(&self) -> Option<Timestamp> {
        if !self.due.is_empty() {
            return Some(self.made_at);
        }
        let soon = self.timing.max_staleness.max(Duration::from_secs(60));
        let waiting = self.blocked.iter().map(|blocked| match blocked.reason.stands_until() {
            Until::At(at) => at,
            _ => self.made_at.saturating_add(soon),
        });
        self.upcoming.iter().map(|upcoming| upcoming.at).chain(waiting).min()
    }

    fn alarm_at(&self, from: Timestamp) -> Timestamp {
        from.saturating_add(self.timing.overdue_after)
    }
}
