//! What is done with pairs, whose encrypting half is the secret.
//!
//! The decrypting half is a number, so that whatever is found is the encrypting half: in a block
//! that is given back, or, by [`living`], in one that is not.

use std::hint::black_box;

use key_rotation::error::{EntryError, TakenBy};
use key_rotation::key::Destruction;
use key_rotation::{Apart, DecryptionKeyring, Inactive, Key, KeyStatus, Keyring, Retired, Revoked};

use super::scanner::living;
use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Place, Specimen, at, id, swept};

/// The decrypting half.
type Public = u64;
pub(crate) type Pair<M> = Key<Inactive, M, Apart<Public>>;
type Pairs<M> = Keyring<M, Apart<Public>>;

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a pair on its own is retired and revoked", a_pair_on_its_own::<M>),
        ("pairs in a ring are retired and revoked", pairs_in_a_ring::<M>),
        ("a ring of pairs is forked, and read", forked_pairs::<M>),
        ("a ring of pairs is built, and is not", built_pairs::<M>),
        ("pairs are refused, and given back", refused_pairs::<M>),
        ("a ring is split", splitting::<M>),
        ("splitting fails at each half", splitting_fails::<M>),
        ("splitting panics at each half", splitting_panics::<M>),
    ]
}

pub(crate) fn pair<M: Specimen>(forge: &Forge<M>, name: &str) -> Pair<M> {
    swept(|| black_box(Key::new_pair(id(name), forge.material(), 7, at(1))))
}

/// A ring of pairs as [`Forge::ring`] makes one: of its six keys, three can encrypt again.
fn ring<M: Specimen>(forge: &Forge<M>) -> Pairs<M> {
    let mut ring = Keyring::new(pair(forge, "former").activate(at(2)));
    for name in ["active", "staged", "retired", "revoked", "destroyed"] {
        let _ = ring.add(pair(forge, name), at(2)).unwrap();
    }
    assert_eq!(living(), 6);
    let _ = ring.rotate_to("active", at(3)).unwrap();
    for name in ["retired", "destroyed"] {
        let _ = ring.entry::<Inactive>(name).unwrap().retire(at(4));
    }
    assert_eq!(living(), 4);
    let _ = ring.entry::<Inactive>("revoked").unwrap().revoke(at(4));
    assert_eq!(living(), 3);
    let _ = ring.entry::<Retired>("destroyed").unwrap().destroy(at(5));
    black_box(ring)
}

fn a_pair_on_its_own<M: Specimen>(forge: &Forge<M>) {
    let key = pair(forge, "k").activate(at(2));
    let place = Place::of(key.encryption_key().material());
    let key = key.deactivate(at(3)).activate(at(4));
    assert_eq!(Place::of(key.encryption_key().material()), place);
    let owned = key.decryption_key().to_owned();
    assert_eq!(living(), 1);

    // Retired first, and revoked, restored and revoked again after that.
    let key = key.deactivate(at(5)).retire(at(6));
    assert_eq!((living(), *key.decryption_key().material()), (0, 7));
    let key = key.revoke(at(7));
    assert_eq!((living(), *key.salvage_key().material()), (0, 7));
    let key = key.restore(at(8));
    assert_eq!((living(), *key.decryption_key().material()), (0, 7));
    let _ = key.revoke(at(9)).destroy(at(9));
    assert_eq!(*owned.as_key().material(), 7);

    // Revoked at once.
    let key = pair(forge, "k");
    assert_eq!(living(), 1);
    let key = key.revoke(at(2));
    assert_eq!((living(), *key.salvage_key().material()), (0, 7));
    let key = key.restore(at(3));
    assert_eq!((living(), *key.decryption_key().material()), (0, 7));

    drop(pair(forge, "inactive"));
    drop(black_box(pair(forge, "active").activate(at(2))));
    assert_eq!(living(), 0);
}

