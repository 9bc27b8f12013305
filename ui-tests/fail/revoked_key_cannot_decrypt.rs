// A revoked key cannot decrypt: it is not trusted.
use key_rotation::{DecryptionKey, Key, Revoked};

fn decrypt(key: &Key<Revoked>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
