// An active key encrypts.
use key_rotation::{Active, EncryptionKey, Key};

fn encrypt(key: &Key<Active>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
