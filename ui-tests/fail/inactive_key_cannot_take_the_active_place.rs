// The active key of a ring is a key that was activated.
use key_rotation::{Inactive, Key, Keyring, Timestamp};

fn build(key: Key<Inactive>, at: Timestamp) -> Keyring {
    Keyring::new(key)
}

fn main() {}
