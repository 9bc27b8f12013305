// A retired key is not among those that can be activated.
use key_rotation::{Active, InvalidKeyring, Key, Keyring, Retired};

fn build(active: Key<Active>, old: Key<Retired>) -> Result<Keyring, InvalidKeyring> {
    Keyring::builder().active(active).retired(old).build()
}

fn main() {}
