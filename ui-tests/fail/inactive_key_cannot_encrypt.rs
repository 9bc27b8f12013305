// An inactive key cannot encrypt.
use key_rotation::{EncryptionKey, Inactive, Key};

fn encrypt(key: &Key<Inactive>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
