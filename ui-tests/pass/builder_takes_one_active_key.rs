// A ring cannot be built with two active keys.
use key_rotation::{Active, InvalidKeyring, Key, Keyring, Timestamp};

fn build(one: Key<Active>, two: Key<Active>, at: Timestamp) -> Result<Keyring, InvalidKeyring> {
    Keyring::builder(one).previous(two.deactivate(at)).build()
}

fn main() {}
