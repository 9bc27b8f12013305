//! [`KeyInfo`]: a key without its material; and [`Times`], the events of its life.

use core::cmp::Reverse;

use crate::id::KeyId;
use crate::status::KeyStatus;
use crate::timestamp::Timestamp;

/// The events of a key's life, each with its time. A time that is not known is `None`.
///
/// An event that has not happened has no time either. [`KeyInfo::status`] and [`KeyInfo::used`] say
/// which events there were.
///
/// # Examples
///
/// ```
/// use key_rotation::{KeyStatus, Times, Timestamp};
///
/// let at = Timestamp::from_unix_millis;
/// let times = Times { activated_at: Some(at(20)), deactivated_at: Some(at(30)), ..Times::default() };
/// assert_eq!(times.status_since(KeyStatus::Inactive), Some(at(30)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct Times {
    /// When the key was made, as its maker says.
    pub created_at: Option<Timestamp>,
    /// When the ring got the key, as the ring's keeper says. Never what its maker said.
    pub added_at: Option<Timestamp>,
    /// When the key was last activated.
    pub activated_at: Option<Timestamp>,
    /// When another key took its place, since it was last activated.
    pub deactivated_at: Option<Timestamp>,
    /// When the key was retired, or restored as retired.
    pub retired_at: Option<Timestamp>,
    /// When the key was revoked, if it is revoked now.
    pub revoked_at: Option<Timestamp>,
}

impl Times {
    /// Returns since when the key has had this status, if it has it and the time is known. A key
    /// that was never active has been inactive since it was added.
    #[must_use]
    pub const fn status_since(&self, status: KeyStatus) -> Option<Timestamp> {
        match status {
            KeyStatus::Active => self.activated_at,
            KeyStatus::Inactive => match (self.deactivated_at, self.activated_at) {
                (Some(at), _) => Some(at),
                (None, Some(_)) => None,
                (None, None) => self.added_at,
            },
            KeyStatus::Retired => self.retired_at,
            KeyStatus::Revoked => self.revoked_at,
        }
    }

    /// Returns the latest time that is known. No transition is dated earlier.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        let Self { created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at } =
            *self;
        let times = [created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at];
        Timestamp::latest(times)
    }

    /// The time that counts for a transition: the one asked for, or the latest that the key
    /// carries.
    pub(crate) fn no_earlier_than(&self, asked_at: Timestamp) -> Timestamp {
        self.latest().map_or(asked_at, |latest| latest.max(asked_at))
    }
}

/// A key without its material: what policies, states and logs see.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, KeyInfo, KeyStatus, Timestamp};
///
/// let now = Timestamp::now();
/// let key = Key::new(KeyId::from_static("k1"), "secret", now);
/// let info: KeyInfo = key.info();
/// assert_eq!((info.id.as_str(), info.status), ("k1", KeyStatus::Inactive));
/// assert!(info.is_staged());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "stores and policies' tests write it field by field")]
pub struct KeyInfo {
    /// The key's name.
    pub id: KeyId,
    /// The key's status.
    pub status: KeyStatus,
    /// The events of the key's life.
    pub times: Times,
    /// True if the key may have encrypted: it was active, or nobody can say that it was not.
    pub used: bool,
    /// True if the key was retired with evidence that nothing needs it.
    pub counted: bool,
    /// The number of the revision in which the key was added; 0 where no store has said. At most
    /// 2⁶³ − 1.
    pub added_in: u64,
    /// The number of the revision in which another key took its place; 0 where no store has said.
    /// At most 2⁶³ − 1.
    pub deactivated_in: u64,
}

impl KeyInfo {
    /// Returns true if the key waits to be activated for the first time.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.status == KeyStatus::Inactive && !self.used
    }

    /// Returns true if no conflict of times is to be found in it. Loading asks this first, because
    /// most records have none.
    pub(crate) fn is_plausible(&self) -> bool {
        let Times { created_at, added_at: _, activated_at, deactivated_at, retired_at, revoked_at } =
            self.times;
        let mut latest = created_at;
        for at in [activated_at, deactivated_at, retired_at, revoked_at] {
            if at.is_some() && at < latest {
                return false;
            }
            latest = at.or(latest);
        }
        let not_of_this_status = match self.status {
            KeyStatus::Active => Timestamp::latest([deactivated_at, retired_at, revoked_at]),
            KeyStatus::Inactive => Timestamp::latest([retired_at, revoked_at]),
            KeyStatus::Retired => revoked_at,
            KeyStatus::Revoked => None,
        };
        let was_active = self.status.can_encrypt() || activated_at.is_some();
        not_of_this_status.is_none() && (self.used || !was_active)
    }

    /// Dates the event that has made the key what it is, if its time is not known: at this time,
    /// or at the latest that the key carries.
    pub(crate) fn date_unknown(&mut self, at: Timestamp) {
        let at = self.times.no_earlier_than(at);
        let times = &mut self.times;
        let since = match self.status {
            KeyStatus::Active => &mut times.activated_at,
            KeyStatus::Inactive if self.used => &mut times.deactivated_at,
            KeyStatus::Inactive => &mut times.added_at,
            KeyStatus::Retired => &mut times.retired_at,
            KeyStatus::Revoked => &mut times.revoked_at,
        };
        let _ = since.get_or_insert(at);
        let _ = times.added_at.get_or_insert(at);
    }

    /// Puts the times right: what is dated later than this time, or is not known, happened now.
    pub(crate) fn date(&mut self, at: Timestamp) {
        let Times { created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at } =
            &mut self.times;
        for time in [created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at] {
            *time = time.map(|time| time.min(at));
        }
        self.date_unknown(at);
    }

    /// Changes the status, and what goes with it. The time is not earlier than any other.
    pub(crate) fn enter(&mut self, status: KeyStatus, at: Timestamp) {
        let mut head = Head::new(self.clone(), 0);
        head.enter(status, at);
        *self = head.info(status);
    }
}

