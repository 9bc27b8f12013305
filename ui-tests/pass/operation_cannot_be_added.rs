// The table of the lifecycle cannot be changed from outside.
use key_rotation::{CanEncrypt, EncryptionKey, Key};

fn seal<S: CanEncrypt>(key: &Key<S>) -> EncryptionKey<'_> {
    key.encryption_key()
}

fn main() {}
