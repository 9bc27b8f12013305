//! [`And`]: a policy that is made of two.

use super::{Due, Evidence, Fleet, Refusal, RotationPolicy, Step, Timing};
use crate::key::KeyInfo;
use crate::timestamp::Timestamp;

/// Two policies at once, as [`RotationPolicy::and`] makes them: what both allow is allowed, and of two
/// refusals the worse is said; what either makes due is due, at the earlier time.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::{Fleet, Refusal};
/// use key_rotation::{Cryptoperiods, KeyInfo, RotationPolicy, Timestamp};
///
/// struct NotOnFridays;
///
/// impl RotationPolicy for NotOnFridays {
///     fn may_activate(&self, _key: &KeyInfo, _: &Fleet, at: Timestamp) -> Result<(), Refusal> {
///         // 1970 began on a Thursday.
///         if at.as_unix_millis() / 86_400_000 % 7 == 1 {
///             return Err(Refusal::new("it is Friday"));
///         }
///         Ok(())
///     }
/// }
/// let policy = Cryptoperiods::QUARTERLY.and(NotOnFridays);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct And<A, B> {
    one: A,
    other: B,
}

impl<A, B> And<A, B> {
    pub(super) fn new(one: A, other: B) -> Self {
        Self { one, other }
    }
}

impl<A: RotationPolicy, B: RotationPolicy> RotationPolicy for And<A, B> {
    fn timing(&self) -> Timing {
        let (one, other) = (self.one.timing(), self.other.timing());
        Timing {
            max_staleness: one.max_staleness.max(other.max_staleness),
            clock_skew: one.clock_skew.max(other.clock_skew),
            write_delay: one.write_delay.max(other.write_delay),
            propagation: one.propagation.max(other.propagation),
            overdue_after: one.overdue_after.max(other.overdue_after),
        }
    }

    fn may_encrypt(
        &self,
        key: &KeyInfo,
        usage: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let one = self.one.may_encrypt(key, usage, now);
        Refusal::worse(one, self.other.may_encrypt(key, usage, now))
    }

    fn may_decrypt(&self, key: &KeyInfo, now: Timestamp) -> Result<(), Refusal> {
        Refusal::worse(self.one.may_decrypt(key, now), self.other.may_decrypt(key, now))
    }

    fn may_activate(&self, key: &KeyInfo, fleet: &Fleet, at: Timestamp) -> Result<(), Refusal> {
        let one = self.one.may_activate(key, fleet, at);
        Refusal::worse(one, self.other.may_activate(key, fleet, at))
    }

    fn may_retire(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let one = self.one.may_retire(key, fleet, evidence, at);
        Refusal::worse(one, self.other.may_retire(key, fleet, evidence, at))
    }

    fn may_revoke(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let one = self.one.may_revoke(key, fleet, evidence, at);
        Refusal::worse(one, self.other.may_revoke(key, fleet, evidence, at))
    }

    fn may_destroy(
        &self,
        key: &KeyInfo,
        fleet: &Fleet,
        evidence: &Evidence,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let one = self.one.may_destroy(key, fleet, evidence, at);
        Refusal::worse(one, self.other.may_destroy(key, fleet, evidence, at))
    }

    fn due(&self, step: Step, key: &KeyInfo, fleet: &Fleet) -> Due {
        self.one.due(step, key, fleet).earlier(self.other.due(step, key, fleet))
    }
}
