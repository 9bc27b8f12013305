//! What is done with keys and with a ring, for any material.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use key_rotation::error::{DecryptionKeyError, EntryError, TakenBy};
use key_rotation::key::{Destruction, RotationDecision};
use key_rotation::{Active, Inactive, Key, KeyStatus, Keyring, Retired, Revoked};

use super::scanner::living;
use super::specimen::{Forge, Place, Places, Specimen, at, id, swept};

/// What is done with a material, and under which name.
pub(crate) type Scenario<M> = (&'static str, fn(&Forge<M>));

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a key goes through every transition", a_key_on_its_own::<M>),
        ("a key shares its material with its maker", shared_material::<M>),
        ("keys are added and refused", adding::<M>),
        ("entries change keys, refuse, and are dropped", entries::<M>),
        ("the ring rotates and refuses to", rotation::<M>),
        ("a key is salvaged and restored", salvage::<M>),
        ("a right is owned", owned_rights::<M>),
        ("a ring is forked", forking::<M>),
        ("a ring is read and printed", reading::<M>),
        ("a ring grows and shrinks", growth::<M>),
    ]
}

/// Runs what panics, without a message on the screen.
pub(crate) fn panics(scope: impl FnOnce()) {
    assert!(swept(|| panic::catch_unwind(AssertUnwindSafe(scope))).is_err());
}

pub(crate) fn panic_now() -> ! {
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
    let key = key.revoke(at(5));
    assert_eq!(Place::of(key.salvage_key().material()), place);
    let key = key.restore(at(6));
    assert_eq!(Place::of_key(&key), place);
    assert_eq!(key.destroy(at(7)), Destruction::new(id("k"), at(7)));

    drop(forge.key("inactive"));
    drop(black_box(forge.key("active").activate(at(2))));
    drop(black_box(forge.key("retired").retire(at(2))));
    drop(black_box(forge.key("revoked").revoke(at(2))));
    let _ = forge.key("revoked").revoke(at(2)).destroy(at(3));
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

fn adding<M: Specimen>(forge: &Forge<M>) {
    let mut ring = Keyring::new(forge.key("first").activate(at(2)));
    let mut places = Places::of(&ring);
    let key = forge.key("second");
    places.note(&key);
    assert_eq!(ring.add(key, at(2)).unwrap().id, id("second"));
    places.are_those_of(&ring);

    let mut ring = forge.ring();
    let places = Places::of(&ring);
    let taken = |ring: &mut Keyring<M>, name| {
        let key = forge.key(name);
        let place = Place::of_key(&key);
        let refused = ring.add(key, at(9)).unwrap_err();
        let taken_by = refused.taken_by();
        assert!(refused.to_string().contains(name));
        assert_eq!(Place::of_key(&refused.into_key()), place);
        taken_by
    };
    assert_eq!(taken(&mut ring, "active"), TakenBy::Key(KeyStatus::Active));
    assert_eq!(taken(&mut ring, "staged"), TakenBy::Key(KeyStatus::Inactive));
    assert_eq!(taken(&mut ring, "retired"), TakenBy::Key(KeyStatus::Retired));
    assert_eq!(taken(&mut ring, "destroyed"), TakenBy::Tombstone { at: at(5) });
    drop(ring.add(forge.key("active"), at(9)).unwrap_err());
    let refused = ring.rotate_in(forge.key("revoked"), at(9)).unwrap_err();
    assert_eq!(refused.taken_by(), TakenBy::Key(KeyStatus::Revoked));
    drop(refused);
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
    assert_eq!(ring.len(), 4);
    assert_eq!(ring.entry::<Retired>("retired").unwrap().revoke(at(9)).id, id("retired"));
    assert_eq!(ring.entry::<Revoked>("revoked").unwrap().restore(at(9)).id, id("revoked"));
    places.are_those_of(&ring);
    assert_eq!(ring.entry::<Revoked>("retired").unwrap().destroy(at(9)).id, id("retired"));
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
        let _entry = ring.entry::<Retired>("revoked").unwrap();
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
    for name in ["retired", "revoked", "destroyed", "missing"] {
        assert!(ring.rotate_to(name, at(8)).is_err());
    }
    places.are_those_of(&ring);

    let (mut places, key) = (places, forge.key("new"));
    places.note(&key);
    assert_eq!(ring.rotate_in(key, at(9)).unwrap().to, id("new"));
    places.are_those_of(&ring);
}

fn salvage<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let places = Places::of(&ring);
    let place = Place::of(ring.salvage_key("revoked").unwrap().material());
    assert!(matches!(ring.salvage_key("retired"), Err(EntryError::WrongStatus { .. })));
    assert!(matches!(ring.salvage_key("destroyed"), Err(EntryError::KeyDestroyed { .. })));
    let refused = ring.decryption_key("revoked").unwrap_err();
    assert!(matches!(refused, DecryptionKeyError::KeyRevoked { .. }));
    places.are_those_of(&ring);
    let _ = ring.entry::<Revoked>("revoked").unwrap().restore(at(6));
    assert_eq!(Place::of(ring.decryption_key("revoked").unwrap().material()), place);
    places.are_those_of(&ring);
}

