// A retired key cannot encrypt again.
use key_rotation::{Active, EncryptionKey, Key, Retired};

fn encrypt<'k>(_: &'k Key<Retired>, active: &'k Key<Active>) -> EncryptionKey<'k> {
    active.encryption_key()
}

fn main() {}
