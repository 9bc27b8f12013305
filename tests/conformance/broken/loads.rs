//! Faults of loads: what one is told who has seen something.

use key_rotation::store::{Loaded, Revision};

use super::{Broken, Down, Fault, Material, Rows, State};

impl Broken {
    pub(super) fn loaded(&self, seen: Revision) -> Result<Loaded<Material>, Down> {
        let is_known_elsewhere =
            self.fault == Fault::OneHistoryForAll && self.is_known_in_another(seen);
        let mut state = self.lock();
        let state = &mut *state;
        let found = state.rows.revision;
        match self.fault {
            Fault::IsDownAndBusy
            | Fault::IsDownForGood
            | Fault::IsDownAndKnows
            | Fault::IsDownAndSaysDone => return Err(Down),
            Fault::IsDownAndEmpty => {
                return Ok(Loaded::Ring(Rows::empty(state.rows.ring.clone())));
            }
            Fault::ShowsHalves => {
                if let Some(half) = &state.notes.half {
                    return Ok(Loaded::Ring(half.clone()));
                }
            }
            Fault::LagsBehind if seen == Revision::EMPTY => {
                state.notes.loads += 1;
                // The writer's own loads are the first two.
                let is_behind = state.notes.loads > 2 && state.notes.loads % 2 == 0;
                if let (Some(before), true) = (&state.notes.before, is_behind) {
                    return Ok(Loaded::Ring(before.clone()));
                }
            }
            Fault::HealsItself if !state.rows.is_whole() && seen == Revision::EMPTY => {
                state.notes.loads += 1;
                if state.notes.loads == 3 {
                    state.rows.ids = counted(&state.rows);
                }
            }
            _ => {}
        }
        if seen == Revision::EMPTY {
            return Ok(Loaded::Ring(self.shown(state)));
        }
        if !is_known_elsewhere && !self.knows(state, seen) {
            let found = if self.fault == Fault::SaysAnotherRevision {
                Revision::new(found.number, 0)
            } else {
                found
            };
            return Ok(Loaded::NotInHistory { seen, found });
        }
        let is_latest = match self.fault {
            Fault::IgnoresTags => seen.number == found.number,
            Fault::EarlierIsUnchanged => true,
            _ => seen == found,
        };
        let is_whole = match self.fault {
            Fault::LooksAtRevisionsAlone | Fault::CountsRows => true,
            _ => state.rows.is_whole(),
        };
        if is_latest && is_whole {
            let is_silent = self.fault == Fault::TellsTheTimeAtTimes;
            let store_time = self.now().filter(|_| !is_silent);
            return Ok(Loaded::Unchanged { store_time });
        }
        Ok(Loaded::Ring(self.shown(state)))
    }

    fn shown(&self, state: &State) -> Rows {
        let mut shown = Rows { store_time: self.now(), ..state.rows.clone() };
        if self.fault == Fault::CountsRows {
            shown.ids = counted(&shown);
        }
        shown
    }

    fn knows(&self, state: &State, seen: Revision) -> bool {
        let latest = state.rows.revision;
        let any = |is: &dyn Fn(&Revision) -> bool| state.known.iter().any(is);
        match self.fault {
            Fault::FollowsAnything => true,
            Fault::IgnoresTags => any(&|known| known.number == seen.number),
            Fault::HalfTags => {
                any(&|known| known.number == seen.number && low(known.tag) == low(seen.tag))
            }
            Fault::HalfNumbers => {
                any(&|known| low(known.number) == low(seen.number) && known.tag == seen.tag)
            }
            Fault::ZeroTagIsNone => seen.tag != 0 && state.known.contains(&seen),
            Fault::KnowsTheLatestTwo => state.known.iter().rev().take(2).any(|it| *it == seen),
            Fault::ForgetsHistoryAtTheEnd if state.rows.closed.is_some() => seen == latest,
            _ => state.known.contains(&seen),
        }
    }

    fn is_known_in_another(&self, seen: Revision) -> bool {
        let all = self.all.lock().unwrap();
        all.iter().any(|state| state.lock().unwrap().known.contains(&seen))
    }
}

fn low(number: u64) -> u64 {
    number & 0xffff_ffff
}

fn counted(rows: &Rows) -> u64 {
    (rows.records.len() + rows.destroyed.len()) as u64
}
