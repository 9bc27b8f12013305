// A retired key cannot encrypt.
use key_rotation::{EncryptionKey, Key, Retired};

fn encrypt(key: &Key<Retired>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
