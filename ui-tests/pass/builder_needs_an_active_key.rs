// A ring cannot be built without an active key.
use key_rotation::{Active, Inactive, InvalidKeyring, Key, Keyring};

fn build(active: Key<Active>, staged: Key<Inactive>) -> Result<Keyring, InvalidKeyring> {
    Keyring::builder(active).staged(staged).build()
}

fn main() {}
