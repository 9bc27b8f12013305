//! Any rules make a policy or are refused; its plan ends, and what is due can be carried out.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use key_rotation::plan::plan;
use key_rotation::policy::{Evidence, Fleet, KeyUsage, NodeReport, References, Step, UsageLimit};
use key_rotation::store::Revision;
use key_rotation::{
    Cryptoperiods, Inactive, Key, KeyId, Keyring, RotationPolicy, Timestamp,
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
    lifetime: Option<u16>,
    readers: Option<u16>,
    disable: Option<u16>,
    delay: Option<u16>,
    staleness: u16,
    skew: u8,
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
    let mut builder = Cryptoperiods::builder(hours(input.rules.staleness), hours(input.rules.skew.into()))
        .originator_usage(hours(input.rules.originator));
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
    if let Some(lifetime) = input.rules.lifetime {
        builder = builder.data_lifetime(hours(lifetime));
    }
    if let Some(readers) = input.rules.readers {
        builder = builder.decrypt_staleness(hours(readers));
    }
    if let Some(disable) = input.rules.disable {
        builder = builder.disable_before_destroy(hours(disable));
    }
    if let Some(delay) = input.rules.delay {
        builder = builder.write_delay(hours(delay));
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
    let usage = KeyUsage {
        id: id(0),
        encryptions: input.usage,
        last_encryption: Some(at(input.rules.skew)),
        last_decryption: None,
    };
    let node = NodeReport {
        node: "node".parse().unwrap(),
        revision: Revision::new(input.usage, 1),
        lease_end: at(input.rules.skew),
        unprepared: vec![],
        usage: vec![usage],
    };
    let counted = |n| References { id: id(n), count: 0, counted_at: now };
    let fleet = Fleet { nodes: vec![node], references: (0..6).map(counted).collect() };
    for fleet in [&Fleet::UNKNOWN, &fleet] {
        let plan = plan(&policy, &ring.state(), fleet, now);
        assert!(!plan.to_string().is_empty());
        assert!(plan.look_again_at().is_some() || plan.due().is_empty() && plan.blocked().is_empty());
        for due in plan.due() {
            let key = ring.get(due.id.as_str()).unwrap().info();
            let none = &Evidence::None;
            let allowed = match due.step {
                Step::Activate => policy.may_activate(&key, fleet, now),
                Step::Retire => policy.may_retire(&key, fleet, none, now),
                Step::Revoke => policy.may_revoke(&key, fleet, none, now),
                Step::Destroy => policy.may_destroy(&key, fleet, none, now),
                Step::Date | Step::Stage | Step::Discard => Ok(()),
            };
            assert_eq!(allowed, Ok(()), "{due}");
            assert!(due.from <= now, "{due}");
        }
    }
});
