// An active key cannot salvage: it is trusted, and decrypts.
use key_rotation::{Active, DecryptionKey, Key};

fn salvage(key: &Key<Active>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
