// A ring takes new keys, and a retired key is not one.
use key_rotation::error::KeyIdTaken;
use key_rotation::key::Addition;
use key_rotation::{Key, Keyring, Retired, Timestamp};

fn add(ring: &mut Keyring, key: Key<Retired>, at: Timestamp) -> Result<Addition, KeyIdTaken> {
    ring.add(key, at)
}

fn main() {}
