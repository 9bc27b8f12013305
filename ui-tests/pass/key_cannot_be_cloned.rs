// A key is one value: it does not clone.
use key_rotation::{Active, DecryptionKey, EncryptionKey, Key};

fn twice(key: &Key<Active>) -> (EncryptionKey<'_>, DecryptionKey<'_>) {
    (key.encryption_key(), key.decryption_key())
}

fn main() {}
