//! Materials that panic when they are dropped: what they hold is dropped all the same, and the ring
//! is what it would be without the panic.

use std::cell::Cell;
use std::hint::black_box;

use key_rotation::{Apart, Inactive, Key, KeyStatus, Keyring, Retired, Revoked};

use super::scanner::living;
use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Place, Specimen, at, id, swept};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a key whose material panics", a_key_explodes::<M>),
        ("a ring whose materials panic", a_ring_explodes::<M>),
        ("a ring of pairs whose halves panic", pairs_explode::<M>),
        ("mapping fails, and what was made panics", mapping_explodes::<M>),
    ]
}

/// Panics when it is dropped, as often as `fuses` says.
struct Explosive<'f, M> {
    material: M,
    fuses: &'f Cell<usize>,
}

impl<M> Drop for Explosive<'_, M> {
    fn drop(&mut self) {
        if let Some(left) = self.fuses.get().checked_sub(1) {
            self.fuses.set(left);
            panic_now();
        }
    }
}

fn explosive<'f, M: Specimen>(forge: &Forge<M>, fuses: &'f Cell<usize>) -> Explosive<'f, M> {
    Explosive { material: forge.material(), fuses }
}

/// Does it while one material may panic, and sees that one did.
fn explodes(fuses: &Cell<usize>, scope: impl FnOnce()) {
    fuses.set(1);
    panics(scope);
    assert_eq!(fuses.get(), 0);
}

fn a_key_explodes<M: Specimen>(forge: &Forge<M>) {
    let fuses = Cell::new(0);
    let key = || swept(|| Key::new(id("k"), explosive(forge, &fuses), at(1)));
    explodes(&fuses, || drop(black_box(key())));
    explodes(&fuses, || drop(key().retire(at(2)).destroy(at(3))));
    let pair = || swept(|| Key::new_pair(id("k"), explosive(forge, &fuses), 7, at(1)));
    explodes(&fuses, || drop(pair().retire(at(2))));
    explodes(&fuses, || drop(pair().revoke(at(2))));
    assert_eq!(living(), 0);
}

fn a_ring_explodes<M: Specimen>(forge: &Forge<M>) {
    let fuses = Cell::new(0);
    let key = |name| swept(|| Key::new(id(name), explosive(forge, &fuses), at(1)));
    let mut ring = Keyring::new(key("active").activate(at(2)));
    for name in ["a", "b", "c"] {
        let _ = ring.add(key(name), at(2)).unwrap();
    }
    let _ = ring.entry::<Inactive>("a").unwrap().retire(at(3));
    let _ = ring.entry::<Inactive>("b").unwrap().revoke(at(3));
    explodes(&fuses, || drop(ring.entry::<Retired>("a").unwrap().destroy(at(4))));
    explodes(&fuses, || drop(ring.entry::<Revoked>("b").unwrap().destroy(at(4))));
    assert_eq!((ring.len(), ring.destroyed().count(), living()), (2, 2, 2));
    explodes(&fuses, || drop(ring.add(key("a"), at(5))));
    let _ = ring.rotate_to("c", at(6)).unwrap();
    for name in ["c", "active"] {
        let _intact = Place::of(&ring.decryption_key(name).unwrap().material().material);
    }
    // One panics, and the others are dropped all the same.
    explodes(&fuses, || drop(ring));
    assert_eq!(living(), 0);
}

fn pairs_explode<M: Specimen>(forge: &Forge<M>) {
    let fuses = Cell::new(0);
    let pair = |name| swept(|| Key::new_pair(id(name), explosive(forge, &fuses), 7_u64, at(1)));
    let mut ring: Keyring<_, Apart<u64>> = Keyring::new(pair("active").activate(at(2)));
    for name in ["a", "b"] {
        let _ = ring.add(pair(name), at(2)).unwrap();
    }
    explodes(&fuses, || drop(ring.entry::<Inactive>("a").unwrap().retire(at(3))));
    explodes(&fuses, || drop(ring.entry::<Inactive>("b").unwrap().revoke(at(3))));
    // The halves are gone, and the statuses are what was asked for.
    let status = |name| ring.get(name).unwrap().status();
    assert_eq!((status("a"), status("b")), (KeyStatus::Retired, KeyStatus::Revoked));
    assert_eq!((ring.len(), living()), (3, 1));
    assert_eq!(*ring.decryption_key("a").unwrap().material(), 7);
    assert_eq!(*ring.salvage_key("b").unwrap().material(), 7);
    let _intact = Place::of(&ring.encryption_key().material().material);
}

fn mapping_explodes<M: Specimen>(forge: &Forge<M>) {
    let (fuses, ring) = (Cell::new(0), forge.ring());
    let before = living();
    for last in 1..ring.len() {
        let mut done = 0;
        explodes(&fuses, || {
            let mapped = ring.try_map(|_, _| {
                done += 1;
                if done > last { Err("on purpose") } else { Ok(explosive(forge, &fuses)) }
            });
            assert!(mapped.is_err());
        });
        assert_eq!(living(), before);
    }
}