fn pairs_in_a_ring<M: Specimen>(forge: &Forge<M>) {
    let mut ring = ring(forge);
    let place = Place::of(ring.encryption_key().material());

    // An entry that is held and dropped changes nothing.
    let entry = ring.entry::<Inactive>("staged").unwrap();
    assert_eq!((living(), entry.key().status()), (3, KeyStatus::Inactive));
    drop(entry);
    panics(|| {
        let _entry = ring.entry::<Inactive>("staged").unwrap();
        panic_now();
    });
    assert_eq!(living(), 3);

    let _ = ring.entry::<Inactive>("staged").unwrap().retire(at(6));
    assert_eq!((living(), *ring.decryption_key("staged").unwrap().material()), (2, 7));
    let _ = ring.entry::<Inactive>("former").unwrap().revoke(at(6));
    assert_eq!((living(), *ring.salvage_key("former").unwrap().material()), (1, 7));
    let _ = ring.entry::<Retired>("staged").unwrap().revoke(at(7));
    let _ = ring.entry::<Revoked>("former").unwrap().restore(at(7));
    let _ = ring.entry::<Revoked>("revoked").unwrap().destroy(at(7));
    assert_eq!((living(), *ring.decryption_key("former").unwrap().material()), (1, 7));
    assert_eq!(Place::of(ring.encryption_key().material()), place);

    // What was active until now is the next to go.
    let _ = ring.rotate_in(pair(forge, "new"), at(8)).unwrap();
    assert_eq!(living(), 2);
    let _ = ring.entry::<Inactive>("active").unwrap().revoke(at(8));
    assert_eq!(living(), 1);
    let printed = format!("{ring:?}{}{:?}", ring.state(), ring.get("new"));
    assert!(printed.contains("new"));
}

fn forked_pairs<M: Specimen>(forge: &Forge<M>) {
    let mut ring = ring(forge);
    let mut fork = ring.fork();
    assert_eq!(living(), 3);
    let _ = ring.entry::<Inactive>("staged").unwrap().retire(at(6));
    // The fork can still activate it, and then nobody can.
    assert_eq!(living(), 3);
    let _ = fork.entry::<Inactive>("staged").unwrap().revoke(at(6));
    assert_eq!(living(), 2);

    let owned = ring.decryption_key("active").unwrap().to_owned();
    let reader: DecryptionKeyring<Public> = ring.decryption_only();
    let read = |id| reader.decryption_key(id).map(|key| *key.material()).ok();
    assert_eq!(
        ["active", "former", "staged", "revoked"].map(read),
        [Some(7), Some(7), Some(7), None]
    );
    assert_eq!((reader.len(), living()), (5, 2));
    drop((ring, fork));
    // Neither a reader nor a right that is owned has an encrypting half.
    assert_eq!((living(), *owned.as_key().material(), reader.len()), (0, 7, 5));
    assert_eq!(reader.salvage_key("revoked").map(|key| *key.material()).ok(), Some(7));
}

fn built_pairs<M: Specimen>(forge: &Forge<M>) {
    let key = |name| pair(forge, name);
    let ring = Keyring::builder(key("active").activate(at(2)))
        .staged(key("staged"))
        .previous(key("previous"))
        .retired(key("retired").retire(at(2)))
        .revoked(key("revoked").revoke(at(2)))
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build()
        .unwrap();
    assert_eq!((ring.len(), living()), (5, 3));
    drop(ring);
    assert_eq!(living(), 0);

    // One id in every place, and one of a destroyed key.
    let refused = Keyring::builder(key("k").activate(at(2)))
        .staged(key("k"))
        .previous(key("k"))
        .retired(key("k").retire(at(2)))
        .revoked(key("k").revoke(at(2)))
        .previous(key("destroyed"))
        .destroyed(Destruction::new(id("destroyed"), at(1)))
        .build();
    assert_eq!(refused.unwrap_err().violations().len(), 2);
    assert_eq!(living(), 0);

    // A builder that is dropped before it builds.
    drop(black_box(Keyring::builder(key("k").activate(at(2))).staged(key("staged"))));
    assert_eq!(living(), 0);
}

