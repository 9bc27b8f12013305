//! Times are parsed, printed and calculated with, and never overflow.
#![no_main]

use std::time::{Duration, SystemTime};

use key_rotation::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, u64, u64, u64)| {
    let (text, millis, other, seconds) = input;
    if let Ok(at) = text.parse::<Timestamp>() {
        assert!(at <= Timestamp::MAX);
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }
    let (at, other) = (Timestamp::from_unix_millis(millis), Timestamp::from_unix_millis(other));
    assert_eq!(at.as_unix_millis(), millis.min(Timestamp::MAX.as_unix_millis()));
    assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    let period = Duration::from_secs(seconds);
    let later = at.saturating_add(period);
    assert!(later >= at && later <= Timestamp::MAX && at.saturating_sub(period) <= at);
    assert!(later == Timestamp::MAX || later.saturating_duration_since(at) == period);
    assert_eq!(at > other, at.saturating_duration_since(other) > Duration::ZERO);
    if let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)) {
        assert!(
            Timestamp::try_from(time).is_ok_and(|same| same == at) || millis > at.as_unix_millis()
        );
    }
});
