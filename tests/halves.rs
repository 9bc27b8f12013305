//! Keys whose halves are apart: who holds which half, and for how long.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::cell::Cell;
use std::sync::Arc;

use key_rotation::{
    Apart, DecryptionKeyError, Inactive, Key, KeyId, KeyInfo, KeyRef, KeyStatus, Keyring,
    OwnedDecryptionKey, Retired, Revoked, SigningKey, Timestamp, VerificationKey,
};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

/// A half that says of which key it is. Its token is shared by all that know whether it still lives.
#[derive(Debug)]
struct Private(String, #[expect(dead_code, reason = "it is counted")] Arc<()>);

#[derive(Debug)]
struct Public(String, #[expect(dead_code, reason = "it is counted")] Arc<()>);

type Pair<S> = Key<S, Private, Apart<Public>>;
type Pairs = Keyring<Private, Apart<Public>>;

/// Knows how many halves of a key there are.
struct Tokens {
    private: Arc<()>,
    public: Arc<()>,
}

impl Tokens {
    fn alive(&self) -> (usize, usize) {
        (Arc::strong_count(&self.private) - 1, Arc::strong_count(&self.public) - 1)
    }
}

fn pair(name: &str) -> (Pair<Inactive>, Tokens) {
    let tokens = Tokens { private: Arc::default(), public: Arc::default() };
    let private = Private(format!("private of {name}"), Arc::clone(&tokens.private));
    let public = Public(format!("public of {name}"), Arc::clone(&tokens.public));
    (Key::new_pair(id(name), private, public, at(10)), tokens)
}

/// k1 is active, k2 and k3 are staged.
fn ring() -> (Pairs, [Tokens; 3]) {
    let [(k1, t1), (k2, t2), (k3, t3)] = ["k1", "k2", "k3"].map(pair);
    let mut ring = Keyring::new(k1.activate(at(10)));
    for key in [k2, k3] {
        let _ = ring.add(key, at(10)).unwrap();
    }
    (ring, [t1, t2, t3])
}

#[test]
fn a_pair_encrypts_with_one_half_and_decrypts_with_the_other() {
    let (key, tokens) = pair("k1");
    assert_eq!(key.decryption_key().material().0, "public of k1");
    let key = key.activate(at(20));
    let signing: SigningKey<'_, Private> = key.encryption_key();
    let verifying: VerificationKey<'_, Public> = key.decryption_key();
    assert_eq!((signing.id().as_str(), signing.material().0.as_str()), ("k1", "private of k1"));
    assert_eq!((verifying.id().as_str(), verifying.material().0.as_str()), ("k1", "public of k1"));
    let key = key.deactivate(at(30));
    assert_eq!(tokens.alive(), (1, 1));
    // It holds both still, and may be activated again.
    assert_eq!(key.activate(at(40)).encryption_key().material().0, "private of k1");
    assert_eq!(tokens.alive(), (0, 0));
}

#[test]
fn a_pair_that_is_retired_holds_the_decrypting_half_alone() {
    let (key, tokens) = pair("k1");
    let public = std::ptr::from_ref(key.decryption_key().material());
    let key = key.activate(at(20)).deactivate(at(30)).retire(at(40));
    assert_eq!(tokens.alive(), (0, 1));
    assert!(std::ptr::eq(key.decryption_key().material(), public), "the other half stays in place");
    assert_eq!(key.times().retired_at, Some(at(40)));
    let key = key.revoke(at(50));
    assert_eq!(tokens.alive(), (0, 1));
    assert!(std::ptr::eq(key.salvage_key().material(), public));
    let key = key.restore(at(60));
    assert_eq!(key.decryption_key().material().0, "public of k1");
    let _ = key.destroy(at(70));
    assert_eq!(tokens.alive(), (0, 0));
}

#[test]
fn a_pair_that_is_revoked_holds_the_decrypting_half_alone() {
    let (key, tokens) = pair("k1");
    let key = key.revoke(at(20));
    assert_eq!(tokens.alive(), (0, 1));
    assert_eq!(key.salvage_key().material().0, "public of k1");
    let _ = key.destroy(at(30));
    assert_eq!(tokens.alive(), (0, 0));
}

#[test]
fn a_ring_of_pairs_lets_go_of_the_encrypting_half_when_a_key_is_retired_or_revoked() {
    let (mut ring, [t1, t2, t3]) = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    assert_eq!(ring.encryption_key().material().0, "private of k2");
    assert_eq!([t1.alive(), t2.alive(), t3.alive()], [(1, 1); 3]);

    let receipt = ring.entry::<Inactive>("k1").unwrap().retire(at(30));
    assert_eq!((receipt.at, t1.alive()), (at(30), (0, 1)));
    let receipt = ring.entry::<Inactive>("k3").unwrap().revoke(at(40));
    assert_eq!((receipt.at, t3.alive()), (at(40), (0, 1)));

    assert_eq!(ring.decryption_key("k1").unwrap().material().0, "public of k1");
    assert_eq!(
        ring.decryption_key("k3").unwrap_err(),
        DecryptionKeyError::KeyRevoked { id: id("k3"), at: Some(at(40)) }
    );
    assert_eq!(ring.salvage_key("k3").unwrap().material().0, "public of k3");

    let _ = ring.entry::<Revoked>("k3").unwrap().restore(at(50));
    assert_eq!(
        (ring.decryption_key("k3").unwrap().status(), t3.alive()),
        (KeyStatus::Retired, (0, 1))
    );
    let _ = ring.entry::<Retired>("k1").unwrap().revoke(at(60));
    let _ = ring.entry::<Revoked>("k1").unwrap().destroy(at(70));
    let _ = ring.entry::<Retired>("k3").unwrap().destroy(at(70));
    assert_eq!([t1.alive(), t2.alive(), t3.alive()], [(0, 0), (1, 1), (0, 0)]);
    assert_eq!((ring.len(), ring.destroyed().count()), (1, 2));
}

#[test]
fn an_entry_that_is_not_used_keeps_no_half_alive() {
    let (mut ring, [_, t2, _]) = ring();
    let entry = ring.entry::<Inactive>("k2").unwrap();
    assert_eq!(entry.key().decryption_key().material().0, "public of k2");
    drop(entry);
    let (private, public) = match ring.get("k2") {
        Some(KeyRef::Inactive(key)) => (t2.alive().0, key.decryption_key().material()),
        other => panic!("{other:?}"),
    };
    assert_eq!((private, public.0.as_str()), (1, "public of k2"));
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    assert_eq!(t2.alive(), (0, 1));
}

#[test]
fn a_pair_whose_id_is_taken_comes_back_with_both_halves() {
    let (mut ring, _) = ring();
    let (key, tokens) = pair("k2");
    let key = ring.add(key, at(20)).unwrap_err().into_key();
    let key = ring.rotate_in(key, at(20)).unwrap_err().into_key();
    assert_eq!(tokens.alive(), (1, 1));
    assert_eq!(key.activate(at(30)).encryption_key().material().0, "private of k2");

    let (key, _) = pair("k4");
    let _ = ring.rotate_in(key, at(40)).unwrap();
    assert_eq!(ring.encryption_key().material().0, "private of k4");
    assert_eq!(ring.decryption_key("k1").unwrap().material().0, "public of k1");
}

#[test]
fn a_builder_takes_pairs_of_every_status() {
    let key = |name| pair(name).0;
    let ring: Pairs = Keyring::builder(key("a").activate(at(20)))
        .staged(key("s"))
        .previous(key("p"))
        .retired(key("r").retire(at(20)))
        .revoked(key("v").revoke(at(20)))
        .build()
        .unwrap();
    let keys: Vec<_> = ring.decryption_keys().map(|key| key.material().0.as_str()).collect();
    assert_eq!(keys, ["public of a", "public of p", "public of s", "public of r"]);
    assert_eq!(ring.encryption_key().material().0, "private of a");
    assert_eq!(ring.salvage_key("v").unwrap().material().0, "public of v");
}

#[test]
fn a_fork_of_pairs_shares_both_halves() {
    let (mut ring, [t1, t2, _]) = ring();
    let mut fork = ring.fork();
    assert!(std::ptr::eq(ring.encryption_key().material(), fork.encryption_key().material()));
    assert!(std::ptr::eq(
        ring.active().decryption_key().material(),
        fork.active().decryption_key().material()
    ));
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(20));
    // The fork may activate it yet.
    assert_eq!(t2.alive(), (1, 1));
    let _ = fork.rotate_to("k2", at(30)).unwrap();
    assert_eq!(fork.encryption_key().material().0, "private of k2");
    drop(fork);
    assert_eq!((t1.alive(), t2.alive()), ((1, 1), (0, 1)));
}

#[test]
fn a_reader_keeps_no_encrypting_half_alive() {
    let (ring, tokens) = ring();
    let reader = ring.decryption_only();
    drop(ring);
    assert_eq!(tokens.each_ref().map(Tokens::alive), [(0, 1); 3]);
    assert_eq!(reader.decryption_key("k1").unwrap().material().0, "public of k1");
}

#[test]
fn an_owned_decryption_key_lives_across_a_rotation_and_in_another_thread() {
    let (mut ring, [t1, _, _]) = ring();
    let owned: OwnedDecryptionKey<Public> = ring.decryption_key("k1").unwrap().to_owned();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(at(30));
    let _ = ring.entry::<Retired>("k1").unwrap().destroy(at(40));
    assert!(ring.decryption_key("k1").is_err());
    // It is what it was when it was taken, and has the decrypting half alone.
    assert_eq!(t1.alive(), (0, 1));
    drop(ring);
    let seen = std::thread::spawn(move || {
        let key = owned.as_key();
        (key.id().clone(), key.material().0.clone(), key.status(), key.is_superseded())
    });
    let expected = (id("k1"), "public of k1".to_owned(), KeyStatus::Active, false);
    assert_eq!(seen.join().unwrap(), expected);
    assert_eq!(t1.alive(), (0, 0));
}

#[test]
fn an_owned_decryption_key_says_what_the_borrowed_one_says() {
    let (mut ring, _) = ring();
    let _ = ring.rotate_to("k2", at(20)).unwrap();
    let borrowed = ring.decryption_key("k1").unwrap();
    let owned = borrowed.to_owned();
    let again = owned.as_key();
    assert_eq!((again.id(), again.status()), (borrowed.id(), borrowed.status()));
    assert!(again.is_superseded() && borrowed.is_superseded());
    assert!(std::ptr::eq(again.material(), borrowed.material()));
    assert!(std::ptr::eq(again.to_owned().as_key().material(), borrowed.material()));
}

/// One key of each kind: active, demoted, staged, retired, revoked, and one that is destroyed.
fn seeds() -> Keyring<String> {
    let key = |name: &str| Key::new(id(name), format!("seed of {name}"), at(1));
    let mut ring = Keyring::new(key("demoted").activate(at(2)));
    for name in ["active", "staged", "retired", "revoked", "destroyed"] {
        let _ = ring.add(key(name), at(3)).unwrap();
    }
    let _ = ring.rotate_to("active", at(4)).unwrap();
    let _ = ring.entry::<Inactive>("retired").unwrap().retire(at(5));
    let _ = ring.entry::<Inactive>("revoked").unwrap().revoke(at(6));
    let _ = ring.entry::<Inactive>("destroyed").unwrap().revoke(at(7));
    let _ = ring.entry::<Revoked>("destroyed").unwrap().destroy(at(8));
    ring
}

#[test]
fn a_split_asks_for_the_encrypting_half_of_active_and_inactive_keys_alone() {
    let seeds = seeds();
    let (mut encrypting, mut decrypting) = (Vec::new(), Vec::new());
    let pairs: Keyring<String, Apart<String>> = seeds
        .try_split(
            |key, seed| {
                encrypting.push(key.clone());
                Ok::<_, ()>(format!("private of {seed}"))
            },
            |key, seed| {
                decrypting.push(key.clone());
                Ok(format!("public of {seed}"))
            },
        )
        .unwrap();
    let names = |keys: &[KeyInfo]| keys.iter().map(|key| key.id.to_string()).collect::<Vec<_>>();
    // Each once, in the order of the ring.
    assert_eq!(names(&encrypting), ["active", "demoted", "staged"]);
    assert_eq!(names(&decrypting), ["active", "demoted", "staged", "retired", "revoked"]);
    for key in encrypting.iter().chain(&decrypting) {
        assert_eq!(Some(key), seeds.get(key.id.as_str()).map(|key| key.info()).as_ref());
    }
    assert_eq!(pairs.state(), seeds.state());
    assert_eq!(pairs.encryption_key().material(), "private of seed of active");
    let open: Vec<_> = pairs.decryption_keys().map(|key| key.material().as_str()).collect();
    assert_eq!(
        open,
        [
            "public of seed of active",
            "public of seed of demoted",
            "public of seed of staged",
            "public of seed of retired",
        ]
    );
    assert_eq!(pairs.salvage_key("revoked").unwrap().material(), "public of seed of revoked");
    assert_eq!(pairs.destroyed().count(), 1);
}

#[test]
fn what_was_split_changes_as_any_ring() {
    let mut pairs: Keyring<String, Apart<usize>> =
        seeds().try_split(|_, seed| Ok::<_, ()>(seed.clone()), |_, seed| Ok(seed.len())).unwrap();
    let _ = pairs.rotate_to("staged", at(20)).unwrap();
    assert_eq!(pairs.encryption_key().material(), "seed of staged");
    let _ = pairs.rotate_to("demoted", at(30)).unwrap();
    assert_eq!(pairs.encryption_key().material(), "seed of demoted");
    let _ = pairs.entry::<Revoked>("revoked").unwrap().restore(at(40));
    assert_eq!(pairs.decryption_key("revoked").unwrap().material(), &"seed of revoked".len());
    let key = Key::new_pair(id("new"), "private".to_owned(), 7, at(50));
    let _ = pairs.rotate_in(key, at(50)).unwrap();
    assert_eq!((pairs.encryption_key().material().as_str(), pairs.len()), ("private", 6));
}

#[test]
fn a_split_stops_at_the_first_error_of_either_function() {
    let seeds = seeds();
    let fails = |what: &'static str, which: &'static str| {
        let calls = Cell::new(0);
        let make = |half: &str, key: &KeyInfo| {
            calls.set(calls.get() + 1);
            let is_it = what == half && key.id == which;
            if is_it { Err(format!("{what} {which}")) } else { Ok(()) }
        };
        let answer: Result<Keyring<(), Apart<()>>, _> =
            seeds.try_split(|key, _| make("encrypting", key), |key, _| make("decrypting", key));
        (answer.map(drop), calls.get())
    };
    for (what, which, calls) in [
        ("encrypting", "active", 1),
        ("decrypting", "active", 2),
        ("encrypting", "demoted", 3),
        ("decrypting", "staged", 6),
        ("decrypting", "retired", 7),
        ("decrypting", "revoked", 8),
    ] {
        assert_eq!(fails(what, which), (Err(format!("{what} {which}")), calls));
    }
    // Nobody asks for what these do not hold.
    for which in ["retired", "revoked", "destroyed"] {
        assert_eq!(fails("encrypting", which), (Ok(()), 8), "{which}");
    }
}
