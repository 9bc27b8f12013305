//! What is done with keys and rings, for any material.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use key_rotation::{
    Active, DecryptionKeyError, Destruction, EntryError, Inactive, Key, KeyInfo, KeyRecord, KeyRef,
    KeyStatus, Keyring, Refusal, Retired, RotationDecision, RotationPolicy, TakenBy, TimeConflict,
    Timestamp, Violation,
};

use super::specimen::{Forge, Place, Places, Specimen, at, id, swept};

/// What is done with a material, and under which name.
pub(crate) type Scenario<M> = (&'static str, fn(&Forge<M>));

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a key goes through every transition", a_key_on_its_own::<M>),
        ("a key shares its material with its maker", shared_material::<M>),
        ("a key becomes a record", records::<M>),
        ("keys are added and refused", adding::<M>),
        ("entries change keys, refuse, and are dropped", entries::<M>),
        ("the ring rotates and refuses to", rotation::<M>),
        ("the builder builds and refuses to", building::<M>),
        ("a ring is mapped", mapping::<M>),
        ("mapping fails at each key", mapping_fails::<M>),
        ("mapping panics at each key", mapping_panics::<M>),
        ("a ring is forked", forking::<M>),
        ("a ring is read and printed", reading::<M>),
        ("a ring is taken apart and put together", there_and_back::<M>),
        ("records are refused", refused_records::<M>),
        ("loading panics half-way", loading_panics::<M>),
        ("a ring grows and shrinks", growth::<M>),
    ]
}

/// Runs what panics, without a message on the screen.
fn panics(scope: impl FnOnce()) {
    assert!(swept(|| panic::catch_unwind(AssertUnwindSafe(scope))).is_err());
}

fn panic_now() -> ! {
    panic::resume_unwind(Box::new("on purpose"))
}

fn a_key_on_its_own<M: Specimen>(forge: &Forge<M>) {
    let key = forge.key("k");
    let place = Place::of_key(&key);
    let key = key.activate(at(2));
    assert_eq!(Place::of(key.encryption_key().material()), place);
    let key = key.deactivate(at(3));
    assert_eq!(Place::of_key(&key), place);
    // By a clock that is behind.
    let key = key.activate(at(1)).deactivate(at(1));
    assert_eq!(Place::of_key(&key), place);
    let key = key.retire(at(4));
    assert_eq!(Place::of_key(&key), place);
    assert_eq!(key.destroy(at(5)), Destruction::new(id("k"), at(5)));

    drop(forge.key("inactive"));
    drop(black_box(forge.key("active").activate(at(2))));
    drop(black_box(forge.key("retired").retire(at(2))));
}

fn shared_material<M: Specimen>(forge: &Forge<M>) {
    let material = forge.shared();
    let place = Place::of(&*material);
    let key = Key::from_shared(id("k"), Arc::clone(&material), at(1));
    assert_eq!(Place::of_key(&key), place);
    let _ = key.retire(at(2)).destroy(at(3));
    // Somebody still holds it: it is neither wiped nor moved.
    assert_eq!(Place::of(&*material), place);
}

