//! The rules of [`Cryptoperiods`]: permissions and obligations.
//!
//! The letters in comments are those of the design: D is the staleness, S the skew of clocks, L the life
//! of data, W the delay of writes, M the staleness of readers, G the grace, R the retention, X how long a
//! key is disabled before it is destroyed, O and U the usage periods, H the hard end.

use alloc::format;
use core::time::Duration;

use super::super::{Due, Evidence, Fleet, Refusal, RotationPolicy, Rule, Step, Timing, Until};
use super::{Cryptoperiods, CryptoperiodsBuilder};
use crate::key::KeyInfo;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

impl RotationPolicy for Cryptoperiods {
    fn timing(&self) -> Timing {
        let rules = &self.rules;
        Timing {
            max_staleness: rules.max_staleness,
            clock_skew: rules.clock_skew,
            write_delay: rules.delay_of_writes(),
            propagation: rules.until_rumoured(),
            overdue_after: rules
                .overdue_after
                .unwrap_or(CryptoperiodsBuilder::DEFAULT_OVERDUE_AFTER),
        }
    }

    fn may_encrypt(
        &self,
        key: &KeyInfo,
        usage: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if key.status != KeyStatus::Active {
            return wrong_status(key, "encrypts");
        }
        if let (Some(limit), Some(count)) = (self.rules.usage_limit, usage) {
            if count >= limit.encryptions() {
                let reason = format!("it has encrypted {count} times, and is good for {limit}");
                return Err(Refusal::new(reason).by(Rule::UsageLimit).until(Until::Never));
            }
        }
        let Some(hard_end) = self.rules.hard_end else { return Ok(()) };
        let ended = known(key.times.activated_at, "it was activated")?.saturating_add(hard_end);
        if now >= ended {
            let reason = format!("its hard end was at {ended}");
            return Err(Refusal::new(reason).by(Rule::HardEnd).until(Until::Never));
        }
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        match key.status {
            KeyStatus::Active | KeyStatus::Inactive => Ok(()),
            KeyStatus::Revoked => wrong_status(key, "decrypts"),
            KeyStatus::Retired => match self.end_of_reading(key) {
                Some(end) if now >= end => {
                    let reason = format!("its grace period ended at {end}");
                    Err(Refusal::new(reason).by(Rule::Grace).until(Until::Never))
                }
                _ => Ok(()),
            },
        }
    }

    fn may_activate(&self, key: &KeyInfo, fleet: &Fleet, at: Timestamp) -> Result<(), Refusal> {
        if key.status != KeyStatus::Inactive {
            return wrong_status(key, "is activated");
        }
        if key.used && !self.rules.allow_reactivation {
            let reason = "it was active before, and its nonces or its usage may be spent";
            return Err(Refusal::new(reason).by(Rule::ForwardOnly).until(Until::Never));
        }
        let added_at = known(key.times.added_at, "it has been in the store")?;
        if added_at > at.saturating_add(self.rules.clock_skew) {
            let reason =
                format!("it was added at {added_at}, which is yet to come: a clock was wrong");
            return Err(Refusal::new(reason).by(Rule::KnownTimes).until(Until::Hopeless));
        }
        let allowed_from = added_at.saturating_add(self.rules.until_rumoured());
        if at < allowed_from {
            let reason = "it has not been in the store long enough for every process to have it";
            return Err(Refusal::new(reason).by(Rule::Propagation).until(allowed_from));
        }
        self.everybody_has(fleet, key.added_in, at, "has not loaded it")?;
        match fleet.nodes.iter().find(|node| node.unprepared.contains(&key.id)) {
            Some(node) if at < node.lease_end.saturating_add(self.rules.clock_skew) => {
                let reason = format!("process `{}` could not prepare it", node.node);
                Err(Refusal::new(reason).by(Rule::Reports))
            }
            _ => Ok(()),
        }
    }

