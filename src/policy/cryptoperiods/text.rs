//! A policy as text: periods as `"90d"`, `"36h"`, `"5min"`.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::super::UsageLimit;
use super::super::periods::{days, hours, minutes};
use super::{Cryptoperiods, CryptoperiodsBuilder};

/// A period, in the greatest unit of which it is a whole number.
#[derive(Clone, Copy)]
struct Period(Duration);

/// The units, the greatest first, each with its length in milliseconds.
const UNITS: [(&str, u128); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        let fits = |(_, unit): &&(&str, u128)| millis % unit == 0 && millis > 0;
        let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("ms", 1));
        serializer.collect_str(&format_args!("{}{name}", millis / unit))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let wrong = || {
            de::Error::custom(format!(
                "`{}` is no period such as 90d, 36h, 5min, 10s or 1ms",
                text.escape_default()
            ))
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let period = match unit {
            "d" => days(number),
            "h" => hours(number),
            "min" => minutes(number),
            "s" => Duration::from_secs(number),
            "ms" => Duration::from_millis(number),
            _ => return Err(wrong()),
        };
        Ok(Self(period))
    }
}

/// The rules by name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    max_staleness: Period,
    clock_skew: Period,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    originator_usage: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient_usage: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hard_end: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage_limit: Option<UsageLimit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft_share: Option<u8>,
    #[serde(default)]
    allow_reactivation: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    propagation: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_lifetime: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    write_delay: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decrypt_staleness: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disable_before_destroy: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overdue_after: Option<Period>,
}

impl Serialize for Cryptoperiods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rules = self.to_builder();
        Rules {
            max_staleness: Period(rules.max_staleness),
            clock_skew: Period(rules.clock_skew),
            originator_usage: rules.originator_usage.map(Period),
            recipient_usage: rules.recipient_usage.map(Period),
            grace: rules.grace.map(Period),
            retention: rules.retention.map(Period),
            hard_end: rules.hard_end.map(Period),
            usage_limit: rules.usage_limit,
            soft_share: rules.soft_share,
            allow_reactivation: rules.allow_reactivation,
            propagation: rules.propagation.map(Period),
            data_lifetime: rules.data_lifetime.map(Period),
            write_delay: rules.write_delay.map(Period),
            decrypt_staleness: rules.decrypt_staleness.map(Period),
            disable_before_destroy: rules.disable_before_destroy.map(Period),
            overdue_after: rules.overdue_after.map(Period),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cryptoperiods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = Rules::deserialize(deserializer)?;
        let of = |period: Option<Period>| period.map(|period| period.0);
        CryptoperiodsBuilder {
            max_staleness: rules.max_staleness.0,
            clock_skew: rules.clock_skew.0,
            originator_usage: of(rules.originator_usage),
            recipient_usage: of(rules.recipient_usage),
            grace: of(rules.grace),
            retention: of(rules.retention),
            hard_end: of(rules.hard_end),
            usage_limit: rules.usage_limit,
            soft_share: rules.soft_share,
            allow_reactivation: rules.allow_reactivation,
            propagation: of(rules.propagation),
            data_lifetime: of(rules.data_lifetime),
            write_delay: of(rules.write_delay),
            decrypt_staleness: of(rules.decrypt_staleness),
            disable_before_destroy: of(rules.disable_before_destroy),
            overdue_after: of(rules.overdue_after),
        }
        .build()
        .map_err(de::Error::custom)
    }
}
