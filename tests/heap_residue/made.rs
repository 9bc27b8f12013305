//! What is done when a ring is made of another, for any material.

use std::hint::black_box;

use key_rotation::error::DecryptionKeyError;
use key_rotation::ring::Reason;
use key_rotation::{KeyStatus, Keyring, Revoked};

use super::scanner::living;
use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Place, Places, Specimen, at, swept};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a ring is mapped", mapping::<M>),
        ("mapping fails at each key", mapping_fails::<M>),
        ("mapping panics at each key", mapping_panics::<M>),
        ("keys are left unprepared, one after another", leaving::<M>),
        ("leaving keys unprepared panics at each key", leaving_panics::<M>),
    ]
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
    for last in 0..forge.ring().len() {
        map_up_to(forge, last, || "on purpose");
    }
}

fn mapping_panics<M: Specimen>(forge: &Forge<M>) {
    for last in 0..forge.ring().len() {
        panics(|| map_up_to(forge, last, || panic_now()));
    }
}

/// Prepares all keys but those of these statuses.
fn leave<M: Specimen>(
    forge: &Forge<M>,
    ring: &Keyring<M>,
    left: &[KeyStatus],
) -> Result<Keyring<M>, Vec<Place>> {
    let made = swept(|| {
        ring.map_or_leave(|key, material| {
            assert!(material.is_intact());
            if left.contains(&key.status) {
                return Err(Reason::new("no cipher"));
            }
            Ok(forge.material())
        })
    });
    made.map_err(|refused| {
        assert_eq!(refused.id(), ring.active().id());
        refused.into_made().iter().map(|(_, made)| Place::of(&**made)).collect()
    })
}

fn leaving<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let places = Places::of(&ring);
    let (active, inactive) = (KeyStatus::Active, KeyStatus::Inactive);
    let (retired, revoked) = (KeyStatus::Retired, KeyStatus::Revoked);

    for (left, unprepared) in [
        (vec![], 0),
        (vec![inactive], 2),
        (vec![retired], 1),
        (vec![revoked], 1),
        (vec![inactive, retired, revoked], 4),
    ] {
        let before = living();
        let made = leave(forge, &ring, &left).unwrap();
        let made_places = Places::of(&made);
        assert_eq!(living() - before, made.len() - unprepared);
        assert_eq!(made.unprepared().count(), unprepared);
        let fork = made.fork();
        drop(made);
        made_places.are_those_of(&fork);
        if left.contains(&retired) {
            let refused = fork.decryption_key("retired").unwrap_err();
            assert!(matches!(refused, DecryptionKeyError::Unprepared { .. }));
        }
        // Made again of the first ring, of which nothing is missing.
        places.are_those_of(&ring);
    }
    for (left, made) in [(vec![active], 4), (vec![active, inactive], 2)] {
        let before = living();
        assert_eq!(leave(forge, &ring, &left).unwrap_err().len(), made);
        assert_eq!(living(), before);
    }
    let mut made = leave(forge, &ring, &[inactive]).unwrap();
    let _ = made.entry::<Revoked>("revoked").unwrap().restore(at(9));
    drop(made.add(forge.key("staged"), at(9)).unwrap_err());
    places.are_those_of(&ring);
}

fn leaving_panics<M: Specimen>(forge: &Forge<M>) {
    for last in 0..forge.ring().len() {
        panics(|| {
            let ring = forge.ring();
            let mut done = 0;
            let made = ring.map_or_leave(|_, _| {
                done += 1;
                if done > last {
                    panic_now()
                }
                if done % 2 == 0 { Err(Reason::new("no cipher")) } else { Ok(forge.material()) }
            });
            drop(black_box(made));
        });
    }
}
