// A retired key of a ring cannot be retired again.
use key_rotation::{DecryptionKey, DecryptionKeyError, Keyring, Timestamp};

fn retire(ring: &Keyring, _: Timestamp) -> Result<DecryptionKey<'_>, DecryptionKeyError> {
    ring.decryption_key("k1")
}

fn main() {}