fn refused_pairs<M: Specimen>(forge: &Forge<M>) {
    let mut ring = ring(forge);
    for (name, taken_by) in [
        ("active", TakenBy::Key(KeyStatus::Active)),
        ("retired", TakenBy::Key(KeyStatus::Retired)),
        ("revoked", TakenBy::Key(KeyStatus::Revoked)),
        ("destroyed", TakenBy::Tombstone { at: at(5) }),
    ] {
        let refused = ring.add(pair(forge, name), at(9)).unwrap_err();
        assert_eq!((refused.taken_by(), living()), (taken_by, 4));
        let key = refused.into_key().activate(at(9));
        let _intact = Place::of(key.encryption_key().material());
        drop(key);
        drop(ring.rotate_in(pair(forge, name), at(9)).unwrap_err());
        assert_eq!(living(), 3);
    }
    let refused = ring.entry::<Inactive>("retired").unwrap_err();
    assert!(matches!(refused, EntryError::WrongStatus { .. }));
    assert!(ring.rotate_to("revoked", at(9)).is_err());
    assert_eq!(living(), 3);
}

fn splitting<M: Specimen>(forge: &Forge<M>) {
    let whole = forge.ring();
    let (keys, before) = (whole.len(), living());
    assert_eq!((keys, before), (5, 5));
    let (mut encrypting, mut decrypting) = (Vec::new(), 0);
    let split: Result<Pairs<M>, ()> = swept(|| {
        whole.try_split(
            |key, material| {
                assert!(material.is_intact());
                encrypting.push(key.status);
                Ok(forge.material())
            },
            |_, _| {
                decrypting += 1;
                Ok(7)
            },
        )
    });
    let mut split = black_box(split.unwrap());
    // Nothing is made that a retired or revoked key would have to drop.
    let (active, inactive) = (KeyStatus::Active, KeyStatus::Inactive);
    assert_eq!((encrypting, decrypting), (vec![active, inactive, inactive], keys));
    assert_eq!(living() - before, 3);
    assert_eq!(split.state(), whole.state());
    drop(whole);
    assert_eq!(living(), 3);
    assert_eq!(*split.decryption_key("retired").unwrap().material(), 7);
    assert_eq!(*split.salvage_key("revoked").unwrap().material(), 7);
    let _ = split.entry::<Inactive>("staged").unwrap().retire(at(6));
    let _ = split.entry::<Inactive>("former").unwrap().revoke(at(6));
    assert_eq!(living(), 1);
}

/// Splits a ring, and goes wrong at the half of this number; the halves are asked for in turn.
fn split_up_to<M: Specimen>(forge: &Forge<M>, last: usize, wrong: fn() -> &'static str) {
    let whole = forge.ring();
    let before = living();
    let done = std::cell::Cell::new(0);
    let next = || {
        if done.get() == last {
            return Err(wrong());
        }
        done.set(done.get() + 1);
        Ok(())
    };
    let split = swept(|| {
        whole.try_split(|_, _| next().map(|()| forge.material()), |_, _| next().map(|()| 7_u64))
    });
    assert_eq!(split.unwrap_err(), "on purpose");
    assert_eq!(living(), before);
}

/// Five keys, three of them with two halves.
const HALVES: usize = 8;

fn splitting_fails<M: Specimen>(forge: &Forge<M>) {
    for last in 0..HALVES {
        split_up_to(forge, last, || "on purpose");
    }
}

fn splitting_panics<M: Specimen>(forge: &Forge<M>) {
    for last in 0..HALVES {
        panics(|| split_up_to(forge, last, || panic_now()));
        assert_eq!(living(), 0);
    }
}
