// A function that takes keys of any status cannot decrypt with them: some are revoked.
use key_rotation::{CanDecrypt, DecryptionKey, Key};

fn decrypt<S: CanDecrypt>(key: &Key<S>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
