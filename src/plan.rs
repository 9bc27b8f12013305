//! Plans: the steps that a policy makes due, as data that prints.

use alloc::vec::Vec;
use core::time::Duration;

use crate::id::KeyId;
use crate::key::KeyInfo;
use crate::policy::{Cryptoperiods, RotationPolicy, Usage, UsageLimit};
use crate::refusal::Rule;
use crate::ring::{Keyring, KeyringState};
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

mod display;

/// The answer of [`Cryptoperiods::plan`]: the steps that are due, what is missing for them, what
/// comes next, and when to look again.
///
/// It is data: nothing is done by itself. It prints as a table for a person on call.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::{Usage, days};
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
///
/// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", start).activate(start));
/// let later = start.saturating_add(days(80));
/// let _ = ring.add(Key::new(KeyId::from_static("k2"), "cipher", later), later)?;
///
/// let policy = Cryptoperiods::builder().originator_usage(days(90)).propagation(days(2)).build()?;
/// let plan = policy.plan(&ring, Usage::UNKNOWN, start.saturating_add(days(91)));
/// assert_eq!(
///     plan.to_string(),
///     "\
/// at 2026-04-02T00:00:00.000Z
/// due      activate k2 in the place of k1: it has been active for 91 d of 90 d
/// "
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "a plan does nothing by itself: carry its steps out, or show it to somebody"]
pub struct RotationPlan {
    made_at: Timestamp,
    due: Vec<DueStep>,
    missing: Vec<Missing>,
    doubts: Vec<Doubt>,
    upcoming: Vec<Upcoming>,
}

/// A step that is due.
///
/// [`RotationService::apply`](crate::RotationService::apply) carries it out on a store.
///
/// # Examples
///
/// ```
/// use key_rotation::error::EntryError;
/// use key_rotation::plan::DueStep;
/// use key_rotation::{Inactive, Keyring, Retired, Timestamp};
///
/// /// Carries a step out on a ring in memory.
/// fn carry_out(ring: &mut Keyring, step: &DueStep, at: Timestamp) -> Result<(), EntryError> {
///     match step {
///         DueStep::Activate { id, .. } => drop(ring.rotate_to(id.as_str(), at)?),
///         DueStep::Retire { id, .. } => drop(ring.entry::<Inactive>(id.as_str())?.retire(at)),
///         DueStep::Destroy { id, .. } => drop(ring.entry::<Retired>(id.as_str())?.destroy(at)),
///         other => println!("not known here: {other}"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "who carries steps out handles each")]
pub enum DueStep {
    /// Another key is to become active.
    Activate {
        /// The key to activate.
        id: KeyId,
        /// The key that is active, and the one that is due to be replaced.
        from: KeyId,
        /// The reason.
        because: Because,
    },
    /// An inactive key is to be retired.
    Retire {
        /// The key to retire.
        id: KeyId,
        /// The reason.
        because: Because,
    },
    /// A retired key is to be destroyed, once nothing that it encrypted is needed.
    Destroy {
        /// The key to destroy.
        id: KeyId,
        /// The reason.
        because: Because,
    },
}

/// The reason why something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Because {
    /// A period is over.
    Age {
        /// The rule whose period it is.
        rule: Rule,
        /// The time since the period began.
        age: Duration,
        /// The length of the period.
        period: Duration,
    },
    /// The soft share of the usage limit is reached.
    Usage {
        /// The number of encryptions.
        encryptions: u64,
        /// The number from which a rotation is due.
        due_from: u64,
        /// The number that is allowed.
        limit: UsageLimit,
    },
}

/// An obstacle to a rotation that is due, or that will be soon.
///
/// # Examples
///
/// ```
/// use key_rotation::plan::Missing;
/// use key_rotation::policy::{Usage, days};
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
///
/// let start = Timestamp::from_unix_millis(1);
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", start).activate(start));
/// let late = start.saturating_add(days(91));
/// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::UNKNOWN, late);
/// assert!(matches!(plan.missing(), [Missing::StagedKey { .. }]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Missing {
    /// There is no key that waits to be activated.
    StagedKey {
        /// The latest time to add it, so that every process has it when it is activated.
        needed_by: Timestamp,
    },
    /// A key waits to be activated, and is too young.
    Propagation {
        /// The key.
        id: KeyId,
        /// The time from which it may be activated.
        allowed_from: Timestamp,
    },
}