fn records<M: Specimen>(forge: &Forge<M>) {
    let key = forge.key("k").activate(at(2));
    let place = Place::of_key(&key);
    let record = KeyRef::from(&key).to_record();
    drop(key);
    assert_eq!(Place::of(&*record.material), place);
    let copy = record.clone().with_times(Some(at(3)), at(4));
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

fn adding<M: Specimen>(forge: &Forge<M>) {
    let mut ring = Keyring::new(forge.key("first").activate(at(2)));
    let mut places = Places::of(&ring);
    let key = forge.key("second");
    places.note(&key);
    assert_eq!(ring.add(key).unwrap().id, id("second"));
    places.are_those_of(&ring);

    let mut ring = forge.ring();
    let places = Places::of(&ring);
    let taken = |ring: &mut Keyring<M>, name| {
        let key = forge.key(name);
        let place = Place::of_key(&key);
        let refused = ring.add(key).unwrap_err();
        let taken_by = refused.taken_by();
        assert!(refused.to_string().contains(name));
        assert_eq!(Place::of_key(&refused.into_key()), place);
        taken_by
    };
    assert_eq!(taken(&mut ring, "active"), TakenBy::Key(KeyStatus::Active));
    assert_eq!(taken(&mut ring, "staged"), TakenBy::Key(KeyStatus::Inactive));
    assert_eq!(taken(&mut ring, "retired"), TakenBy::Key(KeyStatus::Retired));
    assert_eq!(taken(&mut ring, "destroyed"), TakenBy::Tombstone { at: at(5) });
    drop(ring.add(forge.key("active")).unwrap_err());
    places.are_those_of(&ring);
}

fn entries<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let places = Places::of(&ring);

    for name in ["staged", "former"] {
        let rotation = ring.entry::<Inactive>(name).unwrap().activate(at(6));
        assert_eq!(rotation.to, id(name));
        places.are_those_of(&ring);
    }
    for name in ["staged", "active"] {
        let entry = ring.entry::<Inactive>(name).unwrap();
        let place = Place::of_key(entry.key());
        assert_eq!(entry.retire(at(7)).id, id(name));
        let key = ring.decryption_key(name).unwrap();
        assert_eq!((key.status(), Place::of(key.material())), (KeyStatus::Retired, place));
    }
    assert_eq!(ring.entry::<Retired>("active").unwrap().destroy(at(8)).id, id("active"));
    places.are_those_of(&ring);
    assert_eq!(ring.len(), 3);

    // Dropped without being used.
    drop(ring.entry::<Active>("former").unwrap());
    drop(ring.entry::<Retired>("staged").unwrap());
    // Refused.
    let wrong = ring.entry::<Inactive>("former").unwrap_err();
    assert!(matches!(wrong, EntryError::WrongStatus { .. }));
    let missing = ring.entry::<Inactive>("missing").unwrap_err();
    assert!(matches!(missing, EntryError::KeyNotFound { .. }));
    let destroyed = ring.entry::<Retired>("destroyed").unwrap_err();
    assert!(matches!(destroyed, EntryError::KeyDestroyed { .. }));
    places.are_those_of(&ring);

    // A panic while an entry is held.
    panics(|| {
        let _entry = ring.entry::<Retired>("retired").unwrap();
        panic_now();
    });
    places.are_those_of(&ring);
}

fn rotation<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let places = Places::of(&ring);
    for name in ["staged", "former", "active", "staged"] {
        let decision = ring.rotate_to(name, at(6)).unwrap();
        assert!(matches!(decision, RotationDecision::Rotated(_)));
        assert_eq!(ring.active().id(), &id(name));
        places.are_those_of(&ring);
    }
    let again = ring.rotate_to("staged", at(7)).unwrap();
    assert!(matches!(again, RotationDecision::AlreadyActive { .. }));
    for name in ["retired", "destroyed", "missing"] {
        assert!(ring.rotate_to(name, at(8)).is_err());
    }
    places.are_those_of(&ring);
}

fn building<M: Specimen>(forge: &Forge<M>) {
    let active = forge.key("active").activate(at(2));
    let (inactive, retired) = (forge.key("inactive"), forge.key("retired").retire(at(2)));
    let mut places = Places::default();
    places.note(&active);
    places.note(&inactive);
    places.note(&retired);
    let ring = Keyring::builder()
        .inactive(inactive)
        .active(active)
        .retired(retired)
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build()
        .unwrap();
    assert_eq!(ring.len(), 3);
    places.are_those_of(&ring);

    // One id three times, and one of a destroyed key.
    let refused = Keyring::builder()
        .active(forge.key("k").activate(at(2)))
        .inactive(forge.key("k"))
        .retired(forge.key("k").retire(at(2)))
        .inactive(forge.key("destroyed"))
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build();
    assert_eq!(refused.unwrap_err().violations().len(), 2);

    // A builder that is dropped before it builds.
    drop(black_box(Keyring::builder().inactive(forge.key("k"))));
}

