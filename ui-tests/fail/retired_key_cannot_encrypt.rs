// A retired key cannot encrypt again.
use key_rotation::{Active, EncryptionKey, Key, Retired};

fn encrypt<'k>(old: &'k Key<Retired>, active: &'k Key<Active>) -> EncryptionKey<'k> {
    old.encryption_key()
}

fn main() {}