    fn may_retire(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if key.status != KeyStatus::Inactive {
            return wrong_status(key, "is retired");
        }
        if !key.used || is_forced(evidence) {
            return Ok(());
        }
        let deactivated_at = known(key.times.deactivated_at, "another key took its place")?;
        let reason = "a process may still encrypt with it";
        wait(deactivated_at, self.rules.until_unretentive(), at, Rule::MaxStaleness, reason)?;
        self.everybody_has(fleet, key.deactivated_in, at, "may still encrypt with it")?;
        let Some(grace) = self.rules.grace else { return Ok(()) };
        match self.rules.data_lifetime {
            // From then on a clock ends its reading.
            None => self.not_needed(key, fleet, evidence, at),
            Some(lifetime) => {
                let Some(last) = fleet.last_encryption(&key.id) else { return Ok(()) };
                let needed = lifetime.saturating_add(self.rules.clock_skew).saturating_sub(grace);
                let reason = "a process has reported that it encrypted with it";
                after(last, needed, at, Rule::Reports, reason)
            }
        }
    }

    fn may_revoke(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if !matches!(key.status, KeyStatus::Inactive | KeyStatus::Retired) {
            return wrong_status(key, "is revoked");
        }
        if is_forced(evidence) {
            return Ok(());
        }
        self.not_needed(key, fleet, evidence, at)
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if !matches!(key.status, KeyStatus::Retired | KeyStatus::Revoked) {
            return wrong_status(key, "is destroyed");
        }
        if !key.used || is_forced(evidence) {
            return Ok(());
        }
        let skew = self.rules.clock_skew;
        if let Some(retention) = self.rules.retention {
            let gone = known(gone_at(key), "it was retired or revoked")?;
            wait(gone, retention, at, Rule::Retention, "it is kept for a while")?;
        }
        self.not_needed(key, fleet, evidence, at)?;
        let disable = self.rules.disable_before_destroy;
        if key.status == KeyStatus::Revoked {
            let Some(disabled) = self.rules.disabled() else { return Ok(()) };
            let revoked_at = known(key.times.revoked_at, "it was revoked")?;
            let reason = "it is disabled for a while, so that who still needs it is heard of";
            return wait(revoked_at, disabled, at, Rule::DisableBeforeDestroy, reason);
        }
        match (self.end_of_reading(key), disable) {
            (Some(end), disable) => {
                let rest = skew.saturating_add(disable.unwrap_or_default());
                wait(end, rest, at, Rule::Grace, "it may still decrypt")
            }
            (None, Some(_)) => {
                let reason = "it is revoked first, so that who still needs it is heard of";
                Err(Refusal::new(reason).by(Rule::DisableBeforeDestroy))
            }
            (None, None) => Ok(()),
        }
    }

    fn due(&self, step: Step, key: &KeyInfo, fleet: &Fleet) -> Due {
        match step {
            Step::Date if self.is_undated(key) => Due::From(Timestamp::UNIX_EPOCH),
            Step::Stage if self.asks_for_rotation() => Due::From(Timestamp::UNIX_EPOCH),
            Step::Activate => self.due_to_be_replaced(key, fleet),
            Step::Retire if key.status == KeyStatus::Inactive && key.used => {
                from(key.times.deactivated_at, self.rules.recipient_usage)
            }
            Step::Revoke => self.due_to_be_revoked(key),
            Step::Destroy => self.due_to_be_destroyed(key),
            Step::Date | Step::Stage | Step::Retire | Step::Discard => Due::Never,
        }
    }
}

impl Cryptoperiods {
    fn asks_for_rotation(&self) -> bool {
        self.rules.until_replaced().is_some() || self.rules.usage_limit.is_some()
    }

    /// True if something waits for a time of the key that nobody knows.
    fn is_undated(&self, key: &KeyInfo) -> bool {
        let times = &key.times;
        match key.status {
            KeyStatus::Active => {
                self.rules.until_replaced().is_some() && times.activated_at.is_none()
            }
            KeyStatus::Inactive if key.used => times.deactivated_at.is_none(),
            KeyStatus::Inactive => times.added_at.is_none(),
            KeyStatus::Retired => times.retired_at.is_none(),
            KeyStatus::Revoked => times.revoked_at.is_none(),
        }
    }

    /// `E`: when a retired key no longer decrypts, if it ends by itself.
    fn end_of_reading(&self, key: &KeyInfo) -> Option<Timestamp> {
        let grace = self.rules.grace?;
        let by_grace = key.times.retired_at?.saturating_add(grace);
        match self.rules.data_lifetime {
            _ if !key.used => Some(by_grace),
            Some(_) => Some(by_grace.max(self.end_of_data(key)?)),
            None => key.counted.then_some(by_grace),
        }
    }

