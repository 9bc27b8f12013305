// An active key decrypts what it encrypted.
use key_rotation::{Active, DecryptionKey, Key};

fn decrypt(key: &Key<Active>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
