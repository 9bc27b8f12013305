// A ring takes new keys, and a retired key is not one.
use key_rotation::{Addition, Key, KeyIdTaken, Keyring, Retired};

fn add(ring: &mut Keyring, key: Key<Retired>) -> Result<Addition, KeyIdTaken> {
    ring.add(key)
}

fn main() {}
