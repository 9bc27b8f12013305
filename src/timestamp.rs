//! [`Timestamp`]: a point in time that every store gives back unchanged.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;
use core::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

/// A point in time: milliseconds since the UNIX epoch, from 1970-01-01 to the end of the year 9999.
///
/// Milliseconds, because that is what SQL databases, JSON and message headers all keep exactly. A
/// time that is not known is `None`, and never 1970.
///
/// Nothing in this crate reads a clock by itself: an operation that has a time takes it as an
/// argument.
///
/// # Examples
///
/// ```
/// use key_rotation::Timestamp;
///
/// let at = Timestamp::from_unix_millis(1_795_422_960_000);
/// assert_eq!(at.to_string(), "2026-11-23T08:36:00.000Z");
/// assert_eq!("2026-11-23T09:36:00+01:00".parse(), Ok(at));
/// ```
// One more than the milliseconds, so that an `Option<Timestamp>` is as small as a `Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z, the earliest time. It is a time like any other.
    pub const UNIX_EPOCH: Self = Self::from_unix_millis(0);

    /// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
    pub const MAX: Self = Self::from_unix_millis(u64::MAX);

    /// Returns the time so many milliseconds after the UNIX epoch, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        /// 9999-12-31T23:59:59.999Z.
        const MAX_MILLIS: u64 = 253_402_300_799_999;
        let millis = if millis < MAX_MILLIS { millis } else { MAX_MILLIS };
        Self(NonZeroU64::MIN.saturating_add(millis))
    }

    /// Returns the milliseconds since the UNIX epoch.
    #[must_use]
    pub const fn as_unix_millis(self) -> u64 {
        self.0.get() - 1
    }

    /// Reads the system clock, to the millisecond. A clock that is set before 1970 gives
    /// [`Timestamp::UNIX_EPOCH`], one that is set after the year 9999 [`Timestamp::MAX`].
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        match Self::try_from(std::time::SystemTime::now()) {
            Ok(now) => now,
            Err(InvalidTimestamp::TooLate) => Self::MAX,
            Err(_) => Self::UNIX_EPOCH,
        }
    }

    /// Returns the time so much later, at most [`Timestamp::MAX`]. Parts of a millisecond are cut
    /// off.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::Timestamp;
    /// use key_rotation::policy::days;
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// assert_eq!(start.saturating_add(days(90)).to_string(), "2026-04-01T00:00:00.000Z");
    /// # Ok::<(), key_rotation::error::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub const fn saturating_add(self, period: Duration) -> Self {
        Self::from_unix_millis(self.as_unix_millis().saturating_add(millis_of(period)))
    }

    /// Returns the time so much earlier, at least [`Timestamp::UNIX_EPOCH`]. Parts of a
    /// millisecond are cut off.
    #[must_use]
    pub const fn saturating_sub(self, period: Duration) -> Self {
        Self::from_unix_millis(self.as_unix_millis().saturating_sub(millis_of(period)))
    }

    /// Returns the latest of the times that are known. One that is not is less than any other.
    pub(crate) fn latest<const N: usize>(times: [Option<Self>; N]) -> Option<Self> {
        let latest = times.into_iter().map(|at| at.map_or(0, |at| at.0.get())).max();
        latest.and_then(NonZeroU64::new).map(Self)
    }

    /// Returns how long ago the other time was; zero if it is yet to come.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        let millis = self.as_unix_millis().saturating_sub(earlier.as_unix_millis());
        Duration::from_millis(millis)
    }
}

/// The whole milliseconds of a period.
const fn millis_of(period: Duration) -> u64 {
    let millis = period.as_secs().saturating_mul(1000);
    millis.saturating_add(period.subsec_millis() as u64)
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

/// Reads RFC 3339, in any offset. Digits beyond the millisecond are cut off.
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

/// Writes RFC 3339 in UTC with milliseconds.
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

/// Writes RFC 3339.
#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parsed(deserializer)
    }
}

/// A time that a [`Timestamp`] cannot hold.
///
/// # Examples
///
/// ```
/// use key_rotation::Timestamp;
/// use key_rotation::error::InvalidTimestamp;
///
/// assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>(), Err(InvalidTimestamp::BeforeUnixEpoch));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTimestamp {
    /// The text is not an RFC 3339 time.
    #[error("the text is not an RFC 3339 time, such as 2026-11-23T08:36:00Z")]
    Malformed,
    /// The time is before 1970.
    #[error("the time is before 1970-01-01T00:00:00Z: nothing here is that old")]
    BeforeUnixEpoch,
    /// The time is after [`Timestamp::MAX`].
    #[error("the time is after 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write")]
    TooLate,
}
