//! What changes a ring: adding, rotating, and the operations of an entry, each with its receipt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::sync::Arc;

use key_rotation::key::{
    Addition, Destruction, Restoration, Retirement, Revocation, Rotation, RotationDecision,
};
use key_rotation::ring::TakenBy;
use key_rotation::{
    Inactive, Key, KeyId, KeyRecord, KeyRef, KeyStatus, Keyring, Retired, Revoked, Times, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

fn staged(name: &str, created: u64) -> Key<Inactive, String> {
    Key::new(id(name), format!("material of {name}"), at(created))
}

/// k1 is active since 10; k2 and k3 are staged.
fn ring() -> Keyring<String> {
    let mut ring = Keyring::new(staged("k1", 10).activate(at(10)));
    for name in ["k2", "k3"] {
        let _ = ring.add(staged(name, 10), at(10)).unwrap();
    }
    ring
}

fn times(ring: &Keyring<String>, name: &str) -> Times {
    *ring.get(name).unwrap().times()
}

#[test]
fn a_ring_has_a_key_since_it_was_added_and_never_since_its_maker_says_it_was_made() {
    let mut ring = ring();
    // Made long before, at the same time, and in the future by the clock of its maker.
    for (name, created, added) in [("old", 1, 500), ("same", 500, 500), ("ahead", 900, 500)] {
        let receipt = ring.add(staged(name, created), at(added)).unwrap();
        assert_eq!(receipt, Addition::new(id(name), at(added)));
        let expected =
            Times { created_at: Some(at(created)), added_at: Some(at(added)), ..Times::default() };
        assert_eq!(times(&ring, name), expected);
        assert_eq!(times(&ring, name).status_since(KeyStatus::Inactive), Some(at(added)));
        assert!(ring.get(name).unwrap().info().is_staged());
    }
    // What is added keeps what it had: a key that was active is demoted here too.
    let demoted = staged("demoted", 1).activate(at(5)).deactivate(at(9));
    let _ = ring.add(demoted, at(3)).unwrap();
    let expected = Times {
        created_at: Some(at(1)),
        added_at: Some(at(3)),
        activated_at: Some(at(5)),
        deactivated_at: Some(at(9)),
        ..Times::default()
    };
    assert_eq!(times(&ring, "demoted"), expected);
    assert!(!ring.get("demoted").unwrap().info().is_staged());
}

#[test]
fn a_first_key_has_no_time_at_which_it_was_added_because_nobody_has_said_it() {
    assert_eq!(ring().active().times().added_at, None);
}

#[test]
fn a_rotation_makes_one_key_active_and_the_other_inactive_at_the_same_time() {
    let mut ring = ring();
    let rotation = ring.entry::<Inactive>("k2").unwrap().activate(at(20));
    assert_eq!(rotation, Rotation::new(id("k1"), id("k2"), at(20), false));

    assert_eq!(ring.active().id().as_str(), "k2");
    assert_eq!(ring.active().times().activated_at, Some(at(20)));
    let Some(KeyRef::Inactive(old)) = ring.get("k1") else { panic!("k1 is not inactive") };
    assert_eq!(
        (old.times().activated_at, old.times().deactivated_at),
        (Some(at(10)), Some(at(20)))
    );
    assert_eq!(ring.len(), 3);

    let back = ring.entry::<Inactive>("k1").unwrap().activate(at(30));
    assert_eq!(back, Rotation::new(id("k2"), id("k1"), at(30), true));
    assert_eq!(ring.encryption_key().material(), "material of k1");
    assert_eq!(ring.active().times().deactivated_at, None);
}

#[test]
fn rotating_to_the_active_key_is_an_outcome_and_changes_nothing() {
    let mut ring = ring();
    let before = ring.state();
    let decision = ring.rotate_to("k1", at(99)).unwrap();
    let expected = RotationDecision::AlreadyActive { id: id("k1"), activated_at: Some(at(10)) };
    assert_eq!(decision, expected);
    assert_eq!(ring.state(), before);
}

#[test]
fn rotating_in_adds_a_key_and_activates_it_in_one_step() {
    let mut ring = ring();
    let rotation = ring.rotate_in(staged("k4", 15), at(20)).unwrap();
    assert_eq!(rotation, Rotation::new(id("k1"), id("k4"), at(20), false));
    assert_eq!(ring.encryption_key().material(), "material of k4");
    let expected = Times {
        created_at: Some(at(15)),
        added_at: Some(at(20)),
        activated_at: Some(at(20)),
        ..Times::default()
    };
    assert_eq!(times(&ring, "k4"), expected);
    assert!(matches!(ring.get("k1"), Some(KeyRef::Inactive(_))));
    assert_eq!(ring.len(), 4);
    let order: Vec<_> = ring.iter().map(|key| key.id().as_str()).collect();
    assert_eq!(order, ["k4", "k1", "k2", "k3"]);

    // Also from a clock that is behind: the ring has the key since then, as it was said.
    let rotation = ring.rotate_in(staged("k5", 1), at(12)).unwrap();
    assert_eq!((rotation.at, rotation.asked_at), (at(20), at(12)));
    assert_eq!(ring.active().times().added_at, Some(at(12)));
    assert_eq!(ring.active().times().activated_at, Some(at(20)));
    // One that was active elsewhere says so.
    let demoted = staged("k6", 1).activate(at(2)).deactivate(at(3));
    assert!(ring.rotate_in(demoted, at(30)).unwrap().reactivated);
}

#[test]
fn an_entry_that_is_not_used_changes_nothing() {
    let mut ring = ring();
    let before = ring.state();
    drop(ring.entry::<Inactive>("k2").unwrap());
    assert_eq!(ring.state(), before);
}

#[test]
fn an_id_is_never_used_twice_and_the_key_comes_back() {
    let mut ring = ring();
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    let _ = ring.add(staged("k4", 10), at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k4").unwrap().revoke(at(30));
    let taken = |ring: &mut Keyring<String>, name: &str| {
        let before = ring.state();
        let new_key = || Key::new(id(name), "the new one".to_owned(), at(50));
        let by_add = ring.add(new_key(), at(60)).unwrap_err();
        let by_rotation = ring.rotate_in(new_key(), at(60)).unwrap_err();
        assert_eq!(ring.state(), before);
        assert_eq!(by_add.taken_by(), by_rotation.taken_by());
        let taken_by = by_add.taken_by();
        for error in [by_add, by_rotation] {
            let said =
                format!("the key id `{name}` is taken by {taken_by}: give the new key another id");
            assert_eq!(error.to_string(), said);
            let key = error.into_key();
            assert_eq!(key.id().as_str(), name);
            let unharmed = Times { created_at: Some(at(50)), ..Times::default() };
            assert_eq!(*key.times(), unharmed);
            assert_eq!(key.decryption_key().material(), "the new one");
        }
        taken_by
    };
    assert_eq!(taken(&mut ring, "k1"), TakenBy::Key(KeyStatus::Active));
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Key(KeyStatus::Retired));
    assert_eq!(taken(&mut ring, "k3"), TakenBy::Key(KeyStatus::Inactive));
    assert_eq!(taken(&mut ring, "k4"), TakenBy::Key(KeyStatus::Revoked));

    let _ = ring.entry::<Retired>("k2").unwrap().destroy(at(60));
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Tombstone { at: at(60) });
    let (records, destroyed) = ring.into_parts();
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    assert_eq!(taken(&mut ring, "k2"), TakenBy::Tombstone { at: at(60) });
}

