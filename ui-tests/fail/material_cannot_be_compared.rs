// Secret bytes do not compare: ids do.
use key_rotation::{DecryptionKey, Keyring};

fn is_active(ring: &Keyring, key: DecryptionKey<'_>) -> bool {
    ring.encryption_key().material() == key.material()
}

fn main() {}
