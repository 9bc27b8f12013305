//! Faults of the history: an event too many, one too few, or another one.

use key_rotation::audit::{AuditAction, AuditEvent, Grounds};
use key_rotation::store::{Change, Events, Revision, RingName};
use key_rotation::{KeyId, Timestamp};

use super::{Broken, Fault, Sent, State};

impl Broken {
    /// Writes the event of what was committed.
    pub(super) fn record(&self, state: &mut State, sent: &Sent) {
        let mut event = sent.event(state.rows.ring.clone(), self.now());
        self.spoil_event(&mut event);
        let is_written =
            self.fault != Fault::NoEventOfDating || !matches!(sent.change, Change::Date(_));
        if is_written {
            state.events.push(event);
        }
    }

    fn spoil_event(&self, event: &mut AuditEvent) {
        let said = &mut event.provenance;
        match (self.fault, &mut event.action) {
            (Fault::ForgetsActors, _) => said.actor = "nobody".parse().unwrap(),
            (Fault::CutsActors, _) => {
                let cut: String = said.actor.as_str().chars().take(255).collect();
                said.actor = cut.parse().unwrap();
            }
            (Fault::ForgetsGrounds, _) => said.grounds = Grounds::Ordinary,
            (Fault::ForceIsEmergency, _) => {
                if let Grounds::Forced(reason) = &said.grounds {
                    said.grounds = Grounds::Emergency(reason.clone());
                }
            }
            (Fault::RoundsEventTimes, _) => {
                let millis = said.at.as_unix_millis() / 1000 * 1000;
                said.at = Timestamp::from_unix_millis(millis);
            }
            (Fault::EventNamesTheActiveAlone, AuditAction::Created { ids }) => ids.truncate(1),
            (Fault::EventForgetsReactivation, AuditAction::Activated { reactivated, .. }) => {
                *reactivated = false;
            }
            (Fault::EventOfAnotherRing, _) => event.ring = RingName::from_static("another"),
            _ => {}
        }
    }

    /// Writes an event of what was not committed, if that is the fault.
    pub(super) fn record_falsely(&self, fault: Fault, state: &mut State, sent: &Sent) {
        if self.fault == fault {
            state.events.push(sent.event(state.rows.ring.clone(), None));
        }
    }

    pub(super) fn events_after(&self, after: Revision) -> Events {
        let state = self.lock();
        let found = state.rows.revision;
        let mut events = state.events.clone();
        let is_it = |event: &AuditEvent| match self.fault {
            Fault::IgnoresTagsInHistory => event.revision.number == after.number,
            _ => event.revision == after,
        };
        let place = if after == Revision::EMPTY {
            Some(0)
        } else {
            events.iter().rposition(is_it).map(|place| place + 1)
        };
        let place = match self.fault {
            Fault::AfterIsFromTheStart if after != found => place.map(|_| 0),
            Fault::AfterIsWithIt if after != Revision::EMPTY => place.map(|place| place - 1),
            Fault::StrangersGetAll => place.or(Some(0)),
            Fault::StrangersGetNothing => place.or(Some(events.len())),
            _ => place,
        };
        let Some(place) = place else { return Events::NotInHistory { seen: after, found } };
        let mut since = events.split_off(place);
        if self.fault == Fault::LatestEventFirst {
            since.reverse();
        }
        Events::Since(since)
    }

    /// A change of one ring that shows in others.
    pub(super) fn write_to_others(&self, answer: &super::Answer, sent: &Sent) {
        let Change::Destroy(tombstone) = &sent.change else { return };
        if self.fault == Fault::DestroysInEveryRing && answer.is_ok() {
            let is_left = |id: &KeyId| *id != tombstone.id;
            for state in &*self.all.lock().unwrap() {
                state.lock().unwrap().rows.records.retain(|row| is_left(&row.info.id));
            }
        }
    }
}
