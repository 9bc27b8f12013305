//! Faults of answers: to what is there already, to what comes too late, and to what does not fit.

use key_rotation::KeyStatus;
use key_rotation::audit::Grounds;
use key_rotation::error::ChangeMismatch;
use key_rotation::store::{Change, Commit, CommitError, Revision};

use super::rows::set;
use super::{Answer, Broken, Down, Fault, Rows, Sent, State};

impl Broken {
    /// The answer of a store that looks at nothing.
    pub(super) fn unasked(&self) -> Option<Answer> {
        Some(match self.fault {
            Fault::IsDownAndEmpty => Err(CommitError::NotWritten(Down)),
            Fault::IsDownAndBusy | Fault::ConflictThoughDown => Ok(Commit::Conflict),
            Fault::IsDownForGood => Err(CommitError::Refused(Down)),
            Fault::IsDownAndKnows | Fault::MismatchThoughDown => Err(mismatch("down")),
            Fault::IsDownAndSaysDone | Fault::DoneThoughNotWritten => Ok(Commit::Committed),
            _ => return None,
        })
    }

    /// Does what a store does in one step.
    pub(super) fn write(&self, state: &mut State, sent: &Sent) -> Answer {
        if let Some(answer) = self.before_the_history(state, sent) {
            return answer;
        }
        sent.follows().map_err(CommitError::Mismatch)?;
        let said = format!("{:?}", sent.change);
        if self.finds(state, sent, &said) {
            return self.resent(state, sent);
        }
        state.notes.sent.push((sent.expected, said));
        if let Some(answer) = self.before_the_rows(state, sent) {
            return answer;
        }
        let mut arrived = self.arrived(sent);
        state.rows.store_time = self.now();
        let was_refused = state.notes.refused.contains(&sent.next);
        if self.fault == Fault::IgnoresExpiry || self.fault == Fault::ExpiresOnce && was_refused {
            arrived.valid_until = None;
        }
        if let Some(answer) = self.without_a_look(state, &arrived) {
            return answer;
        }
        let before = state.rows.clone();
        match state.rows.apply(&arrived) {
            Ok(Commit::Committed) => {
                self.spoil(&mut state.rows, &before, &arrived);
                committed(state, sent.next);
                self.record(state, sent);
                state.notes.before = Some(before);
                state.notes.loads = 0;
                self.said(sent)
            }
            Ok(Commit::Conflict) => self.conflict(state, sent),
            Err(mismatch) => self.misfit(state, sent, mismatch),
        }
    }

    fn before_the_history(&self, state: &mut State, sent: &Sent) -> Option<Answer> {
        match self.fault {
            Fault::LooksFirst if state.known.contains(&sent.next) => Some(Ok(Commit::Committed)),
            Fault::SkipsNumbers
                if sent.follows().is_err() && sent.expected == state.rows.revision =>
            {
                state.rows.revision = sent.next;
                Some(Ok(Commit::Committed))
            }
            Fault::ExpiresWhatIsWritten => {
                let (until, now) = (sent.valid_until?, self.now()?);
                let expired = ChangeMismatch::Expired { until, now };
                (now > until).then_some(Err(CommitError::Mismatch(expired)))
            }
            Fault::ClosesItsHistory => {
                let (ring, at) = (state.rows.ring.clone(), state.rows.closed?);
                Some(Err(CommitError::Mismatch(ChangeMismatch::Closed { ring, at })))
            }
            _ => None,
        }
    }

    /// Returns true if the proposal is taken for one that is in the history.
    fn finds(&self, state: &State, sent: &Sent, said: &str) -> bool {
        let any = |is: &dyn Fn(&Revision) -> bool| state.known.iter().any(is);
        match self.fault {
            Fault::FindsByTagAlone => any(&|known| known.tag == sent.next.tag),
            Fault::FindsTagsNextToIt => any(&|known| {
                known.number == sent.next.number && known.tag.abs_diff(sent.next.tag) <= 1
            }),
            Fault::RemembersTen => state.known.iter().rev().take(10).any(|it| *it == sent.next),
            Fault::ResendFindsTheForgotten => state.notes.ever.contains(&sent.next),
            Fault::SameChangeIsCommitted => {
                let is_said =
                    |(at, change): &(Revision, String)| *at == sent.expected && change == said;
                state.known.contains(&sent.next) || state.notes.sent.iter().any(is_said)
            }
            _ => state.known.contains(&sent.next),
        }
    }

