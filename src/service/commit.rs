//! The way of a change: sending it to the store, and sending it again until it is known what became
//! of it.

use core::time::Duration;

use super::{Outcome, RotationError, RotationService};
use crate::audit::{Grounds, Provenance};
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::ring_name::RingName;
use crate::store::{Change, Commit, CommitError, KeyProvider, Proposal, Snapshot};
use crate::supplies::Supplies;
use crate::timestamp::Timestamp;

/// How often a proposal is sent again, at most.
const RESENDINGS: usize = 4;

/// The ring and the revision that a change was worked out on.
pub(super) struct Seen {
    pub(super) ring: RingName,
    pub(super) revision: Revision,
    /// The time of the store, if it has a clock.
    pub(super) store_time: Option<Timestamp>,
    /// The latest time that a key of the ring carries.
    pub(super) latest: Option<Timestamp>,
}

impl Seen {
    pub(super) fn of<M>(snapshot: &Snapshot<M>) -> Self {
        let latest = snapshot.records.iter().filter_map(|record| record.info.times.latest()).max();
        Self {
            ring: snapshot.ring.clone(),
            revision: snapshot.revision,
            store_time: snapshot.store_time,
            latest,
        }
    }
}

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Sends a change and finds out what became of it: see the type's documentation.
    pub(super) async fn commit<T>(
        &self,
        seen: Seen,
        change: Change<P::Material>,
        receipt: T,
        grounds: Grounds,
        at: Timestamp,
    ) -> Result<Outcome<T>, RotationError<P::Error>> {
        let valid_until = self.check_clocks(&seen, &change, &grounds, at)?;
        let Seen { ring, revision: expected, .. } = seen;
        let tag = (self.tags)();
        // After the last number there is none: the store says so.
        let next = expected.next(tag).unwrap_or(Revision::new(expected.number, tag));
        let provenance = Provenance { actor: self.actor.clone(), grounds, at };
        let proposal = Proposal { expected, next, change, provenance, valid_until };
        match self.send(&ring, &proposal).await? {
            Commit::Committed => {
                if let Some(sink) = &self.audit {
                    sink.record(&proposal.event(ring, None));
                }
                Ok(Outcome::Done(receipt))
            }
            Commit::Conflict => Ok(Outcome::LostRace { now: self.state().await? }),
        }
    }

    /// Checks the time of a change against the store's clock, and against what the ring carries.
    /// Returns until when the store may write it. Half of the skew is for the clocks, and half for the
    /// way to the store.
    fn check_clocks(
        &self,
        seen: &Seen,
        change: &Change<P::Material>,
        grounds: &Grounds,
        at: Timestamp,
    ) -> Result<Option<Timestamp>, RotationError<P::Error>> {
        let skew = self.policy.timing().clock_skew;
        // An emergency passes, and the record has it as one. To put times right is the way out.
        let passes = matches!(grounds, Grounds::Emergency(_) | Grounds::Distrust(_))
            || matches!(change, Change::Date(_));
        if skew.is_zero() || passes {
            return Ok(None);
        }
        let half = skew / 2;
        let wrong = |clock: Timestamp, allowed: Duration| {
            let apart = if at < clock {
                clock.saturating_duration_since(at)
            } else {
                at.saturating_duration_since(clock)
            };
            (apart > allowed).then(|| RotationError::ClockSkew {
                ring: seen.ring.clone(),
                at,
                clock,
                apart,
                allowed,
            })
        };
        let of_store = seen.store_time.and_then(|clock| wrong(clock, half));
        let carried = seen.latest.filter(|latest| at < *latest);
        match of_store.or_else(|| carried.and_then(|clock| wrong(clock, skew))) {
            Some(error) => Err(error),
            None => Ok(seen.store_time.map(|_| at.saturating_add(half))),
        }
    }

    /// Sends a proposal until the store has said what became of it, or the sendings are used up.
    async fn send(
        &self,
        ring: &RingName,
        proposal: &Proposal<P::Material>,
    ) -> Result<Commit, RotationError<P::Error>> {
        let ring = || ring.clone();
        let id = || proposal.change.id().cloned();
        let mut unknown = match self.provider.commit(proposal).await {
            Ok(answer) => return Ok(answer),
            Err(CommitError::Mismatch(source)) => {
                return Err(RotationError::Mismatch { ring: ring(), id: id(), source });
            }
            Err(CommitError::Refused(source)) => {
                return Err(RotationError::Rejected { ring: ring(), id: id(), source });
            }
            Err(CommitError::NotWritten(source)) => {
                return Err(RotationError::NotWritten { ring: ring(), id: id(), source });
            }
            Err(CommitError::Unknown(source)) => source,
        };
        for _ in 0..RESENDINGS {
            match self.provider.commit(proposal).await {
                Ok(answer) => return Ok(answer),
                // It fits at no time: no sending of it is written.
                Err(CommitError::Mismatch(source)) => {
                    return Err(RotationError::Mismatch { ring: ring(), id: id(), source });
                }
                Err(CommitError::Unknown(source)) => unknown = source,
                // This sending is not written. What became of the others is still not known.
                Err(CommitError::Refused(_) | CommitError::NotWritten(_)) => {}
            }
        }
        Err(RotationError::OutcomeUnknown { ring: ring(), id: id(), source: unknown })
    }
}