#[test]
fn a_key_is_revoked_restored_and_destroyed_by_its_entry() {
    let mut ring = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let revoked = ring.entry::<Inactive>("k1").unwrap().revoke(at(30));
    assert_eq!(revoked, Revocation::new(id("k1"), at(30)));
    let demoted = Times {
        created_at: Some(at(10)),
        activated_at: Some(at(10)),
        deactivated_at: Some(at(20)),
        ..Times::default()
    };
    assert_eq!(times(&ring, "k1"), Times { revoked_at: Some(at(30)), ..demoted });

    let restored = ring.entry::<Revoked>("k1").unwrap().restore(at(40));
    assert_eq!(restored, Restoration::new(id("k1"), at(40)));
    assert_eq!(times(&ring, "k1"), Times { retired_at: Some(at(40)), ..demoted });
    assert!(ring.decryption_key("k1").unwrap().is_superseded());

    let _ = ring.entry::<Retired>("k1").unwrap().revoke(at(50));
    let both = Times { retired_at: Some(at(40)), revoked_at: Some(at(50)), ..demoted };
    assert_eq!(times(&ring, "k1"), both);
    let tombstone = ring.entry::<Revoked>("k1").unwrap().destroy(at(60));
    assert_eq!(tombstone, Destruction::new(id("k1"), at(60)));
    assert_eq!((ring.len(), ring.destroyed().count(), ring.revoked().count()), (2, 1, 0));

    let retired = ring.entry::<Inactive>("k3").unwrap().retire(at(70));
    assert_eq!(retired, Retirement::new(id("k3"), at(70)));
}

