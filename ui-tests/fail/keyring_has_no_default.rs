// There is no default ring, as there is no default key.
use key_rotation::{Active, Key, Keyring};

fn ring(key: Key<Active>) -> Keyring {
    Keyring::default()
}

fn main() {}
