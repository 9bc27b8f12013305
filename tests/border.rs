//! The border: stored records become a ring, or are refused with everything that is wrong.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use KeyStatus::{Active, Inactive, Retired};
use key_rotation::{
    Destruction, Key, KeyId, KeyRecord, KeyStatus, Keyring, TimeConflict, Timestamp, Violation,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

fn record(name: &'static str, status: KeyStatus) -> KeyRecord<()> {
    KeyRecord::new(id(name), status, at(10), ())
}

fn violations(records: Vec<KeyRecord<()>>, destroyed: Vec<Destruction>) -> Vec<Violation> {
    Keyring::from_parts(records, destroyed).unwrap_err().violations().to_vec()
}

#[test]
fn no_active_key_is_a_violation() {
    assert_eq!(violations(vec![], vec![]), [Violation::NoActiveKey]);
    let records = vec![record("a", Inactive), record("b", Retired)];
    assert_eq!(violations(records, vec![]), [Violation::NoActiveKey]);
    let tombstone = Destruction::new(id("a"), at(1));
    assert_eq!(violations(vec![], vec![tombstone]), [Violation::NoActiveKey]);
}

#[test]
fn several_active_keys_are_a_violation_that_names_them() {
    let records =
        vec![record("a", Active), record("b", Inactive), record("c", Active), record("d", Active)];
    let ids = vec![id("a"), id("c"), id("d")];
    assert_eq!(violations(records, vec![]), [Violation::MultipleActiveKeys { ids }]);
}

#[test]
fn a_duplicate_id_is_a_violation_whatever_the_statuses() {
    for first in [Active, Inactive, Retired] {
        for second in [Inactive, Retired] {
            let mut records = vec![record("a", first), record("a", second)];
            if first != Active {
                records.push(record("b", Active));
            }
            assert_eq!(
                violations(records, vec![]),
                [Violation::DuplicateKeyId { id: id("a") }],
                "{first}, {second}"
            );
        }
    }
    let thrice = vec![
        record("a", Active),
        record("b", Retired),
        record("b", Retired),
        record("b", Inactive),
    ];
    assert_eq!(violations(thrice, vec![]), [Violation::DuplicateKeyId { id: id("b") }]);
    let active_last = vec![record("a", Inactive), record("a", Active)];
    assert_eq!(violations(active_last, vec![]), [Violation::DuplicateKeyId { id: id("a") }]);
    let active_twice = vec![record("a", Active), record("a", Active)];
    assert_eq!(
        violations(active_twice, vec![]),
        [
            Violation::MultipleActiveKeys { ids: vec![id("a"), id("a")] },
            Violation::DuplicateKeyId { id: id("a") },
        ]
    );
    let first_active_again = vec![record("a", Active), record("b", Active), record("a", Inactive)];
    assert_eq!(
        violations(first_active_again, vec![]),
        [
            Violation::MultipleActiveKeys { ids: vec![id("a"), id("b")] },
            Violation::DuplicateKeyId { id: id("a") },
        ]
    );
    let second_active_again = vec![record("a", Active), record("b", Active), record("b", Inactive)];
    assert_eq!(
        violations(second_active_again, vec![]),
        [
            Violation::MultipleActiveKeys { ids: vec![id("a"), id("b")] },
            Violation::DuplicateKeyId { id: id("b") },
        ]
    );
}

#[test]
fn the_id_of_a_destroyed_key_is_a_violation_in_every_status() {
    for status in [Active, Inactive, Retired] {
        let mut records = vec![record("a", status)];
        if status != Active {
            records.push(record("b", Active));
        }
        let found = violations(records, vec![Destruction::new(id("a"), at(5))]);
        assert_eq!(found, [Violation::DestroyedKeyId { id: id("a") }], "{status}");
    }
    let twice = vec![Destruction::new(id("x"), at(1)), Destruction::new(id("x"), at(1))];
    assert_eq!(
        violations(vec![record("a", Active)], twice),
        [Violation::DuplicateKeyId { id: id("x") }]
    );
}

#[test]
fn times_must_be_in_the_order_created_activated_in_this_status() {
    let conflicts = |status, created, activated: Option<u64>, since| -> Vec<TimeConflict> {
        let record = KeyRecord::new(id("t"), status, at(created), ())
            .with_times(activated.map(at), at(since));
        let others = (status != Active).then(|| record_with_id("a"));
        match Keyring::from_records([record].into_iter().chain(others)) {
            Ok(_) => vec![],
            Err(error) => error.violations().iter().filter_map(conflict).collect(),
        }
    };
    use TimeConflict::*;
    let cases = [
        (Inactive, 10, None, 10, vec![]),
        (Inactive, 10, None, 9, vec![StatusBeforeCreation]),
        (Inactive, 10, Some(10), 10, vec![]),
        (Inactive, 10, Some(9), 10, vec![ActivationBeforeCreation]),
        (Inactive, 10, Some(20), 30, vec![]),
        (Inactive, 10, Some(20), 20, vec![]),
        (Inactive, 10, Some(20), 19, vec![StatusBeforeActivation]),
        (Inactive, 10, Some(20), 5, vec![StatusBeforeCreation, StatusBeforeActivation]),
        (Active, 10, Some(10), 10, vec![]),
        (Active, 10, None, 10, vec![ActiveWithoutActivation]),
        (Active, 10, Some(5), 5, vec![StatusBeforeCreation, ActivationBeforeCreation]),
        (Retired, 10, None, 10, vec![]),
        (Retired, 10, Some(20), 30, vec![]),
        (Retired, 10, Some(20), 15, vec![StatusBeforeActivation]),
        // Unknown times contradict nothing.
        (Inactive, 0, None, 5, vec![]),
        (Inactive, 10, None, 0, vec![]),
        (Inactive, 10, Some(0), 10, vec![]),
        (Active, 10, Some(0), 10, vec![]),
        (Active, 10, Some(20), 0, vec![]),
        (Active, 0, Some(0), 0, vec![]),
        (Retired, 0, Some(20), 0, vec![]),
        // What is known is still compared.
        (Inactive, 0, Some(20), 10, vec![StatusBeforeActivation]),
        (Inactive, 20, Some(0), 10, vec![StatusBeforeCreation]),
        (Inactive, 20, Some(10), 0, vec![ActivationBeforeCreation]),
    ];
    for (status, created, activated, since, expected) in cases {
        let found = conflicts(status, created, activated, since);
        assert_eq!(found, expected, "{status} {created} {activated:?} {since}");
    }
}

fn record_with_id(name: &'static str) -> KeyRecord<()> {
    record(name, Active)
}

fn conflict(violation: &Violation) -> Option<TimeConflict> {
    match violation {
        Violation::InconsistentTimes { conflict, .. } => Some(*conflict),
        _ => None,
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_readably() {
    let error = Keyring::from_parts(
        vec![
            record("a", Active),
            record("b", Active),
            record("c", Inactive),
            record("c", Retired),
            record("d", Retired),
            record("e", Inactive).with_times(None, at(1)),
        ],
        vec![Destruction::new(id("d"), at(1))],
    )
    .unwrap_err();
    assert_eq!(error.violations().len(), 4);
    assert_eq!(
        error.to_string(),
        "the records do not make a keyring: 2 keys are active (`a`, `b`): leave one; \
         key id `c` stands there more than once: remove all but one; \
         key `d` was destroyed, and its id cannot be used again: remove the record; \
         the times of key `e` contradict each other: its status began before it was created"
    );
}

#[test]
fn what_is_refused_is_dropped() {
    let material = Arc::new("secret");
    let shared =
        |name, status| KeyRecord::from_shared(id(name), status, at(1), Arc::clone(&material));
    let records = [
        shared("a", Active),
        shared("a", Inactive),
        shared("b", Active),
        shared("c", Retired),
        shared("d", Inactive),
    ];
    assert_eq!(Arc::strong_count(&material), 6);
    assert!(Keyring::from_parts(records, [Destruction::new(id("c"), at(1))]).is_err());
    assert_eq!(Arc::strong_count(&material), 1);
}

#[test]
fn parts_make_the_same_ring_again() {
    let key = |name, created| Key::new(id(name), name, at(created));
    let ring = Keyring::builder()
        .retired(key("r", 1).activate(at(2)).deactivate(at(3)).retire(at(4)))
        .destroyed(Destruction::new(id("x"), at(9)))
        .inactive(key("s", 1))
        .active(key("a", 1).activate(at(5)))
        .inactive(key("o", 1).activate(at(2)).deactivate(at(5)))
        .build()
        .unwrap();
    let state = ring.state();
    let (records, destroyed) = ring.into_parts();
    assert_eq!(records.len(), 4);
    let again = Keyring::from_parts(records.clone(), destroyed.clone()).unwrap();
    assert_eq!(again.state(), state);
    // Only staged keys, and keys of the same times, depend on the order of the records.
    let shuffled = Keyring::from_parts(records.into_iter().rev(), destroyed).unwrap();
    assert_eq!(shuffled.state(), state);
}

#[test]
fn a_record_keeps_its_times_when_its_material_changes() {
    let wrapped = KeyRecord::new(id("a"), Retired, at(1), "blob").with_times(Some(at(2)), at(3));
    let unwrapped = wrapped.clone().with_material(4);
    assert_eq!((unwrapped.id, unwrapped.status), (wrapped.id, Retired));
    assert_eq!(
        (unwrapped.created_at, unwrapped.activated_at, unwrapped.status_since),
        (at(1), Some(at(2)), at(3))
    );
    assert_eq!(*unwrapped.material, 4);
    assert_eq!(record("b", Active).activated_at, Some(at(10)));
    assert_eq!(record("b", Inactive).activated_at, None);
}

#[test]
fn tombstones_of_the_same_time_keep_their_order() {
    let tombstones = ["x", "y", "z"].map(|name| Destruction::new(id(name), at(5)));
    let ring = Keyring::from_parts([record("a", Active)], tombstones.clone()).unwrap();
    assert_eq!(ring.destroyed().cloned().collect::<Vec<_>>(), tombstones);
    assert_eq!(ring.into_parts().1, tombstones);
}

/// More of each than a sort leaves in place by chance.
#[test]
fn what_happened_at_the_same_time_comes_in_the_order_of_the_records() {
    let name = |n: u32, of: u32| KeyId::from(of * 1000 + n * 7919 % 997);
    let record =
        |n, of, status| KeyRecord::new(name(n, of), status, at(5), n).with_times(None, at(9));
    let active = KeyRecord::new(id("active"), Active, at(5), 0);
    let records = (0..100).flat_map(|n| {
        let once_active = record(n, 2, Inactive).with_times(Some(at(6)), at(9));
        [record(n, 1, Inactive), once_active, record(n, 3, Retired)]
    });
    // Of two times in turn, so that the sort has something to move.
    let tombstones = (0..200).map(|n| Destruction::new(name(n, 4), at(9 - u64::from(n % 2))));
    let ring = Keyring::from_parts(records.chain([active]), tombstones).unwrap();

    let in_order = |of| (0..100).map(move |n| name(n, of));
    let expected: Vec<KeyId> = [id("active")]
        .into_iter()
        .chain(in_order(2))
        .chain(in_order(1))
        .chain(in_order(3))
        .collect();
    assert_eq!(ring.iter().map(|key| key.id().clone()).collect::<Vec<_>>(), expected);
    let destroyed = ring.destroyed().map(|tombstone| tombstone.id.clone());
    let latest_first = (0..200).step_by(2).chain((1..200).step_by(2));
    assert!(destroyed.eq(latest_first.map(|n| name(n, 4))));
    let (records, _) = ring.into_parts();
    assert!(records.iter().map(|record| &record.id).eq(&expected));
}