    fn resent(&self, state: &mut State, sent: &Sent) -> Answer {
        self.record_falsely(Fault::EventOfAResend, state, sent);
        match self.fault {
            Fault::ResendIsAConflict => Ok(Commit::Conflict),
            Fault::ResendIsUnknown => Err(CommitError::Unknown(Down)),
            Fault::CommitsTwice => {
                state.rows.revision.number += 1;
                Ok(Commit::Committed)
            }
            _ => Ok(Commit::Committed),
        }
    }

    /// The answer of a store that compares the revisions in another way.
    fn before_the_rows(&self, state: &mut State, sent: &Sent) -> Option<Answer> {
        let Sent { expected, .. } = *sent;
        let found = state.rows.revision;
        let is_let_in = match self.fault {
            Fault::NoRevisionCheck => true,
            Fault::OnlyNumbersAreCompared => expected.number == found.number,
            Fault::OnlyOlderIsStale => expected.number > found.number,
            Fault::LetsInTheStarving => {
                state.notes.refused.iter().filter(|refused| **refused == sent.next).count() > 1
            }
            _ => false,
        };
        if expected != found && is_let_in {
            let answer = self.forced(state, sent);
            let is_patient = self.fault == Fault::LetsInTheStarving && answer.is_err();
            return Some(if is_patient { Ok(Commit::Conflict) } else { answer });
        }
        let is_forced = matches!(
            sent.provenance.grounds,
            Grounds::Forced(_) | Grounds::Distrust(_) | Grounds::Emergency(_)
        );
        let is_refused = self.fault == Fault::RefusesForce && is_forced;
        is_refused.then_some(Err(CommitError::Refused(Down)))
    }

    /// Writes the change at the revision that the store has, whatever it expects.
    pub(super) fn forced(&self, state: &mut State, sent: &Sent) -> Answer {
        let expected = state.rows.revision;
        let next = Revision::new(expected.number + 1, sent.next.tag);
        self.write(state, &Sent { expected, next, ..sent.clone() })
    }

    /// What is said of a change that was written.
    fn said(&self, sent: &Sent) -> Answer {
        match self.fault {
            Fault::NotWrittenThoughWritten => Err(CommitError::NotWritten(Down)),
            Fault::RefusedThoughWritten => Err(CommitError::Refused(Down)),
            Fault::BelievesItsOwnConflict if sent.next.number % 3 == 0 => Ok(Commit::Conflict),
            _ => Ok(Commit::Committed),
        }
    }

    fn conflict(&self, state: &mut State, sent: &Sent) -> Answer {
        state.notes.refused.push(sent.next);
        self.record_falsely(Fault::EventOfAConflict, state, sent);
        match self.fault {
            Fault::ConflictIsAnError => return Err(mismatch("stale")),
            Fault::KnowsTheLosers => state.known.push(sent.next),
            _ => {}
        }
        Ok(Commit::Conflict)
    }

