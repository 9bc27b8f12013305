//! [`Timestamp`]: a point in time that every store gives back unchanged.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;
use core::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::error::InvalidTimestamp;

/// Milliseconds since the UNIX epoch, from 1970-01-01 to the end of the year 9999.
///
/// Milliseconds, because that is what SQL databases, JSON and message headers all keep exactly.
/// [`Timestamp::UNIX_EPOCH`] means *unknown*: a store that has lost the time of an event writes
/// that, and no check and no policy takes it for a date.
///
/// Nothing in this crate reads a clock by itself: every operation that has a time takes it as an
/// argument.
///
/// ```
/// use key_rotation::Timestamp;
///
/// let at = Timestamp::from_unix_millis(1_795_422_960_000);
/// assert_eq!(at.to_string(), "2026-11-23T08:36:00.000Z");
/// assert_eq!("2026-11-23T09:36:00+01:00".parse(), Ok(at));
/// ```
// One more than the milliseconds, so that zero is free to mean `None` and an `Option<Timestamp>`
// is as small as a `Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z, which stands for a time that is not known.
    ///
    /// ```
    /// # use key_rotation::Timestamp;
    /// assert_eq!(Timestamp::UNIX_EPOCH.as_unix_millis(), 0);
    /// ```
    pub const UNIX_EPOCH: Self = Self::from_unix_millis(0);

    /// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
    ///
    /// ```
    /// # use key_rotation::Timestamp;
    /// assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    /// ```
    pub const MAX: Self = Self::from_unix_millis(u64::MAX);

    /// The time that lies so many milliseconds after the UNIX epoch, at most [`Timestamp::MAX`].
    ///
    /// ```
    /// # use key_rotation::Timestamp;
    /// assert_eq!(Timestamp::from_unix_millis(7).as_unix_millis(), 7);
    /// assert_eq!(Timestamp::from_unix_millis(u64::MAX), Timestamp::MAX);
    /// ```
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        /// 9999-12-31T23:59:59.999Z.
        const MAX_MILLIS: u64 = 253_402_300_799_999;
        let millis = if millis < MAX_MILLIS { millis } else { MAX_MILLIS };
        Self(NonZeroU64::MIN.saturating_add(millis))
    }

    /// Milliseconds since the UNIX epoch.
    ///
    /// ```
    /// # use key_rotation::Timestamp;
    /// assert_eq!(Timestamp::UNIX_EPOCH.as_unix_millis(), 0);
    /// ```
    #[must_use]
    pub const fn as_unix_millis(self) -> u64 {
        self.0.get() - 1
    }

    /// The system clock's time, at millisecond precision. A clock that is set before 1970 gives
    /// [`Timestamp::UNIX_EPOCH`], one that is set after the year 9999 [`Timestamp::MAX`].
    ///
    /// ```
    /// # use key_rotation::Timestamp;
    /// assert!(Timestamp::now() > Timestamp::UNIX_EPOCH);
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        match Self::try_from(std::time::SystemTime::now()) {
            Ok(now) => now,
            Err(InvalidTimestamp::TooLate) => Self::MAX,
            Err(_) => Self::UNIX_EPOCH,
        }
    }

    /// The time so much later, at most [`Timestamp::MAX`]; parts of a millisecond are cut off.
    ///
    /// ```
    /// use key_rotation::{Timestamp, days};
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// assert_eq!(start.saturating_add(days(90)).to_string(), "2026-04-01T00:00:00.000Z");
    /// # Ok::<(), key_rotation::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub const fn saturating_add(self, period: Duration) -> Self {
        let millis = period.as_secs().saturating_mul(1000);
        let millis = millis.saturating_add(period.subsec_millis() as u64);
        Self::from_unix_millis(self.as_unix_millis().saturating_add(millis))
    }

    /// The time so much earlier, at least [`Timestamp::UNIX_EPOCH`].
    ///
    /// ```
    /// # use key_rotation::{Timestamp, days};
    /// assert_eq!(Timestamp::from_unix_millis(7).saturating_sub(days(1)), Timestamp::UNIX_EPOCH);
    /// ```
    #[must_use]
    pub const fn saturating_sub(self, period: Duration) -> Self {
        let millis = period.as_secs().saturating_mul(1000);
        let millis = millis.saturating_add(period.subsec_millis() as u64);
        Self::from_unix_millis(self.as_unix_millis().saturating_sub(millis))
    }

    /// How long ago the other time was; zero if it is yet to come.
    ///
    /// ```
    /// # use key_rotation::{Timestamp, days};
    /// let start = Timestamp::from_unix_millis(7);
    /// assert_eq!(start.saturating_add(days(1)).saturating_duration_since(start), days(1));
    /// ```
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        let millis = self.as_unix_millis().saturating_sub(earlier.as_unix_millis());
        Duration::from_millis(millis)
    }

    /// The latest of the times that a key carries.
    pub(crate) fn latest_of(
        created_at: Self,
        activated_at: Option<Self>,
        status_since: Self,
    ) -> Self {
        created_at.max(activated_at.unwrap_or(Self::UNIX_EPOCH)).max(status_since)
    }

    /// Whether the time is known: anything but [`Timestamp::UNIX_EPOCH`].
    pub(crate) fn is_known(self) -> bool {
        self != Self::UNIX_EPOCH
    }
}

#[cfg(feature = "std")]
impl TryFrom<std::time::SystemTime> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(time: std::time::SystemTime) -> Result<Self, Self::Error> {
        let since_epoch = time
            .duration_since(std::time::UNIX_EPOCH)
            .map_err(|_| InvalidTimestamp::BeforeUnixEpoch)?;
        let millis =
            u64::try_from(since_epoch.as_millis()).map_err(|_| InvalidTimestamp::TooLate)?;
        exactly(millis)
    }
}

/// RFC 3339, in any offset; digits beyond the millisecond are cut off.
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp::Malformed)?;
        let millis = u64::try_from(time.timestamp_millis())
            .map_err(|_| InvalidTimestamp::BeforeUnixEpoch)?;
        exactly(millis)
    }
}

/// The time, or an error where [`Timestamp::from_unix_millis`] would cap it.
fn exactly(millis: u64) -> Result<Timestamp, InvalidTimestamp> {
    let time = Timestamp::from_unix_millis(millis);
    if time.as_unix_millis() == millis { Ok(time) } else { Err(InvalidTimestamp::TooLate) }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.as_unix_millis()).map_err(|_| fmt::Error)?;
        let time = DateTime::<Utc>::from_timestamp_millis(millis).ok_or(fmt::Error)?;
        f.pad(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}
