//! [`forecast`]: the steps that plans will have, one after the other, if nothing else happens.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::plan;
use crate::id::KeyId;
use crate::key::{Destruction, KeyInfo, Times};
use crate::policy::{Fleet, RotationPolicy, Step, Until};
use crate::ring::KeyringState;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

/// Repeats [`plan`](super::plan) and what it says, from one time until another, as a job would that
/// looks at the ring whenever something is due. New keys are called `new-1`, `new-2` and so on.
///
/// What the fleet is known to do stays as it is: a step that waits for a count waits for ever.
///
/// # Examples
///
/// ```
/// use key_rotation::plan::forecast;
/// use key_rotation::policy::{Fleet, days};
/// use key_rotation::{Cryptoperiods, Key, KeyId, Keyring, Timestamp};
///
/// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", start).activate(start));
/// let until = start.saturating_add(days(50));
/// let forecast = forecast(&Cryptoperiods::COOKIES, &ring.state(), &Fleet::UNKNOWN, start, until);
/// println!("{forecast}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast(
    policy: &dyn RotationPolicy,
    ring: &KeyringState,
    fleet: &Fleet,
    from: Timestamp,
    until: Timestamp,
) -> Forecast {
    let mut ring = Draft::of(ring);
    let mut forecast = Forecast { from, until, steps: Vec::new(), lives: Vec::new() };
    forecast.look(&ring.state(), from);
    let (mut now, mut made) = (from, 0_u32);
    while now <= until && forecast.steps.len() < Forecast::MOST {
        let plan = plan(policy, &ring.state(), fleet, now);
        if let Some(due) = plan.due().first() {
            let id = match due.step {
                Step::Stage => {
                    made += 1;
                    let Ok(id) = format!("new-{made}").parse::<KeyId>() else { break };
                    id
                }
                _ => due.id.clone(),
            };
            ring.carry_out(due.step, &id, now);
            forecast.steps.push(Foreseen { at: now, step: due.step, id });
            forecast.look(&ring.state(), now);
            continue;
        }
        let waiting =
            plan.blocked().iter().filter_map(|blocked| match blocked.reason.stands_until() {
                Until::At(at) => Some(at),
                Until::Event | Until::Hopeless | Until::Never => None,
            });
        match plan.upcoming().iter().map(|upcoming| upcoming.at).chain(waiting).min() {
            Some(next) if next > now => now = next,
            _ => break,
        }
    }
    forecast
}

/// A ring as it would be.
struct Draft {
    active: KeyInfo,
    others: Vec<KeyInfo>,
    destroyed: Vec<Destruction>,
}

impl Draft {
    fn of(ring: &KeyringState) -> Self {
        Self {
            active: ring.active().clone(),
            others: ring.keys().skip(1).cloned().collect(),
            destroyed: ring.destroyed().to_vec(),
        }
    }

    fn state(&self) -> KeyringState {
        KeyringState::foreseen(self.active.clone(), self.others.clone(), self.destroyed.clone())
    }

    /// Changes it as the step would.
    fn carry_out(&mut self, step: Step, id: &KeyId, at: Timestamp) {
        let place = self.others.iter().position(|key| key.id == *id);
        if step == Step::Stage {
            let times = Times { created_at: Some(at), added_at: Some(at), ..Times::default() };
            self.others.push(KeyInfo {
                id: id.clone(),
                status: KeyStatus::Inactive,
                times,
                used: false,
                counted: false,
                added_in: 0,
                deactivated_in: 0,
            });
        }
        let Self { active, others, destroyed } = self;
        let key = match place.and_then(|place| others.get_mut(place)) {
            Some(key) => key,
            // Of the active key nothing changes but its times.
            None if active.id == *id && step == Step::Date => return active.date(at),
            None => return,
        };
        let counts = key.times.no_earlier_than(at);
        match step {
            Step::Stage => {}
            Step::Date => key.date(at),
            Step::Discard | Step::Retire => key.enter(KeyStatus::Retired, counts),
            Step::Revoke => key.enter(KeyStatus::Revoked, counts),
            Step::Activate => {
                key.enter(KeyStatus::Active, counts);
                mem::swap(key, active);
                key.enter(KeyStatus::Inactive, counts);
            }
            Step::Destroy => {
                destroyed.push(Destruction::new(id.clone(), counts));
                others.retain(|key| key.id != *id);
            }
        }
    }
}

