// A function that takes keys of any status cannot encrypt with them.
use key_rotation::{CanEncrypt, EncryptionKey, Key};

fn encrypt<S: CanEncrypt>(key: &Key<S>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