#[test]
fn a_clock_that_is_behind_is_told_so_by_the_receipt() {
    let mut ring = ring();
    let rotation = ring.entry::<Inactive>("k2").unwrap().activate(at(100));
    assert_eq!((rotation.at, rotation.asked_at), (at(100), at(100)));
    // The other key's times count as well: k3 itself carries nothing later than 10.
    let rotation = ring.entry::<Inactive>("k3").unwrap().activate(at(50));
    assert_eq!((rotation.at, rotation.asked_at), (at(100), at(50)));
    assert_eq!(times(&ring, "k3").activated_at, Some(at(100)));
    assert_eq!(times(&ring, "k2").deactivated_at, Some(at(100)));

    let receipt = ring.entry::<Inactive>("k1").unwrap().retire(at(20));
    assert_eq!((receipt.at, receipt.asked_at), (at(100), at(20)));
    let receipt = ring.entry::<Retired>("k1").unwrap().revoke(at(21));
    assert_eq!((receipt.at, receipt.asked_at), (at(100), at(21)));
    let receipt = ring.entry::<Revoked>("k1").unwrap().restore(at(22));
    assert_eq!((receipt.at, receipt.asked_at), (at(100), at(22)));
    let receipt = ring.entry::<Retired>("k1").unwrap().destroy(at(1));
    assert_eq!((receipt.at, receipt.asked_at), (at(100), at(1)));

    // The time of the addition counts, and so does that of a maker whose clock is ahead.
    let _ = ring.add(staged("k4", 1), at(500)).unwrap();
    let RotationDecision::Rotated(rotation) = ring.rotate_to("k4", at(200)).unwrap() else {
        panic!("k4 was not active")
    };
    assert_eq!((rotation.at, rotation.asked_at), (at(500), at(200)));
    let _ = ring.add(staged("k5", 900), at(600)).unwrap();
    let rotation = ring.entry::<Inactive>("k5").unwrap().activate(at(700));
    assert_eq!((rotation.at, rotation.asked_at), (at(900), at(700)));

    let before = ring.state();
    let (records, destroyed) = ring.into_parts();
    let again = Keyring::from_parts(records, destroyed).unwrap().state();
    assert_eq!(again.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(again.destroyed(), before.destroyed());
}

#[test]
fn a_transition_leaves_no_second_owner_of_the_material_behind() {
    let material = Arc::new("shared".to_owned());
    let mut ring = ring();
    let key = Key::from_shared(id("k4"), Arc::clone(&material), at(10));
    let owners = || Arc::strong_count(&material);
    let _ = ring.add(key, at(10)).unwrap();
    assert_eq!(owners(), 2, "added");
    let _ = ring.rotate_to("k4", at(20)).unwrap();
    assert_eq!(owners(), 2, "active");
    let _ = ring.rotate_to("k1", at(30)).unwrap();
    assert_eq!(owners(), 2, "demoted");
    let _ = ring.entry::<Inactive>("k4").unwrap().retire(at(40));
    assert_eq!(owners(), 2, "retired");
    let _ = ring.entry::<Retired>("k4").unwrap().revoke(at(50));
    assert_eq!(owners(), 2, "revoked");
    let _ = ring.entry::<Revoked>("k4").unwrap().restore(at(60));
    assert_eq!(owners(), 2, "restored");
    let fork = ring.fork();
    assert_eq!(owners(), 3, "forked");
    drop(fork);
    let _ = ring.entry::<Retired>("k4").unwrap().destroy(at(70));
    assert_eq!(owners(), 1, "destroyed");
}

/// A store that has lost some times, each alone and all together: whatever is done then makes a
/// ring that loads.
#[test]
fn keys_of_unknown_times_make_rings_that_load_whatever_is_done_with_them() {
    let losses: [fn(&mut Times); 8] = [
        |_| (),
        |times| times.created_at = None,
        |times| times.added_at = None,
        |times| times.activated_at = None,
        |times| times.deactivated_at = None,
        |times| (times.activated_at, times.deactivated_at) = (None, None),
        |times| (times.created_at, times.deactivated_at) = (None, None),
        |times| *times = Times::default(),
    ];
    for lose in losses {
        let mut known = Times {
            created_at: Some(at(100)),
            added_at: Some(at(90)),
            activated_at: Some(at(110)),
            deactivated_at: Some(at(120)),
            ..Times::default()
        };
        lose(&mut known);
        let lost = KeyRecord::new(id("k2"), KeyStatus::Inactive, at(1), ()).with_times(known);
        let active = KeyRecord::new(id("k1"), KeyStatus::Active, at(1), ());
        let active = active.with_times(Times::default());
        type Change = fn(&mut Keyring<()>);
        let changes: [Change; 4] = [
            |ring| {
                let _ = ring.rotate_to("k2", at(50)).unwrap();
                let _ = ring.rotate_to("k1", at(50)).unwrap();
            },
            |ring| drop(ring.entry::<Inactive>("k2").unwrap().retire(at(50))),
            |ring| drop(ring.entry::<Inactive>("k2").unwrap().revoke(at(50))),
            |ring| {
                let _ = ring.entry::<Inactive>("k2").unwrap().revoke(at(50));
                let _ = ring.entry::<Revoked>("k2").unwrap().restore(at(40));
            },
        ];
        for change in changes {
            let mut ring = Keyring::from_records([active.clone(), lost.clone()]).unwrap();
            change(&mut ring);
            let state = ring.state();
            let (records, destroyed) = ring.into_parts();
            assert_eq!(
                Keyring::from_parts(records, destroyed).unwrap().state(),
                state,
                "{known:?}"
            );
        }
    }
}

#[test]
fn a_large_ring_finds_every_key_while_it_changes() {
    let mut ring = Keyring::new(staged("k0", 1).activate(at(1)));
    for n in 1..2_000 {
        let _ = ring.add(staged(&format!("k{n}"), 1), at(1)).unwrap();
        if n % 3 == 0 {
            let _ = ring.rotate_to(&format!("k{n}"), at(n)).unwrap();
        }
    }
    assert_eq!(ring.len(), 2_000);
    for n in 0..2_000 {
        let name = format!("k{n}");
        assert_eq!(ring.decryption_key(&name).unwrap().material(), &format!("material of {name}"));
    }
    assert!(ring.get("k2000").is_none());
    assert_eq!(ring.iter().filter(|key| key.status() == KeyStatus::Active).count(), 1);
}
