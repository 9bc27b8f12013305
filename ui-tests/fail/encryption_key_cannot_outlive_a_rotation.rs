// An encryption key got from a ring is gone when the ring rotates.
use key_rotation::error::EntryError;
use key_rotation::{EncryptionKey, Keyring, Timestamp};

fn seal(_: EncryptionKey<'_>) {}

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let key = ring.encryption_key();
    let _ = ring.rotate_to("k2", at)?;
    seal(key);
    Ok(())
}

fn main() {}
