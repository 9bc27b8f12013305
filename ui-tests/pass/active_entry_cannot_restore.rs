// The active key of a ring cannot be restored: it was not revoked.
use key_rotation::{DecryptionKey, DecryptionKeyError, Keyring, Timestamp};

fn restore(ring: &Keyring, _: Timestamp) -> Result<DecryptionKey<'_>, DecryptionKeyError> {
    ring.decryption_key("k1")
}

fn main() {}