    /// When nothing that the key has encrypted is needed any more, where data has a life.
    fn end_of_data(&self, key: &KeyInfo) -> Option<Timestamp> {
        let needed = self.rules.until_unretentive().saturating_add(self.rules.data_lifetime?);
        Some(key.times.deactivated_at?.saturating_add(needed))
    }

    /// No live process has a revision from before this one.
    fn everybody_has(
        &self,
        fleet: &Fleet,
        number: u64,
        at: Timestamp,
        what: &str,
    ) -> Result<(), Refusal> {
        let is_live = |end: Timestamp| at < end.saturating_add(self.rules.clock_skew);
        let behind = |revision: u64| revision < number;
        let mut nodes = fleet.nodes.iter();
        match nodes.find(|node| is_live(node.lease_end) && behind(node.revision.number)) {
            Some(node) => {
                let reason = format!("process `{}` {what}", node.node);
                Err(Refusal::new(reason).by(Rule::Reports))
            }
            None => Ok(()),
        }
    }

    /// Nothing needs the key any more: it was never used, its data has come to its end, or somebody
    /// has counted, late enough.
    fn not_needed(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if !key.used || (key.counted && key.status == KeyStatus::Retired) {
            return Ok(());
        }
        let skew = self.rules.clock_skew;
        let deactivated_at = known(key.times.deactivated_at, "another key took its place")?;
        if let Some(lifetime) = self.rules.data_lifetime {
            let needed = self.rules.until_unretentive().saturating_add(lifetime);
            let reason = "what it has encrypted may still be needed";
            wait(deactivated_at, needed, at, Rule::DataLifetime, reason)?;
            let Some(last) = fleet.last_encryption(&key.id) else { return Ok(()) };
            return after(last, lifetime.saturating_add(skew), at, Rule::Reports, reason);
        }
        let Some(counted_at) = counted_at(key, fleet, evidence)? else {
            let reason = "nobody has counted if its data is needed: count it, and state zero";
            return Err(Refusal::new(reason).by(Rule::NotNeeded));
        };
        if counted_at > at {
            let reason = format!("its data was counted at {counted_at}, which is yet to come");
            return Err(Refusal::new(reason).by(Rule::NotNeeded).until(counted_at));
        }
        let seen_from = deactivated_at.saturating_add(self.rules.until_countable());
        let last = fleet.last_encryption(&key.id);
        let delay = skew.saturating_add(self.rules.delay_of_writes());
        let is_late_enough = counted_at >= seen_from
            && last.is_none_or(|last| counted_at > last.saturating_add(delay));
        if !is_late_enough {
            let reason =
                format!("its data was counted at {counted_at}, before all of it could be seen");
            return Err(Refusal::new(reason).by(Rule::NotNeeded));
        }
        match fleet.last_decryption(&key.id) {
            Some(last) if last >= counted_at => {
                let reason = "a process has decrypted with it since its data was counted";
                Err(Refusal::new(reason).by(Rule::Reports))
            }
            _ => Ok(()),
        }
    }

    fn due_to_be_replaced(&self, active: &KeyInfo, fleet: &Fleet) -> Due {
        let used_up = self.soft_limit().zip(fleet.encryptions(&active.id));
        if used_up.is_some_and(|(limit, count)| count >= limit) {
            return Due::From(Timestamp::UNIX_EPOCH);
        }
        from(active.times.activated_at, self.rules.until_replaced())
    }

    fn due_to_be_destroyed(&self, key: &KeyInfo) -> Due {
        if !matches!(key.status, KeyStatus::Retired | KeyStatus::Revoked) {
            return Due::Never;
        }
        let Some(gone) = gone_at(key) else {
            return if self.rules.retention.is_some() { Due::Unknown } else { Due::Never };
        };
        if !key.used {
            return Due::From(gone);
        }
        let Some(retention) = self.rules.retention else { return Due::Never };
        let kept = gone.saturating_add(retention);
        let with_data = self.end_of_data(key).map_or(kept, |end| end.max(kept));
        let disable = self.rules.disable_before_destroy;
        let skew = self.rules.clock_skew;
        if key.status == KeyStatus::Revoked {
            return match (self.rules.disabled(), key.times.revoked_at) {
                (Some(disabled), Some(at)) => Due::From(with_data.max(at.saturating_add(disabled))),
                _ => Due::From(with_data),
            };
        }
        match (self.end_of_reading(key), disable) {
            (Some(end), disable) => {
                let rest = skew.saturating_add(disable.unwrap_or_default());
                Due::From(with_data.max(end.saturating_add(rest)))
            }
            (None, None) => Due::From(with_data),
            // It is revoked first.
            (None, Some(_)) => Due::Never,
        }
    }

