// A function that takes keys of any status cannot encrypt with them.
use key_rotation::{EncryptionKey, Key, Status};

fn encrypt<S: Status>(key: &Key<S>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
