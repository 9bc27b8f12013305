//! What is done where keys become records and records become a ring, for any material.

use std::hint::black_box;
use std::sync::Arc;

use key_rotation::error::{Event, TimeConflict, Violation};
use key_rotation::key::Destruction;
use key_rotation::{DecryptionKeyring, KeyRecord, KeyRef, KeyStatus, Keyring, Times};

use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Place, Places, Specimen, at, id, swept};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a key becomes a record", records::<M>),
        ("the builder builds and refuses to", building::<M>),
        ("a ring is taken apart and put together", there_and_back::<M>),
        ("a ring is made of a configuration", configured::<M>),
        ("records are refused", refused_records::<M>),
        ("loading panics half-way", loading_panics::<M>),
    ]
}

fn records<M: Specimen>(forge: &Forge<M>) {
    let key = forge.key("k").activate(at(2));
    let place = Place::of_key(&key);
    let record = KeyRef::from(&key).to_record();
    drop(key);
    assert_eq!(Place::of(&*record.material), place);
    let copy = record.clone().with_times(Times::default()).staged();
    drop(record);
    assert_eq!(Place::of(&*copy.material), place);

    let other = swept(|| copy.with_material(forge.material()));
    assert_ne!(Place::of(&*other.material), place);
    let other = other.with_material(());
    assert_eq!(*other.material, ());

    let material = forge.shared();
    let place = Place::of(&*material);
    let record = KeyRecord::from_shared(id("k"), KeyStatus::Retired, at(1), material);
    assert_eq!(Place::of(&*record.material), place);
    drop(forge.record("unused", KeyStatus::Inactive));
}

fn building<M: Specimen>(forge: &Forge<M>) {
    let active = forge.key("active").activate(at(2));
    let (staged, previous) = (forge.key("staged"), forge.key("previous"));
    let (retired, revoked) =
        (forge.key("retired").retire(at(2)), forge.key("revoked").revoke(at(2)));
    let mut places = Places::default();
    places.note(&active);
    places.note(&staged);
    places.note(&previous);
    places.note(&retired);
    places.note(&revoked);
    let ring = Keyring::builder(active)
        .staged(staged)
        .previous(previous)
        .retired(retired)
        .revoked(revoked)
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build()
        .unwrap();
    assert_eq!(ring.len(), 5);
    places.are_those_of(&ring);

    // One id four times, and one of a destroyed key.
    let refused = Keyring::builder(forge.key("k").activate(at(2)))
        .staged(forge.key("k"))
        .retired(forge.key("k").retire(at(2)))
        .revoked(forge.key("k").revoke(at(2)))
        .previous(forge.key("destroyed"))
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build();
    assert_eq!(refused.unwrap_err().violations().len(), 2);

    // A builder that is dropped before it builds.
    drop(black_box(Keyring::builder(forge.key("k").activate(at(2))).staged(forge.key("s"))));
}

fn configured<M: Specimen>(forge: &Forge<M>) {
    let made = |names: [&'static str; 3]| {
        let [active, previous @ ..] = names.map(|name| (id(name), forge.material()));
        Keyring::with_previous(active, previous, at(2))
    };
    let ring = swept(|| black_box(made(["a", "b", "c"]).unwrap()));
    assert_eq!(Places::of(&ring).count(), 3);
    assert_eq!(swept(|| made(["a", "b", "a"])).unwrap_err().violations().len(), 1);
}

fn there_and_back<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let (places, state) = (Places::of(&ring), ring.state());
    let (records, destroyed) = ring.into_parts();
    places.are_those_in(&records);
    let mut ring = Keyring::from_parts(records, destroyed).unwrap();
    assert_eq!(ring.state(), state);
    places.are_those_of(&ring);

    let _ = ring.rotate_to("staged", at(6)).unwrap();
    let (mut records, _) = ring.into_parts();
    records.reverse();
    let ring = Keyring::from_records(records).unwrap();
    places.are_those_of(&ring);
    // Records that become no ring again.
    drop(ring.into_parts());
}

