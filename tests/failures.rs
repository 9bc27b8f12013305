//! Nothing is lost or half-changed by a failure or a panic: the ring is as it was, or whole.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use key_rotation::policy::{Fleet, Refusal};
use key_rotation::{
    Apart, DecryptionKeyError, Inactive, Key, KeyId, KeyInfo, Keyring, Retired, Revoked,
    RotationPolicy, StrictSingleActive, Timestamp,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

/// A material that counts its drops, and may break when it is dropped.
struct Bomb {
    breaks: bool,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Relaxed);
        assert!(!self.breaks || std::thread::panicking(), "the material breaks when it is dropped");
    }
}

/// Whether it panics.
fn breaks<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

type Pairs = Keyring<Bomb, Apart<&'static str>>;

/// a is active, and the encrypting half of k breaks when it is dropped.
fn pairs() -> (Pairs, Arc<AtomicUsize>) {
    let dropped = Arc::<AtomicUsize>::default();
    let bomb = |breaks| Bomb { breaks, dropped: Arc::clone(&dropped) };
    let mut ring = Keyring::new(Key::new_pair(id("a"), bomb(false), "a", at(1)).activate(at(1)));
    let _ = ring.add(Key::new_pair(id("k"), bomb(true), "k", at(1)), at(1)).unwrap();
    let _ = ring.add(Key::new_pair(id("s"), bomb(false), "s", at(1)), at(1)).unwrap();
    (ring, dropped)
}

/// What a ring of these can still do.
fn is_whole(ring: &mut Pairs) {
    assert_eq!(ring.encryption_key().id(), "a");
    assert_eq!(ring.iter().count(), ring.len());
    let _ = ring.rotate_to("s", at(50)).unwrap();
    assert_eq!(ring.encryption_key().id(), "s");
    assert_eq!(ring.decryption_key("a").unwrap().material(), &"a");
}

#[test]
fn a_key_whose_encrypting_half_breaks_when_dropped_is_retired_all_the_same() {
    let (mut ring, dropped) = pairs();
    assert!(breaks(|| ring.entry::<Inactive>("k").unwrap().retire(at(2))));
    assert_eq!(dropped.load(Relaxed), 1);
    let key = ring.entry::<Retired>("k").unwrap();
    assert_eq!(key.key().times().retired_at, Some(at(2)));
    drop(key);
    assert_eq!(ring.decryption_key("k").unwrap().material(), &"k");
    assert_eq!(ring.len(), 3);
    is_whole(&mut ring);
}

#[test]
fn a_key_whose_encrypting_half_breaks_when_dropped_is_revoked_all_the_same() {
    let (mut ring, dropped) = pairs();
    ring.enforce(&Refuse(None), at(2));
    assert!(breaks(|| ring.entry::<Inactive>("k").unwrap().revoke(at(3))));
    assert_eq!(dropped.load(Relaxed), 1);
    let revoked = DecryptionKeyError::KeyRevoked { id: id("k"), at: Some(at(3)) };
    assert_eq!(ring.decryption_key("k").unwrap_err(), revoked);
    assert_eq!(ring.salvage_key("k").unwrap().material(), &"k");
    let state = ring.state();
    let refused: Vec<_> = state.refused().iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((ring.len(), refused), (3, vec!["a", "k", "s"]));
    ring.enforce(&StrictSingleActive, at(4));
    is_whole(&mut ring);
}

#[test]
fn the_tombstone_is_written_before_the_material_is_dropped() {
    for by_revocation in [false, true] {
        let dropped = Arc::<AtomicUsize>::default();
        let bomb = |breaks| Bomb { breaks, dropped: Arc::clone(&dropped) };
        let mut ring = Keyring::new(Key::new(id("a"), bomb(false), at(1)).activate(at(1)));
        let _ = ring.add(Key::new(id("r"), bomb(true), at(1)), at(1)).unwrap();
        let destroyed = if by_revocation {
            let _ = ring.entry::<Inactive>("r").unwrap().revoke(at(2));
            breaks(|| ring.entry::<Revoked>("r").unwrap().destroy(at(3)))
        } else {
            let _ = ring.entry::<Inactive>("r").unwrap().retire(at(2));
            breaks(|| ring.entry::<Retired>("r").unwrap().destroy(at(3)))
        };
        assert!(destroyed);
        assert_eq!((dropped.load(Relaxed), ring.destroyed().count(), ring.len()), (1, 1, 1));
        let error = ring.decryption_key("r").unwrap_err();
        assert_eq!(error, DecryptionKeyError::KeyDestroyed { id: id("r"), at: at(3) });
        assert_eq!(ring.active().id(), "a");
        assert!(ring.add(Key::new(id("r"), bomb(false), at(4)), at(4)).is_err());
    }
}

#[test]
fn a_key_whose_material_breaks_when_dropped_takes_no_other_with_it() {
    let dropped = Arc::<AtomicUsize>::default();
    let key = |n: u64| {
        Key::new(KeyId::from(n), Bomb { breaks: n == 3, dropped: Arc::clone(&dropped) }, at(1))
    };
    let mut ring = Keyring::new(key(0).activate(at(1)));
    for n in 1..=20 {
        let _ = ring.add(key(n), at(1)).unwrap();
    }
    assert!(breaks(|| drop(ring)));
    assert_eq!(dropped.load(Relaxed), 21);
}