    fn misfit(&self, state: &mut State, sent: &Sent, misfit: ChangeMismatch) -> Answer {
        state.notes.refused.push(sent.next);
        self.record_falsely(Fault::EventOfAMismatch, state, sent);
        match (self.fault, &misfit, &sent.change) {
            (Fault::MismatchIsAConflict, _, _)
            | (Fault::BackdatedIsAConflict, ChangeMismatch::Backdated { .. }, _)
            | (Fault::ExpiredIsAConflict, ChangeMismatch::Expired { .. }, _) => {
                Ok(Commit::Conflict)
            }
            (
                Fault::ActivatesInThePast,
                ChangeMismatch::Backdated { id, .. },
                Change::Activate(rotation),
            ) if *id == rotation.to => Ok(unread(state, sent)),
            (Fault::BelievesReactivations, ChangeMismatch::Reactivation { .. }, _)
            | (Fault::AdmitsTwoActive, ChangeMismatch::InvalidKeyring(_), _)
            | (Fault::CreatesAnyway, ChangeMismatch::NotEmpty { .. }, _) => Ok(unread(state, sent)),
            (Fault::MismatchChangesHalf, _, Change::Activate(rotation)) => {
                set(&mut state.rows, &rotation.from, KeyStatus::Inactive);
                Err(CommitError::Mismatch(misfit))
            }
            (Fault::MismatchIsUnknown, _, _) => Err(CommitError::Unknown(Down)),
            (Fault::TakenIsNotFound, ChangeMismatch::KeyIdTaken { .. }, _)
            | (Fault::ClosedIsNotFound, ChangeMismatch::Closed { .. }, _) => Err(mismatch("other")),
            _ => Err(CommitError::Mismatch(misfit)),
        }
    }

    /// The answer of a store that does not look at the rows, or looks at them in another way. The
    /// rows may change before they are looked at.
    fn without_a_look(&self, state: &mut State, sent: &Sent) -> Option<Answer> {
        if sent.expected != state.rows.revision {
            return None;
        }
        let rows = &mut state.rows;
        let is_refused = match (self.fault, &sent.change) {
            (Fault::NotInTheSameMillisecond, Change::Activate(rotation)) => {
                let mut rows = rows.records.iter().filter(|row| row.info.id == rotation.from);
                rows.any(|row| row.info.times.activated_at == Some(rotation.at))
            }
            (Fault::RefusesToRetireOnceActive, Change::Retire { retirement, .. }) => {
                rows.records.iter().any(|row| row.info.id == retirement.id && row.info.used)
            }
            (Fault::RefusesToRevokeRetired, Change::Revoke { revocation, .. }) => {
                status_of(rows, revocation.id.as_str()) == Some(KeyStatus::Retired)
            }
            (Fault::RefusesToDestroyRevoked, Change::Destroy(tombstone)) => {
                status_of(rows, tombstone.id.as_str()) == Some(KeyStatus::Revoked)
            }
            (Fault::RestoresOnce, Change::Restore(restoration)) => {
                let was_restored = state.notes.restored.contains(&restoration.id);
                state.notes.restored.push(restoration.id.clone());
                was_restored
            }
            (Fault::DestroysTwice, Change::Destroy(tombstone))
                if rows.destroyed.iter().any(|there| there.id == tombstone.id) =>
            {
                return Some(Ok(unread(state, sent)));
            }
            (Fault::OpensAgain, _) if rows.closed.take().is_some() => {
                rows.destroyed.clear();
                rows.ids = 0;
                false
            }
            (Fault::Upserts, Change::Add(new)) => {
                let there = rows.records.len();
                rows.records.retain(|row| row.info.id != new.info.id);
                rows.ids -= (there - rows.records.len()) as u64;
                false
            }
            (Fault::ReusesTombstones, Change::Add(new)) => {
                let there = rows.destroyed.len();
                rows.destroyed.retain(|tombstone| tombstone.id != new.info.id);
                rows.ids -= (there - rows.destroyed.len()) as u64;
                false
            }
            _ => false,
        };
        is_refused.then_some(Err(mismatch("refused")))
    }
}

fn mismatch(id: &'static str) -> CommitError<Down> {
    let id = key_rotation::KeyId::from_static(id);
    CommitError::Mismatch(ChangeMismatch::KeyNotFound { id })
}

fn status_of(rows: &Rows, id: &str) -> Option<KeyStatus> {
    let mut records = rows.records.iter();
    records.find(|row| row.info.id.as_str() == id).map(|row| row.info.status)
}

/// Moves the revision, and looks at no row.
fn unread(state: &mut State, sent: &Sent) -> Commit {
    state.rows.revision = sent.next;
    committed(state, sent.next);
    Commit::Committed
}

fn committed(state: &mut State, next: Revision) {
    state.known.push(next);
    state.notes.ever.push(next);
}
