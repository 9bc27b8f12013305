// An inactive key decrypts.
use key_rotation::{DecryptionKey, Inactive, Key};

fn decrypt(key: &Key<Inactive>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
