//! The service under rules of time: planning, and carrying steps out.

use alloc::vec::Vec;

use super::commit::Seen;
use super::compromise::not_supplied;
use super::{Outcome, RotationError, RotationService};
use crate::audit::Grounds;
use crate::evidence::Evidence;
use crate::fleet::{Fleet, References};
use crate::id::KeyId;
use crate::key::{Addition, Dating};
use crate::plan::{Blocked, DueStep, RotationPlan, plan};
use crate::policy::{RotationPolicy, Step};
use crate::refusal::Rule;
use crate::ring::{Keyring, KeyringState};
use crate::status::Inactive;
use crate::store::{Change, KeyProvider};
use crate::supplies::Supplies;
use crate::timestamp::Timestamp;

/// A key that is staged: it was added, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a key is added, or it is not needed")]
pub enum Staged {
    /// A new key was added.
    Added(Addition),
    /// A key that can be activated, or will be, is there already.
    Already(KeyId),
}

/// The result of [`RotationService::maintain`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what is blocked waits for somebody"]
#[expect(clippy::exhaustive_structs, reason = "a job reads it field by field")]
pub struct Maintenance {
    /// The steps that were carried out.
    pub done: Vec<DueStep>,
    /// The steps that are due and cannot be done yet.
    pub blocked: Vec<Blocked>,
    /// The time to call it again.
    pub look_again_at: Option<Timestamp>,
}

