//! [`RotationPlan`]: what is due, as data that prints.

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

/// What is due now, what is missing for it, what comes next, and when to look again: the answer of
/// [`Cryptoperiods::plan`]. It is data, and nothing is done by itself.
///
/// It prints as a table for a person on call:
///
/// ```
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage, days};
///
/// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), start).activate(start));
/// let _ = ring.add(Key::new(KeyId::from_static("k2"), (), start.saturating_add(days(80))))?;
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
/// ```
/// use key_rotation::{DueStep, Keyring, EntryError, Inactive, Retired, Timestamp};
///
/// /// Carries a step out on a ring in memory.
/// fn carry_out(ring: &mut Keyring, step: &DueStep, at: Timestamp) -> Result<(), EntryError> {
///     match step {
///         DueStep::Activate { id, .. } => drop(ring.rotate_to(id.as_str(), at)?),
///         DueStep::Retire { id, .. } => drop(ring.entry::<Inactive>(id.as_str())?.retire(at)),
///         DueStep::Destroy { id, .. } => drop(ring.entry::<Retired>(id.as_str())?.destroy(at)),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DueStep {
    /// Another key is to become active.
    Activate {
        /// The key to activate.
        id: KeyId,
        /// The key that is active, and the one that is due to be replaced.
        from: KeyId,
        /// Why.
        because: Because,
    },
    /// An inactive key is to be retired.
    Retire {
        /// The key to retire.
        id: KeyId,
        /// Why.
        because: Because,
    },
    /// A retired key is to be destroyed, once nothing that it encrypted is needed.
    Destroy {
        /// The key to destroy.
        id: KeyId,
        /// Why.
        because: Because,
    },
}

/// Why something is due.
///
/// ```
/// use key_rotation::{Because, Rule, days};
/// let because = Because::Age { rule: Rule::Retention, age: days(31), period: days(30) };
/// assert_eq!(because.to_string(), "it has been retired for 31 d of 30 d");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Because {
    /// A period is over.
    Age {
        /// The rule whose period it is.
        rule: Rule,
        /// How long it has been.
        age: Duration,
        /// How long it was to be.
        period: Duration,
    },
    /// The soft share of the usage limit is reached.
    Usage {
        /// How many encryptions there were.
        encryptions: u64,
        /// From how many on a rotation is due.
        due_from: u64,
        /// How many there may be.
        limit: UsageLimit,
    },
}

/// What keeps a rotation from being carried out, or will soon.
///
/// ```
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Missing, Timestamp, Usage, days};
///
/// let start = Timestamp::from_unix_millis(1);
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), start).activate(start));
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
        /// When it must be in the store at the latest, so that every process has it in time.
        needed_by: Timestamp,
    },
    /// A key waits to be activated, and is too young.
    Propagation {
        /// The key.
        id: KeyId,
        /// From when on it may be activated.
        allowed_from: Timestamp,
    },
}

/// A time that makes it impossible to say what is due.
///
/// ```
/// use key_rotation::{Cryptoperiods, Doubt, Key, KeyId, Keyring, Rule, Timestamp, Usage};
///
/// // Its times were lost: that is not fifty years overdue.
/// let unknown = Timestamp::UNIX_EPOCH;
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), unknown).activate(unknown));
/// let plan = Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), Timestamp::now());
/// assert!(plan.due().is_empty());
/// let id = KeyId::from_static("k1");
/// assert_eq!(plan.doubts(), [Doubt::UnknownAge { id, rule: Rule::OriginatorUsage }]);
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

/// Something that comes later.
///
/// ```
/// use key_rotation::{KeyId, Rule, Timestamp, Upcoming};
/// let upcoming = Upcoming {
///     at: Timestamp::from_unix_millis(1_000),
///     id: KeyId::from_static("k1"),
///     rule: Rule::Grace,
/// };
/// assert_eq!(upcoming.to_string(), "key k1 no longer decrypts from 1970-01-01T00:00:01.000Z");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Upcoming {
    /// When.
    pub at: Timestamp,
    /// The key that it is about.
    pub id: KeyId,
    /// The rule whose period ends then.
    pub rule: Rule,
}

impl Cryptoperiods {
    /// What is due now, what is missing for it, what comes next, and when to look again.
    ///
    /// A pure question: the same ring, usage and time give the same plan, and nothing is done. A
    /// key that was active before is never a candidate, whether or not it may be activated again.
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage, days};
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), start).activate(start));
    /// let _ = ring.add(Key::new(KeyId::from_static("k2"), (), start))?;
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
    fn new(
        policy: &Cryptoperiods,
        ring: &KeyringState,
        usage: Usage,
        now: Timestamp,
    ) -> Self {
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

    /// Whether the active key is to be replaced, by which key, and what that waits for.
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

    /// Whether the period that the rule gives a key is over. If not, it is noted when it will be,
    /// or why that cannot be said.
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

    /// When the plan was made, as its maker said.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now).made_at(), now);
    /// ```
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// What is due, in the order in which it can be carried out.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now).due().is_empty());
    /// ```
    #[must_use]
    pub fn due(&self) -> &[DueStep] {
        &self.due
    }

    /// What keeps a rotation from being carried out, or will soon.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now).missing().is_empty());
    /// ```
    #[must_use]
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// What cannot be said, because a time or a count is not known or cannot be true.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now).doubts().is_empty());
    /// ```
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// What comes later, the earliest first.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(!Cryptoperiods::QUARTERLY.plan(&ring, Usage::of(0), now).upcoming().is_empty());
    /// ```
    #[must_use]
    pub fn upcoming(&self) -> &[Upcoming] {
        &self.upcoming
    }

    /// When to ask again, if nothing changes before; `None` when no rule has anything to wait for.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp, Usage, days};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
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