fn owned_rights<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let key = ring.decryption_key("staged").unwrap();
    let place = Place::of(key.material());
    let before = living();
    let owned = key.to_owned();
    let (again, record) = (owned.as_key().to_owned(), ring.get("staged").unwrap().to_record());
    // A pointer more, and no material more.
    assert_eq!((living(), Arc::strong_count(&record.material)), (before, 4));
    drop(record);

    // It outlives its key, and its ring.
    let _ = ring.entry::<Inactive>("staged").unwrap().retire(at(6));
    let _ = ring.entry::<Retired>("staged").unwrap().destroy(at(7));
    assert_eq!(Place::of(owned.as_key().material()), place);
    drop(ring);
    assert_eq!(living(), 1);
    drop(owned);
    assert_eq!(Place::of(again.as_key().material()), place);
    drop(again);
    assert_eq!(living(), 0);
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

    // What only reads has the same material, and not more of it.
    let before = living();
    let reader = second.decryption_only();
    assert_eq!(living(), before);
    let active = Place::of(second.active().decryption_key().material());
    drop(second);
    assert_eq!(Place::of(reader.decryption_key("staged").unwrap().material()), active);
    let _intact = Place::of(reader.salvage_key("revoked").unwrap().material());
    assert_eq!((reader.len(), living()), (4, 4));
}

fn reading<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let places = Places::of(&ring);
    let printed = format!("{}{:?}{ring:?}{:#?}", ring.state(), ring.state(), ring.get("active"));
    assert!(printed.contains("destroyed"));

    let keys = ring.export_for_crypto();
    let active = Place::of(keys.encryption_key().material());
    assert_eq!(Place::of(ring.encryption_key().material()), active);
    assert_eq!(Place::of_key(ring.active()), active);
    let by_export: Vec<_> = keys.decryption_keys().map(|key| Place::of(key.material())).collect();
    let by_ring: Vec<_> = ring.decryption_keys().map(|key| Place::of(key.material())).collect();
    assert_eq!(by_export, by_ring);
    // An iterator that is dropped half-way.
    assert_eq!(Place::of(ring.decryption_keys().next().unwrap().material()), active);
    assert_eq!(ring.iter().nth(1).unwrap().id(), &id("former"));
    assert_eq!(
        [ring.inactive().count(), ring.retired().count(), ring.revoked().count()],
        [2, 1, 1]
    );
    assert_eq!((ring.destroyed().count(), ring.unprepared().count()), (1, 0));
    let records: Vec<_> = ring.iter().map(|key| key.to_record()).collect();
    places.are_those_in(&records);

    let missing = ring.decryption_key("missing").unwrap_err();
    assert!(matches!(missing, DecryptionKeyError::KeyNotFound { .. }));
    let destroyed = ring.decryption_key("destroyed").unwrap_err();
    assert!(matches!(destroyed, DecryptionKeyError::KeyDestroyed { .. }));
    let destroyed = keys.decryption_key("destroyed").unwrap_err();
    assert!(matches!(destroyed, DecryptionKeyError::KeyDestroyed { .. }));
    assert_eq!(Place::of(keys.decryption_key("active").unwrap().material()), active);
    places.are_those_of(&ring);
}

fn growth<M: Specimen>(forge: &Forge<M>) {
    let name = |n: u64| format!("key-{n}-with-a-name-that-is-not-stored-inline");
    let mut ring = Keyring::new(forge.key(&name(0)).activate(at(1)));
    let mut places = Places::of(&ring);
    for n in 1..=400 {
        let key = forge.key(&name(n));
        places.note(&key);
        let _ = ring.add(key, at(2)).unwrap();
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