/// The steps of one call of `maintain`, at most: more than any ring needs.
const MOST_STEPS: usize = 64;

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Works out the plan for the store's ring. Where a count is what a step waits for, the service's
    /// supplies are asked for it.
    ///
    /// # Errors
    ///
    /// [`RotationError::Supplies`], and those of [`keyring`](Self::keyring).
    pub async fn plan(&self, now: Timestamp) -> Result<RotationPlan, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        let (plan, _) = self.plan_of(&seen, &ring.state(), now).await?;
        Ok(plan)
    }

    async fn plan_of(
        &self,
        seen: &Seen,
        ring: &KeyringState,
        now: Timestamp,
    ) -> Result<(RotationPlan, Fleet), RotationError<P::Error>> {
        let mut fleet = Fleet::UNKNOWN;
        let first = plan(&self.policy, ring, &fleet, now);
        for blocked in first.blocked() {
            if blocked.reason.rule() == Some(Rule::NotNeeded) {
                let counted = self.supplies.references(&blocked.id).await;
                if let Some(count) = counted.map_err(not_supplied(&seen.ring))? {
                    let id = blocked.id.clone();
                    fleet.references.push(References { id, count, counted_at: now });
                }
            }
        }
        if fleet.references.is_empty() {
            return Ok((first, fleet));
        }
        Ok((plan(&self.policy, ring, &fleet, now), fleet))
    }

    /// Carries a step of a plan out, if it is still due in the ring that the store has now.
    ///
    /// # Errors
    ///
    /// [`RotationError::Supplies`] if a new key is due and none can be made; and those of
    /// [`keyring`](Self::keyring) and of a commit. A ring that has changed since the plan was made is
    /// no error: the answer is [`Applied::Stale`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::days;
    /// use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// let start = Timestamp::now();
    /// let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", start), start).await?;
    /// # let _ = service.add(&Key::new(KeyId::from_static("k2"), "two", start), start).await?;
    /// # let now = start.saturating_add(days(91));
    /// for step in service.plan(now).await?.due() {
    ///     let applied = service.apply(step, now).await?;
    ///     println!("{step}: {applied:?}");
    /// }
    /// # assert_eq!(service.state().await?.active().id.as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn apply(
        &self,
        step: &DueStep,
        at: Timestamp,
    ) -> Result<Applied, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let (plan, fleet) = self.plan_of(&seen, &ring.state(), at).await?;
        let is_same = |due: &&DueStep| (due.step, &due.id) == (step.step, &step.id);
        let Some(due) = plan.due().iter().find(is_same) else {
            return Ok(Applied::Stale { now: ring.state() });
        };
        let id = due.id.as_str();
        match due.step {
            Step::Date => {
                let dating = Dating::new(due.id.clone(), at);
                let change = Change::Date(dating);
                Ok(self.commit(seen, change, (), Grounds::Ordinary, at).await?.into())
            }
            Step::Activate => {
                let decision = ring.rotate_to(id, at)?;
                Ok(self.commit_rotation(seen, decision, Grounds::Ordinary).await?.into())
            }
            Step::Stage => Ok(self.stage(at).await?.into()),
            Step::Discard | Step::Retire => {
                let retirement = ring.entry::<Inactive>(id)?.retire(at);
                Ok(self
                    .commit_retirement(seen, &ring, retirement, counted(&fleet, due))
                    .await?
                    .into())
            }
            Step::Revoke => {
                let reason = crate::text::AuditText::before_destruction();
                Ok(self.revoke_in(seen, ring, id, reason, at).await?.into())
            }
            Step::Destroy => {
                let evidence = counted(&fleet, due);
                Ok(self.destroy_in(seen, ring, id, evidence, &fleet, at).await?.into())
            }
        }
    }

    /// Adds a new key from the service's supplies, unless one is there that can be activated or will
    /// be. However many call it, one key is staged; what was made in vain is given back to the
    /// supplies.
    ///
    /// # Errors
    ///
    /// [`RotationError::Supplies`] if no key can be made, and those of [`keyring`](Self::keyring) and
    /// of a commit.
    pub async fn stage(&self, at: Timestamp) -> Result<Outcome<Staged>, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        if let Some(id) = self.usable_spare(&ring, at) {
            return Ok(Outcome::Done(Staged::Already(id)));
        }
        let key = self.supplies.new_key(at).await.map_err(not_supplied(&seen.ring))?;
        match self.add_to(seen, &ring, &key, at, Grounds::Ordinary).await? {
            Outcome::Done(addition) => Ok(Outcome::Done(Staged::Added(addition))),
            Outcome::LostRace { now } => {
                self.supplies.discard(key).await;
                Ok(Outcome::LostRace { now })
            }
        }
    }

    fn usable_spare(&self, ring: &Keyring<P::Material>, at: Timestamp) -> Option<KeyId> {
        use crate::refusal::Until;

        let is_usable = |info: &crate::key::KeyInfo| match self.policy.may_activate(
            info,
            &Fleet::UNKNOWN,
            at,
        ) {
            Ok(()) => true,
            Err(refusal) => refusal.stands_until() < Until::Hopeless,
        };
        let mut staged = ring.inactive().map(|key| key.info()).filter(|info| info.is_staged());
        staged.find(is_usable).map(|info| info.id)
    }

    /// Does all that is due: makes a plan and carries its first step out, again and again, until
    /// nothing is due that can be done.
    ///
    /// Several jobs may call it at once. A key that is to be destroyed is counted by the service's
    /// supplies.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan) and [`apply`](Self::apply). What was done before stays done.
    pub async fn maintain(&self, now: Timestamp) -> Result<Maintenance, RotationError<P::Error>> {
        let mut done = Vec::new();
        loop {
            let plan = self.plan(now).await?;
            let Some(step) = plan.due().first().filter(|_| done.len() < MOST_STEPS) else {
                let blocked = plan.blocked().to_vec();
                return Ok(Maintenance { done, blocked, look_again_at: plan.look_again_at() });
            };
            // A stale step was done by somebody else: the next plan does not have it.
            if let Applied::Done = self.apply(step, now).await? {
                done.push(step.clone());
            }
        }
    }
}

/// The count that the supplies have made of the data of this key.
fn counted(fleet: &Fleet, due: &DueStep) -> Evidence {
    let count = fleet.latest_count(&due.id).filter(|references| references.count == 0);
    let counted = count.and_then(|references| {
        crate::evidence::Unreferenced::counted(references.id.clone(), 0, references.counted_at).ok()
    });
    counted.map_or(Evidence::None, Evidence::Unreferenced)
}

/// The result of carrying a step of a plan out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a stale step means that nothing was stored"]
#[expect(clippy::exhaustive_enums, reason = "a step is stored, or it is not")]
pub enum Applied {
    /// The step is stored.
    Done,
    /// The step is not due in the ring as it is now, because somebody else has changed it. Nothing
    /// is stored: make a new plan.
    Stale {
        /// The ring as it is now.
        now: KeyringState,
    },
}

impl<T> From<Outcome<T>> for Applied {
    fn from(outcome: Outcome<T>) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::LostRace { now } => Self::Stale { now },
        }
    }
}
