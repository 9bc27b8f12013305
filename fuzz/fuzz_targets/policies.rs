//! Any rules make a policy or are refused; its plan ends, and what is due can be carried out.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use key_rotation::plan::DueStep;
use key_rotation::policy::{Usage, UsageLimit};
use key_rotation::{
    Cryptoperiods, Inactive, Key, KeyId, Keyring, Retired, RotationPolicy, Timestamp,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Rules {
    originator: u16,
    recipient: Option<u16>,
    propagation: Option<u16>,
    grace: Option<u16>,
    retention: Option<u16>,
    hard_end: Option<u16>,
    soft_share: Option<u8>,
    reactivation: bool,
    floor: Option<u8>,
}

#[derive(Arbitrary, Debug)]
struct Input {
    rules: Rules,
    keys: Vec<(u8, u8)>,
    retired: Vec<u8>,
    usage: u64,
    now: u64,
}

fuzz_target!(|input: Input| {
    let hours = |hours: u16| Duration::from_secs(3600 * u64::from(hours));
    let mut builder = Cryptoperiods::builder().originator_usage(hours(input.rules.originator));
    if let Some(recipient) = input.rules.recipient {
        builder = builder.recipient_usage(hours(recipient));
    }
    if let Some(propagation) = input.rules.propagation {
        builder = builder.propagation(hours(propagation));
    }
    if let Some(grace) = input.rules.grace {
        builder = builder.grace(hours(grace));
    }
    if let Some(retention) = input.rules.retention {
        builder = builder.retention(hours(retention));
    }
    if let Some(hard_end) = input.rules.hard_end {
        builder = builder.hard_end(hours(hard_end));
    }
    if let Some(percent) = input.rules.soft_share {
        builder = builder.usage_limit(UsageLimit::RANDOM_NONCE).soft_share(percent);
    }
    if input.rules.reactivation {
        builder = builder.allow_reactivation();
    }
    if let Some(floor) = input.rules.floor {
        builder = builder.floor(Timestamp::from_unix_millis(3_600_000 * u64::from(floor)));
    }
    let policy = match builder.build() {
        Ok(policy) => policy,
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            return;
        }
    };
    let at = |hours: u8| Timestamp::from_unix_millis(3_600_000 * u64::from(hours));
    let id = |n: usize| KeyId::from(u64::try_from(n).unwrap());
    let mut ring = Keyring::new(Key::new(id(0), (), at(1)).activate(at(2)));
    for (n, (created, activated)) in input.keys.iter().take(12).enumerate() {
        let _ = ring.add(Key::new(id(n + 1), (), at(*created)), at(*created));
        if activated % 2 == 0 {
            let _ = ring.rotate_to(id(n + 1).as_str(), at(*activated));
        }
    }
    for n in input.retired.iter().take(6) {
        if let Ok(entry) = ring.entry::<Inactive>(id(usize::from(*n)).as_str()) {
            let _ = entry.retire(at(*n));
        }
    }
    let now = Timestamp::from_unix_millis(input.now);
    let plan = policy.plan(&ring, Usage::of(input.usage), now);
    let text = plan.to_string();
    assert!(text.is_ascii() || !text.is_empty());
    for step in plan.due() {
        match step {
            DueStep::Activate { id, .. } => {
                let key = ring.get(id.as_str()).unwrap().info();
                assert!(policy.may_activate(&key, now).is_ok(), "{step}");
                assert!(ring.entry::<Inactive>(id.as_str()).is_ok(), "{step}");
            }
            DueStep::Retire { id, .. } => {
                assert!(ring.entry::<Inactive>(id.as_str()).is_ok(), "{step}");
            }
            DueStep::Destroy { id, .. } => {
                assert!(ring.entry::<Retired>(id.as_str()).is_ok(), "{step}");
            }
        }
    }
});
