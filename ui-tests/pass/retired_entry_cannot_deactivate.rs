// A retired key of a ring cannot be made inactive again: it decrypts as it is.
use key_rotation::{DecryptionKey, DecryptionKeyError, Keyring, Timestamp};

fn deactivate(ring: &Keyring, _: Timestamp) -> Result<DecryptionKey<'_>, DecryptionKeyError> {
    ring.decryption_key("k1")
}

fn main() {}