/// A step that a plan will have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "a reader of forecasts reads it field by field")]
pub struct Foreseen {
    /// The time of the step.
    pub at: Timestamp,
    /// The step.
    pub step: Step,
    /// The key that it is about; of [`Step::Stage`], the new one.
    pub id: KeyId,
}

/// The answer of [`forecast`]. It prints as a picture, a key in each line, and a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "a forecast does nothing by itself"]
pub struct Forecast {
    from: Timestamp,
    until: Timestamp,
    steps: Vec<Foreseen>,
    lives: Vec<Life>,
}

/// What a key is, from which time on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
struct Life {
    id: KeyId,
    marks: Vec<(Timestamp, char)>,
}

impl Forecast {
    /// More steps than anybody reads.
    const MOST: usize = 10_000;
    /// The width of the picture, in characters.
    const WIDTH: u64 = 60;

    /// Lists the steps, the earliest first.
    #[must_use]
    pub fn steps(&self) -> &[Foreseen] {
        &self.steps
    }

    /// Notes what each key is now.
    fn look(&mut self, ring: &KeyringState, now: Timestamp) {
        let mark = |key: &KeyInfo| match key.status {
            KeyStatus::Active => 'A',
            KeyStatus::Inactive if key.is_staged() => 's',
            KeyStatus::Inactive => '-',
            KeyStatus::Retired => 'r',
            KeyStatus::Revoked => 'x',
        };
        let keys = ring.keys().map(|key| (&key.id, mark(key)));
        for (id, mark) in keys.chain(ring.destroyed().iter().map(|gone| (&gone.id, ' '))) {
            match self.lives.iter_mut().find(|life| life.id == *id) {
                Some(life) if life.marks.last().is_some_and(|(_, last)| *last == mark) => {}
                Some(life) => life.marks.push((now, mark)),
                None => self.lives.push(Life { id: id.clone(), marks: Vec::from([(now, mark)]) }),
            }
        }
    }
}

impl Life {
    /// What the key is at this time; nothing before it is there.
    fn at(&self, time: Timestamp) -> char {
        let before = self.marks.iter().take_while(|(since, _)| *since <= time);
        before.last().map_or(' ', |(_, mark)| *mark)
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.until.saturating_duration_since(self.from).as_millis();
        let column = |n: u64| {
            let after = u64::try_from(millis * u128::from(n) / u128::from(Self::WIDTH));
            Timestamp::from_unix_millis(
                self.from.as_unix_millis().saturating_add(after.unwrap_or(u64::MAX)),
            )
        };
        writeln!(f, "from {} until {}", self.from, self.until)?;
        writeln!(f, "A active  - inactive  r retired  x revoked  s staged")?;
        let width = self.lives.iter().map(|life| life.id.as_str().len()).max().unwrap_or(0);
        for life in &self.lives {
            let picture: String = (0..Self::WIDTH).map(|n| life.at(column(n))).collect();
            writeln!(f, "{:<width$}  {}", life.id, picture.trim_end())?;
        }
        for Foreseen { at, step, id } in &self.steps {
            let step = match step {
                Step::Date => "date",
                Step::Activate => "activate",
                Step::Stage => "stage",
                Step::Discard => "give up",
                Step::Retire => "retire",
                Step::Revoke => "revoke",
                Step::Destroy => "destroy",
            };
            writeln!(f, "{at}  {step:<8} {id}")?;
        }
        Ok(())
    }
}
