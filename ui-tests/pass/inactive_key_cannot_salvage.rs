// An inactive key cannot salvage: it is trusted, and decrypts.
use key_rotation::{DecryptionKey, Inactive, Key};

fn salvage(key: &Key<Inactive>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
