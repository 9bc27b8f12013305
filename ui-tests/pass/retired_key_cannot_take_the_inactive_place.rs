// A retired key does not take the place of an inactive one.
use key_rotation::{Active, InvalidKeyring, Key, Keyring, Retired};

fn build(active: Key<Active>, old: Key<Retired>) -> Result<Keyring, InvalidKeyring> {
    Keyring::builder(active).retired(old).build()
}

fn main() {}
