// Nor can a type of one's own enter the table of the lifecycle.
use key_rotation::{CanDecrypt, DecryptionKey, Inactive, Key};

struct Suspended(Key<Inactive>);

fn read<S: CanDecrypt>(key: &Key<S>) -> DecryptionKey<'_> {
    key.decryption_key()
}

fn main() {}
