//! Lengths of time, in the words of people.

use core::time::Duration;

/// Makes a period of so many minutes.
#[must_use]
pub const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

/// Makes a period of so many hours.
#[must_use]
pub const fn hours(hours: u64) -> Duration {
    minutes(hours.saturating_mul(60))
}

/// Makes a period of so many days, of 24 hours each.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use key_rotation::policy::days;
///
/// const QUARTER: Duration = days(90);
/// assert_eq!(QUARTER, Duration::from_secs(7_776_000));
/// ```
#[must_use]
pub const fn days(days: u64) -> Duration {
    hours(days.saturating_mul(24))
}

/// The sum of two periods, or the longest that there is.
pub(super) const fn sum(a: Duration, b: Duration) -> Duration {
    a.saturating_add(b)
}

/// The longer of two periods.
pub(super) const fn longer(a: Duration, b: Duration) -> Duration {
    if is_shorter(a, b) { b } else { a }
}

/// The shorter of two periods.
pub(super) const fn shorter(a: Duration, b: Duration) -> Duration {
    if is_shorter(a, b) { a } else { b }
}

/// Compares two periods in a constant.
pub(super) const fn is_shorter(a: Duration, b: Duration) -> bool {
    a.as_millis() < b.as_millis()
}
