// A retired key cannot salvage: it is trusted, and decrypts.
use key_rotation::{DecryptionKey, Key, Retired};

fn salvage(key: &Key<Retired>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