fn refused_records<M: Specimen>(forge: &Forge<M>) {
    let refused = |records: Vec<KeyRecord<M>>, destroyed: Vec<Destruction>| {
        let held: Vec<_> = records.iter().map(|record| Arc::clone(&record.material)).collect();
        let places: Vec<_> = held.iter().map(|material| Place::of(&**material)).collect();
        let reader = DecryptionKeyring::from_parts(records.clone(), destroyed.clone());
        let error = Keyring::from_parts(records, destroyed).unwrap_err();
        assert!(reader.is_err() || error.violations() == [Violation::NoActiveKey]);
        drop(reader);
        // Whoever else holds the material still has it, and nobody but them does.
        for (material, place) in held.iter().zip(places) {
            assert_eq!(Place::of(&**material), place);
            assert_eq!(Arc::strong_count(material), 1);
        }
        error.violations().to_vec()
    };
    let record = |name, status| forge.record(name, status);
    let (active, inactive) = (KeyStatus::Active, KeyStatus::Inactive);
    let (retired, revoked) = (KeyStatus::Retired, KeyStatus::Revoked);
    let tombstone = |name| Destruction::new(id(name), at(9));

    let none = refused(vec![record("a", inactive), record("b", retired)], vec![tombstone("c")]);
    assert_eq!(none, [Violation::NoActiveKey]);
    let several = vec![record("a", active), record("b", active), record("c", active)];
    let ids = vec![id("a"), id("b"), id("c")];
    assert_eq!(refused(several, vec![]), [Violation::MultipleActiveKeys { ids }]);
    let duplicate = |name| [Violation::DuplicateKeyId { id: id(name) }];
    let pairs =
        [(inactive, inactive), (inactive, retired), (retired, inactive), (revoked, retired)];
    for (first, second) in pairs {
        let records = vec![record("a", active), record("b", first), record("b", second)];
        assert_eq!(refused(records, vec![]), duplicate("b"));
    }
    let same_as_active = vec![record("a", active), record("a", retired), record("a", inactive)];
    assert_eq!(refused(same_as_active, vec![]), duplicate("a"));
    let tombstones = vec![tombstone("b"), tombstone("b")];
    assert_eq!(refused(vec![record("a", active)], tombstones), duplicate("b"));
    let destroyed = vec![record("a", active), record("b", inactive)];
    let violation = Violation::DestroyedKeyId { id: id("b") };
    assert_eq!(refused(destroyed, vec![tombstone("b")]), [violation]);

    let (activated, deactivated) = (Event::Activated, Event::Deactivated);
    for (created_at, activated_at, deactivated_at, conflict) in [
        (3, Some(2), None, TimeConflict::BeforeCreation { event: activated }),
        (1, Some(3), Some(2), TimeConflict::OutOfOrder { earlier: activated, later: deactivated }),
        (1, Some(2), Some(3), TimeConflict::NotOfThisStatus { status: active, event: deactivated }),
    ] {
        let record = record("a", active).with_times(Times {
            created_at: Some(at(created_at)),
            activated_at: activated_at.map(at),
            deactivated_at: deactivated_at.map(at),
            ..Times::default()
        });
        let violation = Violation::InconsistentTimes { id: id("a"), conflict };
        assert!(refused(vec![record], vec![]).contains(&violation));
    }
    let conflict = TimeConflict::ActiveAndNeverUsed;
    let violation = Violation::InconsistentTimes { id: id("a"), conflict };
    assert!(refused(vec![record("a", active).staged()], vec![]).contains(&violation));

    // With nobody else to hold the material, the refusal is the end of it.
    let unheld = [record("a", inactive), record("a", inactive), record("b", retired)];
    assert_eq!(Keyring::from_records(unheld).unwrap_err().violations().len(), 2);
}

fn loading_panics<M: Specimen>(forge: &Forge<M>) {
    let status = [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired, KeyStatus::Revoked];
    for last in 0..=status.len() {
        panics(|| {
            let records = (0..=last).map(|n| {
                let Some(status) = status.get(n).filter(|_| n < last) else { panic_now() };
                forge.record(status.as_str(), *status)
            });
            swept(|| drop(Keyring::from_records(records)));
        });
    }
}