fn mapping<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let places = Places::of(&ring);

    let mapped = black_box(swept(|| ring.map(|_, _| forge.material())));
    let mapped_places = Places::of(&mapped);
    places.are_those_of(&ring);

    let again: Result<_, ()> = swept(|| {
        mapped.try_map(|_, material| {
            assert!(material.is_intact());
            Ok(forge.material())
        })
    });
    let again = black_box(again.unwrap());
    assert_eq!(again.state(), ring.state());
    mapped_places.are_those_of(&mapped);
    drop(mapped);
    let again_places = Places::of(&again);
    drop(ring);
    again_places.are_those_of(&again);
}

/// A map that goes wrong at the key of this number.
fn map_up_to<M: Specimen>(forge: &Forge<M>, last: usize, wrong: fn() -> &'static str) {
    let ring = forge.ring();
    let places = Places::of(&ring);
    let mut done = 0;
    let mapped = swept(|| {
        ring.try_map(|_, _| {
            if done == last {
                return Err(wrong());
            }
            done += 1;
            Ok(forge.material())
        })
    });
    assert_eq!(mapped.unwrap_err(), "on purpose");
    places.are_those_of(&ring);
}

fn mapping_fails<M: Specimen>(forge: &Forge<M>) {
    let keys = forge.ring().len();
    for last in 0..keys {
        map_up_to(forge, last, || "on purpose");
    }
}

fn mapping_panics<M: Specimen>(forge: &Forge<M>) {
    let keys = forge.ring().len();
    for last in 0..keys {
        panics(|| map_up_to(forge, last, || panic_now()));
    }
}

fn forking<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let places = Places::of(&ring);
    let mut fork = ring.fork();
    places.are_those_of(&fork);

    // They go their own ways.
    let _ = fork.rotate_to("staged", at(6)).unwrap();
    let _ = fork.entry::<Retired>("retired").unwrap().destroy(at(7));
    let _ = ring.entry::<Inactive>("staged").unwrap().retire(at(6));
    places.are_those_of(&fork);
    places.are_those_of(&ring);
    // The fork destroyed what the ring still holds.
    let _intact = Place::of(ring.decryption_key("retired").unwrap().material());

    let second = fork.fork();
    drop(ring);
    drop(fork);
    places.are_those_of(&second);
}

/// Allows nothing.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _key: &KeyInfo, _at: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