/// A key without its status and its halves.
pub(crate) struct Head {
    pub(crate) id: KeyId,
    pub(crate) times: Times,
    pub(crate) marks: Marks,
}

impl Head {
    pub(crate) fn new(info: KeyInfo, material_in: u64) -> Self {
        let KeyInfo { id, status: _, times, used, counted, added_in, deactivated_in } = info;
        let marks = Marks::new(used, counted, added_in, deactivated_in, material_in);
        Self { id, times, marks }
    }

    pub(crate) fn info(&self, status: KeyStatus) -> KeyInfo {
        KeyInfo {
            id: self.id.clone(),
            status,
            times: self.times,
            used: self.marks.used(),
            counted: self.marks.counted(),
            added_in: self.marks.added_in(),
            deactivated_in: self.marks.deactivated_in(),
        }
    }

    /// The same, for another pointer to the halves.
    pub(crate) fn share(&self) -> Self {
        Self { id: self.id.clone(), times: self.times, marks: self.marks }
    }

    /// Changes what goes with a status. The time is not earlier than any other.
    pub(crate) fn enter(&mut self, status: KeyStatus, at: Timestamp) {
        self.marks.enter(&mut self.times, status, at);
    }

    /// Returns the place of the key in the promised order: the active one; the demoted ones, latest
    /// first; the staged ones in the order of their coming; the retired ones and then the revoked
    /// ones, latest first. `seq` tells apart what happened at the same millisecond.
    pub(crate) fn rank(&self, status: KeyStatus, seq: u32) -> Rank {
        let latest_first = |group, at| (group, Reverse(at), Reverse(self.times.activated_at), !seq);
        match status {
            KeyStatus::Active => latest_first(0, None),
            KeyStatus::Inactive if self.marks.used() => latest_first(1, self.times.deactivated_at),
            KeyStatus::Inactive => (2, Reverse(None), Reverse(None), seq),
            KeyStatus::Retired => latest_first(3, self.times.retired_at),
            KeyStatus::Revoked => latest_first(4, self.times.revoked_at),
        }
    }
}

/// The place of a key in the promised order, the smaller the earlier.
pub(crate) type Rank = (u8, Reverse<Option<Timestamp>>, Reverse<Option<Timestamp>>, u32);

/// Three numbers and two marks, in as little room as the numbers: a ring of a million keys keeps a
/// million of them. A mark is the highest bit of a number, which no store counts up to: a thousand
/// commits a second would take 292 million years.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    /// With [`Marks::used`].
    added_in: u64,
    /// With [`Marks::counted`].
    deactivated_in: u64,
    material_in: u64,
}

impl Marks {
    const MARK: u64 = 1 << 63;
    const NUMBER: u64 = Self::MARK - 1;

    pub(crate) fn new(
        used: bool,
        counted: bool,
        added_in: u64,
        deactivated_in: u64,
        material_in: u64,
    ) -> Self {
        let marked =
            |mark, number: u64| number.min(Self::NUMBER) | if mark { Self::MARK } else { 0 };
        Self {
            added_in: marked(used, added_in),
            deactivated_in: marked(counted, deactivated_in),
            material_in,
        }
    }

    pub(crate) fn used(self) -> bool {
        self.added_in & Self::MARK != 0
    }

    pub(crate) fn counted(self) -> bool {
        self.deactivated_in & Self::MARK != 0
    }

    pub(crate) fn added_in(self) -> u64 {
        self.added_in & Self::NUMBER
    }

    pub(crate) fn deactivated_in(self) -> u64 {
        self.deactivated_in & Self::NUMBER
    }

    pub(crate) fn material_in(self) -> u64 {
        self.material_in
    }

    /// Notes that the key may have encrypted.
    pub(crate) fn set_used(&mut self) {
        self.added_in |= Self::MARK;
    }

    /// The one place where times and marks change with the status.
    fn enter(&mut self, times: &mut Times, status: KeyStatus, at: Timestamp) {
        match status {
            KeyStatus::Active => {
                times.activated_at = Some(at);
                times.deactivated_at = None;
                self.set_used();
                self.deactivated_in = 0;
            }
            KeyStatus::Inactive => times.deactivated_at = Some(at),
            KeyStatus::Retired => {
                times.retired_at = Some(at);
                times.revoked_at = None;
                // What was counted before a revocation is not known after it.
                self.deactivated_in &= Self::NUMBER;
            }
            KeyStatus::Revoked => times.revoked_at = Some(at),
        }
    }
}
