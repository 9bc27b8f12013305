// An active key can decrypt.
use key_rotation::{Active, DecryptionKey, Key};

fn decrypt(key: &Key<Active>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
