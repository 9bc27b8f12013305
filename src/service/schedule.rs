//! The service under rules of time: planning, and carrying steps out.

use super::{Outcome, RotationError, RotationService};
use crate::audit::Grounds;
use crate::evidence::Evidence;
use crate::plan::{Because, DueStep, RotationPlan};
use crate::policy::{Cryptoperiods, Usage};
use crate::ring::KeyringState;
use crate::status::Inactive;
use crate::store::KeyProvider;
use crate::supplies::Supplies;
use crate::timestamp::Timestamp;

impl<P: KeyProvider, S: Supplies<P::Material>> RotationService<P, Cryptoperiods, S> {
    /// Works out the plan for the store's ring, as [`Cryptoperiods::plan`] does.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring).
    pub async fn plan(
        &self,
        usage: Usage,
        now: Timestamp,
    ) -> Result<RotationPlan, RotationError<P::Error>> {
        let (_, ring) = self.load_ring().await?;
        Ok(self.policy.plan(&ring, usage, now))
    }

    /// Carries a step of a plan out, if it is still due in the ring that the store has now.
    ///
    /// To destroy a key needs evidence. For the other steps, pass [`Evidence::None`].
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`] if the evidence does not do, and those of
    /// [`keyring`](Self::keyring) and of a commit. A ring that has changed since the plan was made
    /// is no error: the answer is [`Applied::Stale`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::{Evidence, Usage, days};
    /// use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// let start = Timestamp::now();
    /// let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", start), start).await?;
    /// # let _ = service.add(&Key::new(KeyId::from_static("k2"), "two", start), start).await?;
    /// # let now = start.saturating_add(days(91));
    /// for step in service.plan(Usage::UNKNOWN, now).await?.due() {
    ///     let applied = service.apply(step, Evidence::None, now).await?;
    ///     println!("{step}: {applied:?}");
    /// }
    /// # assert_eq!(service.state().await?.active().id.as_str(), "k2");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn apply(
        &self,
        step: &DueStep,
        evidence: Evidence,
        at: Timestamp,
    ) -> Result<Applied, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let plan = self.policy.plan(&ring, usage_behind(step), at);
        if !plan.due().iter().any(|due| is_same(due, step)) {
            return Ok(Applied::Stale { now: ring.state() });
        }
        match step {
            DueStep::Activate { id, .. } => {
                let decision = ring.rotate_to(id.as_str(), at)?;
                let outcome = self.commit_rotation(seen, decision, Grounds::Ordinary).await?;
                Ok(outcome.into())
            }
            DueStep::Retire { id, .. } => {
                let retirement = ring.entry::<Inactive>(id.as_str())?.retire(at);
                Ok(self.commit_retirement(seen, &ring, retirement).await?.into())
            }
            DueStep::Destroy { id, .. } => {
                Ok(self.destroy_in(seen, ring, id.as_str(), evidence, at).await?.into())
            }
        }
    }
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

/// Returns the usage for which a step is due, if usage is the reason.
fn usage_behind(step: &DueStep) -> Usage {
    match step {
        DueStep::Activate { because: Because::Usage { encryptions, .. }, .. } => {
            Usage::of(*encryptions)
        }
        _ => Usage::UNKNOWN,
    }
}

/// Returns true if both steps do the same, for whatever reason.
fn is_same(a: &DueStep, b: &DueStep) -> bool {
    match (a, b) {
        (
            DueStep::Activate { id, from, .. },
            DueStep::Activate { id: other, from: other_from, .. },
        ) => (id, from) == (other, other_from),
        (DueStep::Retire { id, .. }, DueStep::Retire { id: other, .. })
        | (DueStep::Destroy { id, .. }, DueStep::Destroy { id: other, .. }) => id == other,
        _ => false,
    }
}
