// A retired key still decrypts.
use key_rotation::{DecryptionKey, Key, Retired};

fn decrypt(key: &Key<Retired>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