    fn due_to_be_revoked(&self, key: &KeyInfo) -> Due {
        let is_first = key.status == KeyStatus::Retired
            && key.used
            && self.rules.disable_before_destroy.is_some()
            && self.end_of_reading(key).is_none();
        let (true, Some(retention), Some(disabled)) =
            (is_first, self.rules.retention, self.rules.disabled())
        else {
            return Due::Never;
        };
        let Some(gone) = gone_at(key) else { return Due::Unknown };
        let kept = gone.saturating_add(retention);
        let with_data = self.end_of_data(key).map_or(kept, |end| end.max(kept));
        Due::From(with_data.saturating_sub(disabled))
    }
}

fn is_forced(evidence: &Evidence) -> bool {
    matches!(evidence, Evidence::Forced(_))
}

/// The earlier of retired and revoked.
fn gone_at(key: &KeyInfo) -> Option<Timestamp> {
    match (key.times.retired_at, key.times.revoked_at) {
        (Some(retired), Some(revoked)) => Some(retired.min(revoked)),
        (retired, revoked) => retired.or(revoked),
    }
}

fn from(since: Option<Timestamp>, period: Option<Duration>) -> Due {
    match (since, period) {
        (_, None) => Due::Never,
        (None, Some(_)) => Due::Unknown,
        (Some(since), Some(period)) => Due::From(since.saturating_add(period)),
    }
}

/// The time of a count of zero: the caller's, or the fleet's.
fn counted_at(
    key: &KeyInfo,
    fleet: &Fleet,
    evidence: &Evidence,
) -> Result<Option<Timestamp>, Refusal> {
    let by_evidence = match evidence {
        Evidence::Unreferenced(counted) if *counted.id() == key.id => Some(counted.counted_at()),
        Evidence::Unreferenced(_) => {
            let reason = "the data that was counted is that of another key";
            return Err(Refusal::new(reason).by(Rule::NotNeeded));
        }
        Evidence::None | Evidence::Forced(_) => None,
    };
    match (by_evidence, fleet.latest_count(&key.id)) {
        (Some(at), Some(references)) if references.counted_at <= at => Ok(Some(at)),
        (_, Some(references)) if references.count > 0 => {
            let reason = format!("{} pieces of data need it", references.count);
            Err(Refusal::new(reason).by(Rule::NotNeeded))
        }
        (by_evidence, Some(references)) => Ok(by_evidence.max(Some(references.counted_at))),
        (by_evidence, None) => Ok(by_evidence),
    }
}

fn known(time: Option<Timestamp>, since: &str) -> Result<Timestamp, Refusal> {
    time.ok_or_else(|| {
        Refusal::new(format!("it is not known since when {since}")).by(Rule::KnownTimes)
    })
}

/// A wait of so long since a time. It is over at its end.
fn wait(
    since: Timestamp,
    period: Duration,
    at: Timestamp,
    rule: Rule,
    reason: &'static str,
) -> Result<(), Refusal> {
    let end = since.saturating_add(period);
    if at < end { Err(Refusal::new(reason).by(rule).until(end)) } else { Ok(()) }
}

/// A wait that is over after its end.
fn after(
    since: Timestamp,
    period: Duration,
    at: Timestamp,
    rule: Rule,
    reason: &'static str,
) -> Result<(), Refusal> {
    let end = since.saturating_add(period).saturating_add(Duration::from_millis(1));
    if at < end { Err(Refusal::new(reason).by(rule).until(end)) } else { Ok(()) }
}

fn wrong_status(key: &KeyInfo, what: &str) -> Result<(), Refusal> {
    let reason = format!("it is {}, and no such key {what}", key.status);
    Err(Refusal::new(reason).by(Rule::Status).until(Until::Never))
}
