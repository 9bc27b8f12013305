// An inactive key can decrypt.
use key_rotation::{DecryptionKey, Inactive, Key};

fn decrypt(key: &Key<Inactive>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