/// a is active, d demoted, s is staged, r retired, v revoked.
fn ring() -> Keyring<String> {
    let key = |name: &str| Key::new(id(name), format!("material of {name}"), at(1));
    let mut ring = Keyring::new(key("d").activate(at(2)));
    for name in ["a", "s", "r", "v"] {
        let _ = ring.add(key(name), at(3)).unwrap();
    }
    let _ = ring.rotate_to("a", at(4)).unwrap();
    let _ = ring.entry::<Inactive>("r").unwrap().retire(at(5));
    let _ = ring.entry::<Inactive>("v").unwrap().revoke(at(6));
    ring
}

/// Refuses every key, and panics when it is asked about this one.
struct Refuse(Option<&'static str>);

impl RotationPolicy for Refuse {
    fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
        assert!(self.0.is_none_or(|breaks| key.id != breaks), "the policy breaks");
        Err(Refusal::new("it is refused"))
    }
}

#[test]
fn a_policy_that_panics_leaves_the_marks_as_they_were() {
    struct Only(&'static str);
    impl RotationPolicy for Only {
        fn may_activate(&self, _: &KeyInfo, _: &Fleet, _: Timestamp) -> Result<(), Refusal> {
            Ok(())
        }
        fn may_decrypt(&self, key: &KeyInfo, _: Timestamp) -> Result<(), Refusal> {
            if key.id == self.0 { Err(Refusal::new("it is refused")) } else { Ok(()) }
        }
    }
    for refused in ["a", "d", "s", "r"] {
        for breaks_at in ["a", "d", "s", "r"] {
            let mut ring = ring();
            ring.enforce(&Only(refused), at(10));
            let mut reader = ring.decryption_only();
            let before = ring.state();
            assert!(breaks(|| ring.enforce(&Refuse(Some(breaks_at)), at(20))));
            assert!(breaks(|| reader.enforce(&Refuse(Some(breaks_at)), at(20))));
            assert_eq!(ring.state(), before);
            for name in ["a", "d", "s", "r"] {
                assert_eq!(ring.decryption_key(name).is_err(), name == refused, "{name}");
                assert_eq!(reader.decryption_key(name).is_err(), name == refused, "{name}");
            }
        }
    }
}

#[test]
fn a_function_that_panics_leaves_the_ring_and_drops_what_it_made() {
    let ring = ring();
    let before = ring.state();
    for (made, breaks_at) in ["a", "d", "s", "r", "v"].into_iter().enumerate() {
        let dropped = Arc::<AtomicUsize>::default();
        let make = |key: &KeyInfo| {
            assert!(key.id != breaks_at, "the function breaks");
            Bomb { breaks: false, dropped: Arc::clone(&dropped) }
        };
        let how_many = |expected| assert_eq!(dropped.swap(0, Relaxed), expected, "{breaks_at}");
        assert!(breaks(|| ring.map(|key, _| make(key))));
        how_many(made);
        assert!(breaks(|| ring.try_map(|key, _| Ok::<_, ()>(make(key)))));
        how_many(made);
        assert!(breaks(|| ring.map_or_leave(|key, _| Ok(make(key)))));
        how_many(made);
        assert!(breaks(|| ring.try_split(|_, _| Ok::<_, ()>(()), |key, _| Ok(make(key)))));
        how_many(made);
        // Nobody asks for the encrypting half of what is retired or revoked.
        let asked = made < 3;
        let split = breaks(|| ring.try_split(|key, _| Ok::<_, ()>(make(key)), |_, _| Ok(())));
        assert_eq!(split, asked);
        how_many(made.min(3));
        assert_eq!(ring.state(), before);
    }
}

#[test]
fn a_failure_drops_what_was_made_and_leaves_the_ring() {
    let ring = ring();
    let before = ring.state();
    let dropped = Arc::<AtomicUsize>::default();
    let make = |key: &KeyInfo| match key.id.as_str() {
        "s" => Err("it cannot be made"),
        _ => Ok(Bomb { breaks: false, dropped: Arc::clone(&dropped) }),
    };
    assert_eq!(ring.try_map(|key, _| make(key)).err(), Some("it cannot be made"));
    assert_eq!(dropped.swap(0, Relaxed), 2);
    let split = ring.try_split(|key, _| make(key), |key, _| make(key));
    assert_eq!(split.err(), Some("it cannot be made"));
    assert_eq!(dropped.swap(0, Relaxed), 4);
    assert_eq!(ring.state(), before);
    assert_eq!(ring.decryption_key("s").unwrap().material(), "material of s");
}

/// Everything that can be refused, and that the ring is the same afterwards.
#[test]
fn a_refused_change_changes_nothing() {
    let mut ring = ring();
    let _ = ring.entry::<Retired>("r").unwrap().destroy(at(7));
    let before = ring.state();
    for name in ["r", "v", "unknown"] {
        assert!(ring.rotate_to(name, at(20)).is_err());
        assert!(ring.entry::<Inactive>(name).is_err());
        assert!(ring.entry::<Retired>(name).is_err());
    }
    for name in ["a", "d", "s", "r", "v"] {
        let key = || Key::new(id(name), String::new(), at(9));
        assert!(ring.add(key(), at(20)).is_err());
        assert!(ring.rotate_in(key(), at(20)).is_err());
    }
    for name in ["a", "d", "s", "r"] {
        assert!(ring.entry::<Revoked>(name).is_err());
        assert!(ring.salvage_key(name).is_err());
    }
    assert_eq!(ring.state(), before);
}
