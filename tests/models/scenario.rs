//! What both model checkers run: two readers, a writer and a refresh on one shared ring.

use std::time::Duration;

use key_rotation::shared::{KeyringReader, SharedKeyring};
use key_rotation::store::Revision;
use key_rotation::{Key, KeyId, Keyring, Timestamp};

pub(crate) type Install = fn(&SharedKeyring<u64>, u64);

pub(crate) fn shared() -> SharedKeyring<u64> {
    SharedKeyring::at_revision(revision(1), ring(1))
}

/// A ring of which everything is this number.
fn ring(number: u64) -> Keyring<u64> {
    let at = Timestamp::from_unix_millis(number);
    Keyring::new(Key::new(KeyId::from(number), number, at).activate(at))
}

/// The revision of this number, in the one history that there is.
pub(crate) fn revision(number: u64) -> Revision {
    Revision::new(number, number)
}

/// What is right: a ring takes the place of the one that the store was asked about, and of no other.
pub(crate) fn install(shared: &SharedKeyring<u64>, number: u64) {
    loop {
        let seen = shared.revision();
        if seen.number >= number || shared.replace(seen, revision(number), ring(number)) {
            return;
        }
    }
}

/// The fault that the models must find.
pub(crate) fn install_unchecked(shared: &SharedKeyring<u64>, number: u64) {
    shared.replace_unchecked(revision(number), ring(number));
}

/// A ring that is whole, and its number.
fn number(ring: &Keyring<u64>) -> u64 {
    let key = ring.encryption_key();
    assert_eq!(key.id().as_str(), key.material().to_string());
    *key.material()
}

pub(crate) fn read(mut reader: KeyringReader<u64>, shared: &SharedKeyring<u64>) {
    let first = number(reader.current());
    // Confirmed is revision 3 alone, so whoever sees the confirmation sees that ring.
    if let Ok(key) = reader.encryption_key_within(Duration::ZERO, Timestamp::from_unix_millis(30)) {
        assert_eq!(*key.material(), 3, "an older ring than the confirmed one encrypts");
    }
    let second = number(reader.current());
    let loaded = number(&shared.load());
    assert!(
        first <= second && second <= loaded,
        "an older ring after a newer one: {first}, {second}, {loaded}"
    );
}

pub(crate) fn write(shared: &SharedKeyring<u64>, install: Install) {
    install(shared, 2);
}

pub(crate) fn refresh(shared: &SharedKeyring<u64>, install: Install) {
    install(shared, 3);
    shared.confirm(revision(3), Timestamp::from_unix_millis(30));
}

/// When all are done.
pub(crate) fn check(shared: &SharedKeyring<u64>) {
    let left = (number(&shared.load()), shared.revision());
    assert_eq!(left, (3, revision(3)), "an older ring is left");
    assert_eq!(shared.confirmed_at(), Some(Timestamp::from_unix_millis(30)));
    assert_eq!(number(shared.reader().current()), 3);
}

/// A change by hand, at the same time as a refresh: one is on top of the other, or under it.
pub(crate) fn update(shared: &SharedKeyring<u64>) {
    let at = Timestamp::from_unix_millis(1);
    let staged = Key::new(KeyId::from(9_u64), 9, at);
    let added = shared.update(|ring| ring.add(staged, at));
    assert!(added.is_ok());
}
