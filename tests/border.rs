//! The border: stored records become a ring, or are refused with everything that is wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::sync::Arc;

use KeyStatus::{Active, Inactive, Retired, Revoked};
use key_rotation::error::{Event, TimeConflict, Violation};
use key_rotation::key::Destruction;
use key_rotation::{Key, KeyId, KeyInfo, KeyRecord, KeyStatus, Keyring, Times, Timestamp};

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
    let records = vec![record("a", Inactive), record("b", Retired), record("c", Revoked)];
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
    for first in [Active, Inactive, Retired, Revoked] {
        for second in [Inactive, Retired, Revoked] {
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
    for status in [Active, Inactive, Retired, Revoked] {
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

/// The times of a record, by the letters of its events: c, a, d, t (retired) and v (revoked).
fn times(of: &str) -> Times {
    let mut times = Times::default();
    for word in of.split_whitespace() {
        let (event, millis) = word.split_at(1);
        let millis = Some(at(millis.parse().unwrap()));
        match event {
            "c" => times.created_at = millis,
            "+" => times.added_at = millis,
            "a" => times.activated_at = millis,
            "d" => times.deactivated_at = millis,
            "t" => times.retired_at = millis,
            "v" => times.revoked_at = millis,
            other => panic!("{other}"),
        }
    }
    times
}

fn conflicts(record: KeyRecord<()>) -> Vec<TimeConflict> {
    let others = (record.info.status != Active).then(|| self::record("other", Active));
    match Keyring::from_records([record].into_iter().chain(others)) {
        Ok(_) => vec![],
        Err(error) => error.violations().iter().filter_map(conflict).collect(),
    }
}

fn conflict(violation: &Violation) -> Option<TimeConflict> {
    match violation {
        Violation::InconsistentTimes { id, conflict } if *id == "t" => Some(*conflict),
        _ => None,
    }
}

#[test]
fn events_must_be_in_the_order_of_a_life() {
    use Event::{Activated, Deactivated, Retired as WasRetired, Revoked as WasRevoked};
    let before_creation = |event| TimeConflict::BeforeCreation { event };
    let out_of_order = |earlier, later| TimeConflict::OutOfOrder { earlier, later };
    let cases = [
        // Equal times never conflict.
        (Active, "c10 a10", vec![]),
        (Inactive, "c10 a10 d10", vec![]),
        (Retired, "c10 a10 d10 t10", vec![]),
        (Revoked, "c10 a10 d10 t10 v10", vec![]),
        (Revoked, "c10 a20 d30 t40 v50", vec![]),
        // Each event against the creation.
        (Active, "c10 a9", vec![before_creation(Activated)]),
        (Inactive, "c10 d9", vec![before_creation(Deactivated)]),
        (Retired, "c10 t9", vec![before_creation(WasRetired)]),
        (Revoked, "c10 v9", vec![before_creation(WasRevoked)]),
        // Each pair of events.
        (Inactive, "a20 d19", vec![out_of_order(Activated, Deactivated)]),
        (Retired, "a20 t19", vec![out_of_order(Activated, WasRetired)]),
        (Revoked, "a20 v19", vec![out_of_order(Activated, WasRevoked)]),
        (Retired, "d20 t19", vec![out_of_order(Deactivated, WasRetired)]),
        (Revoked, "d20 v19", vec![out_of_order(Deactivated, WasRevoked)]),
        (Revoked, "t20 v19", vec![out_of_order(WasRetired, WasRevoked)]),
        // All at once.
        (
            Revoked,
            "c50 a40 d30 t20 v10",
            vec![
                before_creation(Activated),
                before_creation(Deactivated),
                before_creation(WasRetired),
                before_creation(WasRevoked),
                out_of_order(Activated, Deactivated),
                out_of_order(Activated, WasRetired),
                out_of_order(Activated, WasRevoked),
                out_of_order(Deactivated, WasRetired),
                out_of_order(Deactivated, WasRevoked),
                out_of_order(WasRetired, WasRevoked),
            ],
        ),
        // What is not known conflicts with nothing.
        (Active, "", vec![]),
        (Inactive, "d1", vec![]),
        (Inactive, "a1", vec![]),
        (Retired, "", vec![]),
        (Retired, "c5", vec![]),
        (Revoked, "t1", vec![]),
        // A ring gets a key when it gets it: also before it was made, by another clock.
        (Inactive, "c10 +1", vec![]),
        (Active, "c10 +99 a10", vec![]),
        (Revoked, "+99 a1 d2 t3 v4", vec![]),
    ];
    for (status, of, expected) in cases {
        let record = record("t", status).with_times(times(of));
        assert_eq!(conflicts(record), expected, "{status} {of}");
    }
}

#[test]
fn a_key_has_no_time_for_what_its_status_has_not_had_or_has_behind_it() {
    use Event::{Deactivated, Retired as WasRetired, Revoked as WasRevoked};
    let cases: [(KeyStatus, &str, &[Event]); 4] = [
        (Active, "a1", &[Deactivated, WasRetired, WasRevoked]),
        (Inactive, "a1 d1", &[WasRetired, WasRevoked]),
        (Retired, "a1 d1 t1", &[WasRevoked]),
        (Revoked, "a1 d1 t1 v1", &[]),
    ];
    for (status, fitting, others) in cases {
        assert_eq!(conflicts(record("t", status).with_times(times(fitting))), []);
        for (letter, event) in [("d5", Deactivated), ("t5", WasRetired), ("v5", WasRevoked)] {
            if others.contains(&event) {
                let of = format!("{fitting} {letter}");
                let expected = [TimeConflict::NotOfThisStatus { status, event }];
                assert_eq!(conflicts(record("t", status).with_times(times(&of))), expected);
            }
        }
    }
}

#[test]
fn a_key_that_was_active_cannot_be_one_that_never_encrypted() {
    let never = [TimeConflict::ActiveAndNeverUsed];
    let staged = |status, of| conflicts(record("t", status).staged().with_times(times(of)));
    assert_eq!(staged(Active, ""), never);
    assert_eq!(staged(Active, "a5"), never);
    for status in [Inactive, Retired, Revoked] {
        assert_eq!(staged(status, "a5"), never, "{status}");
        assert_eq!(staged(status, "c5"), [], "{status}");
        // Not so if nobody says that it never encrypted.
        assert_eq!(conflicts(record("t", status).with_times(times("a5"))), [], "{status}");
    }
}

/// By rules that are written once more, and count.
#[test]
fn every_combination_of_times_is_refused_for_what_is_wrong_with_it_and_for_nothing_else() {
    let moments = [None, Some(at(1)), Some(at(2)), Some(at(3))];
    let (mut accepted, mut refused) = (0, 0);
    for n in 0..moments.len().pow(5) {
        let life = [0, 1, 2, 3, 4].map(|place| moments[n / moments.len().pow(place) % 4]);
        let [created_at, activated_at, deactivated_at, retired_at, revoked_at] = life;
        let added_at = Some(at(2));
        let times =
            Times { created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at };
        let mut backwards = 0;
        for (n, earlier) in life.iter().enumerate() {
            let later = life[n..].iter().flatten();
            backwards += later.filter(|later| Some(**later) < *earlier).count();
        }
        for (had, status) in (1..).zip([Active, Inactive, Retired, Revoked]) {
            let not_of_this_status = life[had + 1..].iter().flatten().count();
            for used in [true, false] {
                let was_active = status == Active || activated_at.is_some();
                let wrong = backwards + not_of_this_status + usize::from(was_active && !used);
                let mut record = record("t", status).with_times(times);
                record.info.used = used;
                assert_eq!(conflicts(record).len(), wrong, "{status}, {used}, {times:?}");
                *(if wrong == 0 { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (582, 7_610));
}

#[test]
fn each_conflict_of_times_has_words() {
    let said = |conflict: TimeConflict| conflict.to_string();
    let event = Event::Revoked;
    assert_eq!(
        said(TimeConflict::BeforeCreation { event }),
        "it was revoked before it was created"
    );
    assert_eq!(
        said(TimeConflict::OutOfOrder { earlier: Event::Activated, later: Event::Deactivated }),
        "it was deactivated before it was activated"
    );
    assert_eq!(
        said(TimeConflict::NotOfThisStatus { status: Active, event: Event::Retired }),
        "it is active, and has a time at which it was retired"
    );
    assert_eq!(
        said(TimeConflict::ActiveAndNeverUsed),
        "it is said never to have encrypted, and it was active"
    );
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
            record("e", Inactive).with_times(times("c2 d1")),
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
         the times of key `e` contradict each other: it was deactivated before it was created"
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
        shared("e", Revoked),
    ];
    assert_eq!(Arc::strong_count(&material), 7);
    assert!(Keyring::from_parts(records, [Destruction::new(id("c"), at(1))]).is_err());
    assert_eq!(Arc::strong_count(&material), 1);
}

#[test]
fn parts_make_the_same_ring_again() {
    let key = |name, created| Key::new(id(name), name, at(created));
    let ring = Keyring::builder(key("a", 1).activate(at(5)))
        .retired(key("r", 1).activate(at(2)).deactivate(at(3)).retire(at(4)))
        .destroyed(Destruction::new(id("x"), at(9)))
        .staged(key("s", 1))
        .previous(key("o", 1).activate(at(2)).deactivate(at(5)))
        .revoked(key("v", 1).revoke(at(6)))
        .retired(key("w", 1).revoke(at(6)).restore(at(8)))
        .build()
        .unwrap();
    let state = ring.state();
    let (records, destroyed) = ring.into_parts();
    assert_eq!(records.len(), 6);
    let again = Keyring::from_parts(records.clone(), destroyed.clone()).unwrap();
    assert_eq!(again.state(), state);
    // Only staged keys, and keys of the same times, depend on the order of the records.
    let shuffled = Keyring::from_parts(records.into_iter().rev(), destroyed).unwrap();
    assert_eq!(shuffled.state(), state);
}

/// All that a record says goes through a ring and comes back.
#[test]
fn a_record_comes_back_as_it_was() {
    let info = |name, status, of, used| KeyInfo {
        id: id(name),
        status,
        times: times(of),
        used,
        counted: status == Retired,
        added_in: 3,
        deactivated_in: 4,
    };
    let infos = [
        info("a", Active, "c1 +2 a9", true),
        info("o", Inactive, "c1 +2 a3 d9", true),
        info("u", Inactive, "", true),
        info("s", Inactive, "c1 +2", false),
        info("r", Retired, "c1 +2 a3 d4 t5", true),
        info("v", Revoked, "c1 +2 a3 d4 t5 v6", true),
        info("w", Revoked, "v5", false),
    ];
    let records = infos.iter().cloned().enumerate().map(|(n, info)| KeyRecord {
        info,
        material: Arc::new(n),
        material_in: 7,
    });
    let (again, _) = Keyring::from_records(records).unwrap().into_parts();
    let infos_again: Vec<_> = again.iter().map(|record| record.info.clone()).collect();
    assert_eq!(infos_again, infos);
    for (n, record) in again.iter().enumerate() {
        assert_eq!((*record.material, record.material_in), (n, 7));
    }
}

#[test]
fn a_record_says_no_more_than_its_maker_knows() {
    for status in [Active, Inactive, Retired, Revoked] {
        let made = record("a", status);
        let activated_at = (status == Active).then(|| at(10));
        let times = Times { created_at: Some(at(10)), activated_at, ..Times::default() };
        assert_eq!(made.info.times, times);
        assert!(made.info.used && !made.info.is_staged() && !made.info.counted);
        assert_eq!((made.info.added_in, made.info.deactivated_in, made.material_in), (0, 0, 0));
        assert!(!made.staged().info.used);
    }
    assert!(record("a", Inactive).staged().info.is_staged());
    assert!(!record("a", Retired).staged().info.is_staged());
}

#[test]
fn a_record_keeps_what_it_says_when_its_material_changes() {
    let mut wrapped = KeyRecord::new(id("a"), Retired, at(1), "blob").with_times(times("a2 t3"));
    wrapped.material_in = 5;
    let unwrapped = wrapped.clone().with_material(4);
    assert_eq!((unwrapped.info, unwrapped.material_in), (wrapped.info, 5));
    assert_eq!(*unwrapped.material, 4);
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
    let record = |n, of, status, times: &str| {
        KeyRecord::new(name(n, of), status, at(5), n).with_times(self::times(times))
    };
    let active = KeyRecord::new(id("active"), Active, at(5), 0);
    let records = (0..100).flat_map(|n| {
        [
            record(n, 1, Inactive, "+9").staged(),
            record(n, 2, Inactive, "a6 d9"),
            record(n, 3, Retired, "t9"),
            record(n, 5, Revoked, "v9"),
        ]
    });
    // Of two times in turn, so that the sort has something to move.
    let tombstones = (0..200).map(|n| Destruction::new(name(n, 4), at(9 - u64::from(n % 2))));
    let ring = Keyring::from_parts(records.chain([active]), tombstones).unwrap();

    let in_order = |of| (0..100).map(move |n| name(n, of));
    let expected: Vec<KeyId> =
        [id("active")].into_iter().chain([2, 1, 3, 5].into_iter().flat_map(in_order)).collect();
    assert_eq!(ring.iter().map(|key| key.id().clone()).collect::<Vec<_>>(), expected);
    let destroyed = ring.destroyed().map(|tombstone| tombstone.id.clone());
    let latest_first = (0..200).step_by(2).chain((1..200).step_by(2));
    assert!(destroyed.eq(latest_first.map(|n| name(n, 4))));
    let (records, _) = ring.into_parts();
    assert!(records.iter().map(|record| &record.info.id).eq(&expected));
}
