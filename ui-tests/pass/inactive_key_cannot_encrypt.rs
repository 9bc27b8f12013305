// An inactive key cannot encrypt.
use key_rotation::{DecryptionKey, Inactive, Key};

fn encrypt(key: &Key<Inactive>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
