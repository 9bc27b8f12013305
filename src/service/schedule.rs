//! The service under rules of time: what is due, and carrying it out.

use super::commit::Grounds;
use super::{Outcome, RotationError, RotationService};
use crate::evidence::Evidence;
use crate::ring::KeyringState;
use crate::plan::{Because, DueStep, RotationPlan};
use crate::policy::{Cryptoperiods, Usage};
use crate::store::{Change, KeyProvider};
use crate::status::Inactive;
use crate::timestamp::Timestamp;

impl<P: KeyProvider> RotationService<P, Cryptoperiods> {
    /// What is due in the store's ring: [`Cryptoperiods::plan`].
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring).
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp, Usage};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// println!("{}", service.plan(Usage::UNKNOWN, Timestamp::now()).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn plan(
        &self,
        usage: Usage,
        now: Timestamp,
    ) -> Result<RotationPlan, RotationError<P::Error>> {
        let (_, ring) = self.load_ring().await?;
        Ok(self.policy.plan(&ring, usage, now))
    }

    /// Carries a step of a plan out, if it is still due in the ring that the store has now. To
    /// destroy a key needs evidence; for the other steps there is [`Evidence::None`].
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`] when the evidence does not do, and those of
    /// [`keyring`](Self::keyring) and of a commit. That the ring has changed since the plan was
    /// made is no error but [`Applied::Stale`].
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, Evidence, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp, Usage, days};
    /// # let start = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), (), start), start).await?;
    /// # let _ = service.add(Key::new(KeyId::from_static("k2"), (), start)).await?;
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
                let receipt = ring.entry::<Inactive>(id.as_str())?.retire(at);
                let change = Change::Retire(receipt.clone());
                Ok(self.commit(seen, change, receipt, Grounds::Ordinary).await?.into())
            }
            DueStep::Destroy { id, .. } => {
                Ok(self.destroy_in(seen, ring, id.as_str(), evidence, at).await?.into())
            }
        }
    }
}

/// What came of a step of a plan.
///
/// ```
/// use key_rotation::Applied;
///
/// fn report(applied: Applied) -> String {
///     match applied {
///         Applied::Done => "done".to_owned(),
///         Applied::Stale { now } => format!("the ring has changed; make a new plan:\n{now}"),
///     }
/// }
/// assert_eq!(report(Applied::Done), "done");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a stale step means that nothing was stored"]
pub enum Applied {
    /// It is stored.
    Done,
    /// The step is not due in the ring as it is now, because somebody else has changed it.
    /// Nothing is stored.
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

/// The usage for which a step is due, if it is because of that.
fn usage_behind(step: &DueStep) -> Usage {
    match step {
        DueStep::Activate { because: Because::Usage { encryptions, .. }, .. } => {
            Usage::of(*encryptions)
        }
        _ => Usage::UNKNOWN,
    }
}

/// Whether both steps do the same, for whatever reason.
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
