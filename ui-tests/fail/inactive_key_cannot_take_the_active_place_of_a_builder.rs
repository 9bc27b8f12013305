// The active key of a builder is a key that was activated.
use key_rotation::{Inactive, InvalidKeyring, Key, Keyring, Timestamp};

fn build(key: Key<Inactive>, at: Timestamp) -> Result<Keyring, InvalidKeyring> {
    Keyring::builder(key).build()
}

fn main() {}