/// A gap in what is known, because of which the plan cannot say what is due.
///
/// # Examples
///
/// ```
/// use key_rotation::plan::Doubt;
/// use key_rotation::policy::Usage;
/// use key_rotation::{Cryptoperiods, KeyId, KeyRecord, KeyStatus, Keyring, Times, Timestamp};
///
/// // Its times were lost. That does not make it overdue.
/// let id = KeyId::from_static("k1");
/// let now = Timestamp::now();
/// let record = KeyRecord::new(id, KeyStatus::Active, now, "cipher").with_times(Times::default());
/// let ring = Keyring::from_records([record])?;
/// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now);
/// assert!(plan.due().is_empty());
/// assert!(matches!(plan.doubts(), [Doubt::UnknownAge { .. }]));
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Doubt {
    /// The time at which the rule's period began is not known.
    UnknownAge {
        /// The key.
        id: KeyId,
        /// The rule.
        rule: Rule,
    },
    /// The time at which the rule's period began is yet to come: a clock is wrong.
    InTheFuture {
        /// The key.
        id: KeyId,
        /// The rule.
        rule: Rule,
        /// The time.
        since: Timestamp,
    },
    /// There is a usage limit, and the usage is not known.
    UnknownUsage {
        /// The active key.
        id: KeyId,
    },
}

/// An event that comes later: the end of a period. It prints as the end of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "the tests of a reader of plans write it")]
pub struct Upcoming {
    /// The time of the event.
    pub at: Timestamp,
    /// The key that it is about.
    pub id: KeyId,
    /// The rule whose period ends then.
    pub rule: Rule,
}

impl Cryptoperiods {
    /// Works out the steps that are due, what is missing for them, what comes next, and when to
    /// look again.
    ///
    /// The same ring, usage and time give the same plan, and nothing is done. A key that was active
    /// before is never planned to be activated again.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::{Usage, days};
    /// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", start).activate(start));
    /// let _ = ring.add(Key::new(KeyId::from_static("k2"), "cipher", start), start)?;
    ///
    /// let now = start.saturating_add(days(91));
    /// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::UNKNOWN, now);
    /// assert_eq!(plan.due().len(), 1);
    /// println!("{plan}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan<M>(&self, ring: &Keyring<M>, usage: Usage, now: Timestamp) -> RotationPlan {
        RotationPlan::new(self, &ring.state(), usage, now)
    }
}

impl RotationPlan {
    fn new(policy: &Cryptoperiods, ring: &KeyringState, usage: Usage, now: Timestamp) -> Self {
        let mut plan = Self {
            made_at: now,
            due: Vec::new(),
            missing: Vec::new(),
            doubts: Vec::new(),
            upcoming: Vec::new(),
        };
        plan.rotation(policy, ring, usage);
        for key in ring.keys() {
            let since = key.times.status_since(key.status);
            match key.status {
                // A revoked key waits for a person.
                KeyStatus::Active | KeyStatus::Revoked => {}
                KeyStatus::Inactive if key.is_staged() => {}
                KeyStatus::Inactive => {
                    if let Some(because) = plan.age(policy, key, Rule::RecipientUsage, since) {
                        plan.due.push(DueStep::Retire { id: key.id.clone(), because });
                    }
                }
                KeyStatus::Retired => {
                    // The policy enforces the end of the grace by itself; it is only foretold.
                    let _ = plan.age(policy, key, Rule::Grace, since);
                    if let Some(because) = plan.age(policy, key, Rule::Retention, since) {
                        plan.due.push(DueStep::Destroy { id: key.id.clone(), because });
                    }
                }
            }
        }
        plan.upcoming.sort();
        plan
    }