fn reading<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let places = Places::of(&ring);
    let printed = format!("{}{:?}{ring:?}{:#?}", ring.state(), ring.state(), ring.get("active"));
    assert!(printed.contains("destroyed"));

    let keys = ring.export_for_crypto();
    let active = Place::of(keys.encryption_key().material());
    assert_eq!(Place::of(ring.encryption_key().material()), active);
    assert_eq!(Place::of(keys.get("active").unwrap().material()), active);
    assert_eq!(Place::of_key(ring.active()), active);
    assert!(keys.get("destroyed").is_none());
    let by_export: Vec<_> = keys.iter().map(|key| Place::of(key.material())).collect();
    let by_ring: Vec<_> = ring.decryption_keys().map(|key| Place::of(key.material())).collect();
    assert_eq!(by_export, by_ring);
    // An iterator that is dropped half-way.
    assert_eq!(Place::of(ring.decryption_keys().next().unwrap().material()), active);
    assert_eq!(ring.iter().nth(1).unwrap().id(), &id("former"));
    assert_eq!(
        (ring.inactive().count(), ring.retired().count(), ring.destroyed().count()),
        (2, 1, 1)
    );
    let records: Vec<_> = ring.iter().map(|key| key.to_record()).collect();
    places.are_those_in(&records);

    let missing = ring.decryption_key("missing").unwrap_err();
    assert!(matches!(missing, DecryptionKeyError::KeyNotFound { .. }));
    let destroyed = ring.decryption_key("destroyed").unwrap_err();
    assert!(matches!(destroyed, DecryptionKeyError::KeyDestroyed { .. }));
    let refused = ring.decryption_key_under("retired", &Never, at(9)).unwrap_err();
    assert!(matches!(refused, DecryptionKeyError::NotAllowed { .. }));
    places.are_those_of(&ring);
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
        let error = Keyring::from_parts(records, destroyed).unwrap_err();
        // Whoever else holds the material still has it, and nobody but them does.
        for (material, place) in held.iter().zip(places) {
            assert_eq!(Place::of(&**material), place);
            assert_eq!(Arc::strong_count(material), 1);
        }
        error.violations().to_vec()
    };
    let record = |name, status| forge.record(name, status);
    let (active, inactive, retired) = (KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired);
    let tombstone = |name| Destruction::new(id(name), at(9));

    let none = refused(vec![record("a", inactive), record("b", retired)], vec![tombstone("c")]);
    assert_eq!(none, [Violation::NoActiveKey]);
    let several = vec![record("a", active), record("b", active), record("c", active)];
    let ids = vec![id("a"), id("b"), id("c")];
    assert_eq!(refused(several, vec![]), [Violation::MultipleActiveKeys { ids }]);
    let duplicate = |name| [Violation::DuplicateKeyId { id: id(name) }];
    for (first, second) in [(inactive, inactive), (inactive, retired), (retired, inactive)] {
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

    for (activated_at, status_since, created_at, conflict) in [
        (None, at(2), at(1), TimeConflict::ActiveWithoutActivation),
        (Some(at(2)), at(1), at(2), TimeConflict::StatusBeforeCreation),
        (Some(at(2)), at(3), at(3), TimeConflict::ActivationBeforeCreation),
        (Some(at(3)), at(2), at(1), TimeConflict::StatusBeforeActivation),
    ] {
        let mut record = record("a", active).with_times(activated_at, status_since);
        record.created_at = created_at;
        let violation = Violation::InconsistentTimes { id: id("a"), conflict };
        assert!(refused(vec![record], vec![]).contains(&violation));
    }

    // With nobody else to hold the material, the refusal is the end of it.
    let unheld = [record("a", inactive), record("a", inactive), record("b", retired)];
    assert_eq!(Keyring::from_records(unheld).unwrap_err().violations().len(), 2);
}

fn loading_panics<M: Specimen>(forge: &Forge<M>) {
    let status = [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired];
    for last in 0..=status.len() {
        panics(|| {
            let records = (0..=last).map(|n| {
                let Some(status) = status.get(n).filter(|_| n < last) else { panic_now() };
                forge.record(status.as_str(), *status)
            });
            drop(Keyring::from_records(records));
        });
    }
}

fn growth<M: Specimen>(forge: &Forge<M>) {
    let name = |n: u64| format!("key-{n}-with-a-name-that-is-not-stored-inline");
    let mut ring = Keyring::new(forge.key(&name(0)).activate(at(1)));
    let mut places = Places::of(&ring);
    for n in 1..=400 {
        let key = forge.key(&name(n));
        places.note(&key);
        let _ = ring.add(key).unwrap();
        if n % 2 == 0 {
            let _ = ring.rotate_to(&name(n), at(n)).unwrap();
        }
        if n % 50 == 0 {
            places.are_those_of(&ring);
        }
    }
    for n in 0..400 {
        let _ = ring.entry::<Inactive>(&name(n)).unwrap().retire(at(500 + n));
    }
    places.are_those_of(&ring);
    assert_eq!((ring.len(), ring.retired().count()), (401, 400));
    for n in 0..350 {
        let _ = ring.entry::<Retired>(&name(n)).unwrap().destroy(at(1000 + n));
    }
    places.are_those_of(&ring);
    let (records, destroyed) = ring.fork().into_parts();
    assert_eq!((records.len(), destroyed.len()), (51, 350));
    places.are_those_of(&Keyring::from_parts(records, destroyed).unwrap());
    drop(ring);
}
