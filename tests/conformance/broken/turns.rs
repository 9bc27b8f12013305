//! Faults of stores that do a commit in several steps, between which others have their turn.

use key_rotation::KeyStatus;
use key_rotation::audit::AuditAction;
use key_rotation::store::{Change, Commit, CommitError};

use super::rows::set;
use super::{Answer, Broken, Down, Fault, Sent, State, give_way};

impl Broken {
    /// The answer of a store that takes several steps; `None` if it takes one.
    pub(super) async fn takes_turns(&self, sent: &Sent) -> Option<Answer> {
        let is_creation = matches!(sent.change, Change::Create { .. });
        Some(match self.fault {
            Fault::ChecksThenCreates if is_creation => self.checks_then_writes(sent).await,
            Fault::ChecksThenWrites => self.checks_then_writes(sent).await,
            Fault::EventsOfLosers => self.checks_then_records(sent).await,
            Fault::Rebases | Fault::MergesAdditions => self.rebases(sent).await,
            Fault::ShowsHalves => self.shows_halves(sent).await,
            Fault::LooksThenWrites | Fault::CommitsTwiceAtOnce => {
                self.looks_then_writes(sent).await
            }
            Fault::UnderWayIsAConflict => self.announces(sent).await,
            Fault::WritesHalfWhenDropped => {
                let half = Unfinished { store: self, on_drop: Some(demote_all) };
                give_way(2).await;
                half.finish();
                self.write(&mut self.lock(), sent)
            }
            Fault::NoEventWhenDropped => {
                let answer = self.write(&mut self.lock(), sent);
                let is_latest = self.lock().rows.revision == sent.next;
                let event = Unfinished {
                    store: self,
                    on_drop: is_latest.then_some(|state: &mut State| drop(state.events.pop())),
                };
                give_way(1).await;
                event.finish();
                answer
            }
            Fault::StaysBusyWhenDropped => {
                if std::mem::replace(&mut self.lock().notes.is_busy, true) {
                    return Some(Err(CommitError::NotWritten(Down)));
                }
                give_way(1).await;
                let mut state = self.lock();
                state.notes.is_busy = false;
                self.write(&mut state, sent)
            }
            Fault::EventLater => self.writes_apart(sent, true).await,
            Fault::EventEarlier => self.writes_apart(sent, false).await,
            _ => return None,
        })
    }

    /// Returns true if the proposal could be written now.
    fn is_next(&self, sent: &Sent) -> bool {
        let state = self.lock();
        let is_known = state.known.contains(&sent.next);
        sent.follows().is_ok() && !is_known && sent.expected == state.rows.revision
    }

    /// Whatever the others have done meanwhile is overwritten.
    async fn checks_then_writes(&self, sent: &Sent) -> Answer {
        if !self.is_next(sent) {
            return self.write(&mut self.lock(), sent);
        }
        give_way(1).await;
        let mut state = self.lock();
        if state.rows.revision == sent.expected {
            return self.write(&mut state, sent);
        }
        let _ = self.forced(&mut state, sent);
        Ok(Commit::Committed)
    }

    async fn checks_then_records(&self, sent: &Sent) -> Answer {
        let is_next = self.is_next(sent);
        give_way(1).await;
        let mut state = self.lock();
        let is_late = state.rows.revision != sent.expected && !state.known.contains(&sent.next);
        if is_next && is_late {
            self.record(&mut state, sent);
        }
        self.write(&mut state, sent)
    }

    async fn rebases(&self, sent: &Sent) -> Answer {
        let was_next = self.is_next(sent);
        give_way(1).await;
        let mut state = self.lock();
        let was_an_addition = |state: &State| {
            let latest = state.events.last().map(|event| &event.action);
            let is_one_late =
                Some(state.rows.revision.number) == sent.expected.number.checked_add(1);
            is_one_late && matches!(latest, Some(AuditAction::Added { .. }))
        };
        let is_merged = match self.fault {
            Fault::MergesAdditions => {
                matches!(sent.change, Change::Add(_)) && was_an_addition(&state)
            }
            _ => true,
        };
        let is_late = state.rows.revision != sent.expected && !state.known.contains(&sent.next);
        if was_next && is_late && is_merged {
            return self.forced(&mut state, sent).or(Ok(Commit::Conflict));
        }
        self.write(&mut state, sent)
    }

    async fn shows_halves(&self, sent: &Sent) -> Answer {
        let (before, answer) = {
            let mut state = self.lock();
            (state.rows.clone(), self.write(&mut state, sent))
        };
        let Change::Activate(rotation) = &sent.change else { return answer };
        if before.revision != sent.expected || answer.is_err() {
            return answer;
        }
        let mut half = before;
        set(&mut half, &rotation.from, KeyStatus::Inactive);
        self.lock().notes.half = Some(half);
        give_way(1).await;
        self.lock().notes.half = None;
        answer
    }

    async fn looks_then_writes(&self, sent: &Sent) -> Answer {
        if !self.is_next(sent) {
            return self.write(&mut self.lock(), sent);
        }
        give_way(1).await;
        let mut state = self.lock();
        if state.rows.revision == sent.expected {
            return self.write(&mut state, sent);
        }
        if self.fault == Fault::CommitsTwiceAtOnce && state.known.contains(&sent.next) {
            state.rows.revision.number += 1;
            return Ok(Commit::Committed);
        }
        Ok(Commit::Conflict)
    }

    /// Tells all what is under way, a step after the beginning.
    async fn announces(&self, sent: &Sent) -> Answer {
        if self.is_next(sent) {
            if self.lock().notes.under_way.contains(&sent.next) {
                return Ok(Commit::Conflict);
            }
            give_way(1).await;
            self.lock().notes.under_way.push(sent.next);
            give_way(1).await;
        }
        let mut state = self.lock();
        state.notes.under_way.retain(|next| *next != sent.next);
        self.write(&mut state, sent)
    }

    /// Writes the change and its event in two steps.
    async fn writes_apart(&self, sent: &Sent, change_is_first: bool) -> Answer {
        let mut after = self.lock().clone();
        if !self.is_next(sent) || self.write(&mut after, sent).is_err() {
            return self.write(&mut self.lock(), sent);
        }
        if change_is_first {
            let event = after.events.pop();
            *self.lock() = after;
            give_way(1).await;
            self.lock().events.extend(event);
            return Ok(Commit::Committed);
        }
        self.lock().events.clone_from(&after.events);
        give_way(1).await;
        if self.is_next(sent) {
            *self.lock() = after;
            return Ok(Commit::Committed);
        }
        self.write(&mut self.lock(), sent)
    }
}

fn demote_all(state: &mut State) {
    state.rows.records.iter_mut().for_each(|row| row.info.status = KeyStatus::Inactive);
}

/// Does something when it is dropped before it is finished.
struct Unfinished<'s> {
    store: &'s Broken,
    on_drop: Option<fn(&mut State)>,
}

impl Unfinished<'_> {
    fn finish(mut self) {
        self.on_drop = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop {
            on_drop(&mut self.store.lock());
        }
    }
}