    /// Finds out if the active key is to be replaced, by which key, and what that waits for.
    fn rotation(&mut self, policy: &Cryptoperiods, ring: &KeyringState, usage: Usage) {
        let active = ring.active();
        let since = active.times.activated_at;
        let _ = self.age(policy, active, Rule::HardEnd, since);
        let by_age = self.age(policy, active, Rule::OriginatorUsage, since);
        let by_usage = self.usage(policy, active, usage);

        let period = policy.period(Rule::OriginatorUsage);
        let due_at = match (by_usage, period, since) {
            (Some(_), _, _) => Some(self.made_at),
            (None, Some(period), Some(since)) => Some(since.saturating_add(period)),
            _ => None,
        };
        let Some(due_at) = due_at else { return };
        let because = by_age.or(by_usage);

        let staged = || ring.keys().filter(|key| key.is_staged());
        let ready = staged().find(|key| policy.may_activate(key, self.made_at).is_ok());
        match (because, ready) {
            (Some(because), Some(ready)) => self.due.push(DueStep::Activate {
                id: ready.id.clone(),
                from: active.id.clone(),
                because,
            }),
            (Some(_), None) => self.missing.extend(staged().filter_map(|key| {
                let allowed_from = policy.may_activate(key, self.made_at).err()?.allowed_from()?;
                Some(Missing::Propagation { id: key.id.clone(), allowed_from })
            })),
            (None, _) => {}
        }
        if ready.is_none() {
            for key in staged().filter(|key| key.times.added_at.is_none()) {
                self.doubts.push(Doubt::UnknownAge { id: key.id.clone(), rule: Rule::Propagation });
            }
        }
        if staged().next().is_none() {
            let propagation = policy.period(Rule::Propagation).unwrap_or_default();
            let needed_by = due_at.saturating_sub(propagation);
            if self.made_at >= needed_by {
                self.missing.push(Missing::StagedKey { needed_by });
            } else {
                self.upcoming.push(Upcoming {
                    at: needed_by,
                    id: active.id.clone(),
                    rule: Rule::Propagation,
                });
            }
        }
    }

    fn usage(&mut self, policy: &Cryptoperiods, active: &KeyInfo, usage: Usage) -> Option<Because> {
        let (limit, due_from) = (policy.usage_limit()?, policy.soft_limit()?);
        let Some(encryptions) = usage.encryptions() else {
            self.doubts.push(Doubt::UnknownUsage { id: active.id.clone() });
            return None;
        };
        (encryptions >= due_from).then_some(Because::Usage { encryptions, due_from, limit })
    }

    /// Returns the reason, if the period that the rule gives a key is over. If it is not, its end
    /// is noted, or why that cannot be said.
    fn age(
        &mut self,
        policy: &Cryptoperiods,
        key: &KeyInfo,
        rule: Rule,
        since: Option<Timestamp>,
    ) -> Option<Because> {
        let period = policy.period(rule)?;
        let id = key.id.clone();
        let Some(since) = since else {
            self.doubts.push(Doubt::UnknownAge { id, rule });
            return None;
        };
        if since > self.made_at {
            self.doubts.push(Doubt::InTheFuture { id: id.clone(), rule, since });
        }
        let ends = since.saturating_add(period);
        if self.made_at >= ends {
            let age = self.made_at.saturating_duration_since(since);
            return Some(Because::Age { rule, age, period });
        }
        self.upcoming.push(Upcoming { at: ends, id, rule });
        None
    }

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

    /// Lists the obstacles to a rotation that is due, or that will be soon.
    #[must_use]
    pub fn missing(&self) -> &[Missing] {
        &self.missing
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

    /// Returns the time to ask again if nothing changes before. `None` means that no rule waits for
    /// anything.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::{Usage, days};
    /// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
    ///
    /// let now = Timestamp::now();
    /// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now);
    /// assert_eq!(plan.look_again_at(), Some(now.saturating_add(days(88))));
    /// ```
    #[must_use]
    pub fn look_again_at(&self) -> Option<Timestamp> {
        let waiting = self.missing.iter().filter_map(|missing| match missing {
            Missing::Propagation { allowed_from, .. } => Some(*allowed_from),
            Missing::StagedKey { .. } => None,
        });
        self.upcoming.iter().map(|upcoming| upcoming.at).chain(waiting).min()
    }
}
