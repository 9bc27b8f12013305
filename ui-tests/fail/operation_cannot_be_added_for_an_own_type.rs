// Nor can a type of one's own enter the table of the lifecycle.
use key_rotation::{CanDecrypt, DecryptionKey, Key};

enum Suspended {}

impl CanDecrypt for Suspended {}

fn read<S: CanDecrypt>(key: &Key<S>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
