// A ring takes new keys, and a retired key is not one.
use key_rotation::{Addition, Inactive, Key, KeyIdTaken, Keyring};

fn add(ring: &mut Keyring, key: Key<Inactive>) -> Result<Addition, KeyIdTaken> {
    ring.add(key)
}

fn main() {}
