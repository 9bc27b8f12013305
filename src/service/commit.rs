//! The way of a change: sending it to the store, finding out what became of it, putting it on
//! record.

use alloc::sync::Arc;
use core::fmt;

use super::{Outcome, RotationError, RotationService};
use crate::audit::{AuditAction, AuditEvent, AuditSink};
use crate::evidence::Evidence;
use crate::id::KeyId;
use crate::key::{KeyRecord, Retirement, Rotation};
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::status::KeyStatus;
use crate::store::{Change, Commit, KeyProvider, Snapshot};
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// The sink that is told of each change, and the actor who makes them.
#[derive(Clone)]
pub(super) struct Audit {
    pub(super) sink: Arc<dyn AuditSink>,
    pub(super) actor: AuditText,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl<P: KeyProvider, R: RotationPolicy> RotationService<P, R> {
    /// Sends a change and finds out what became of it: see the type's documentation.
    pub(super) async fn commit<T>(
        &self,
        seen: Revision,
        change: Change<P::Material>,
        receipt: T,
        grounds: Grounds,
    ) -> Result<Outcome<T>, RotationError<P::Error>> {
        let done = |revision| {
            self.record(&change, grounds, revision);
            Ok(Outcome::Done(receipt))
        };
        let mut error = match self.provider.commit(seen, &change).await {
            Ok(Commit::Committed(revision)) => return done(revision),
            Ok(Commit::Conflict) => return Ok(Outcome::LostRace { now: self.state().await? }),
            Err(source) if P::is_refusal(&source) => {
                return Err(RotationError::Rejected { id: change.id().clone(), source });
            }
            Err(error) => error,
        };
        for may_send_again in [true, false] {
            match self.provider.load().await {
                Ok(now) if now.revision > seen => {
                    return if is_there(&change, &now) {
                        done(now.revision)
                    } else {
                        Ok(Outcome::LostRace { now: now.into_keyring()?.state() })
                    };
                }
                Ok(_unmoved) if may_send_again => {
                    match self.provider.commit(seen, &change).await {
                        Ok(Commit::Committed(revision)) => return done(revision),
                        // Perhaps with the first sending, which arrived after all.
                        Ok(Commit::Conflict) => {}
                        Err(again) => error = again,
                    }
                }
                Ok(_) | Err(_) => break,
            }
        }
        Err(RotationError::OutcomeUnknown { id: change.id().clone(), source: error })
    }

    /// Tells the sink of a change that is in the store.
    fn record(&self, change: &Change<P::Material>, grounds: Grounds, revision: Revision) {
        if let Some(Audit { sink, actor }) = &self.audit {
            let (action, at) = AuditAction::of(change, grounds);
            sink.record(&AuditEvent { action, actor: actor.clone(), revision, at });
        }
    }
}

/// Returns true if a change whose answer was lost is in what the store holds now.
fn is_there<M>(change: &Change<M>, now: &Snapshot<M>) -> bool {
    let row = |id: &KeyId| now.records.iter().map(|row| &row.info).find(|row| row.id == *id);
    match change {
        // The id is all that can be compared: whose material it is, is not asked.
        Change::Create(KeyRecord { info, .. }) | Change::Add(KeyRecord { info, .. }) => {
            let id = &info.id;
            row(id).is_some() || now.destroyed.iter().any(|tombstone| tombstone.id == *id)
        }
        // The first activation of a key is proof by its time alone. A key that was active before
        // may have carried that very time already, so only its being active now is proof.
        Change::Activate(Rotation { to, at, reactivated, .. }) => row(to).is_some_and(|row| {
            row.times.activated_at == Some(*at) && (!reactivated || row.status == KeyStatus::Active)
        }),
        Change::Retire(Retirement { id, at, .. }) => row(id).is_some_and(|row| {
            row.status == KeyStatus::Retired && row.times.retired_at == Some(*at)
        }),
        Change::Destroy(gone) => {
            now.destroyed.iter().any(|tombstone| tombstone.id == gone.id && tombstone.at == gone.at)
        }
    }
}

/// The grounds on which a change is made, for the record.
pub(super) enum Grounds {
    Ordinary,
    Emergency(AuditText),
    Evidence(Evidence),
}

impl AuditAction {
    /// Returns what this change does, and when.
    fn of<M>(change: &Change<M>, grounds: Grounds) -> (Self, Timestamp) {
        match change {
            Change::Create(record) => {
                (Self::Created { id: record.info.id.clone() }, added_at(record))
            }
            Change::Add(record) => (Self::Added { id: record.info.id.clone() }, added_at(record)),
            Change::Activate(rotation) => {
                let emergency = match grounds {
                    Grounds::Emergency(reason) => Some(reason),
                    Grounds::Ordinary | Grounds::Evidence(_) => None,
                };
                let (from, to) = (rotation.from.clone(), rotation.to.clone());
                let reactivated = rotation.reactivated;
                (Self::Activated { from, to, reactivated, emergency }, rotation.at)
            }
            Change::Retire(retirement) => {
                (Self::Retired { id: retirement.id.clone() }, retirement.at)
            }
            Change::Destroy(tombstone) => {
                let evidence = match grounds {
                    Grounds::Evidence(evidence) => evidence,
                    Grounds::Ordinary | Grounds::Emergency(_) => Evidence::None,
                };
                (Self::Destroyed { id: tombstone.id.clone(), evidence }, tombstone.at)
            }
        }
    }
}

/// Returns the time at which the service added the key of this record.
fn added_at<M>(record: &KeyRecord<M>) -> Timestamp {
    record.info.times.added_at.unwrap_or(Timestamp::UNIX_EPOCH)
}
