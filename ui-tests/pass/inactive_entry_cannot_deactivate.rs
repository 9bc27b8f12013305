// An inactive key of a ring cannot be deactivated: it is inactive.
use key_rotation::{DecryptionKey, DecryptionKeyError, Keyring, Timestamp};

fn deactivate(ring: &Keyring, _: Timestamp) -> Result<DecryptionKey<'_>, DecryptionKeyError> {
    ring.decryption_key("k1")
}

fn main() {}
