// A function that takes keys of any status cannot decrypt with them: some are revoked.
use key_rotation::{DecryptionKey, Key, Status};

fn decrypt<S: Status>(key: &Key<S>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
