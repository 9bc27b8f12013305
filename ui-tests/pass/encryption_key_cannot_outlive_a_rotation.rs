// An encryption key got from a ring is gone when the ring rotates.
use key_rotation::error::EntryError;
use key_rotation::{EncryptionKey, Keyring, Timestamp};

fn seal(_: EncryptionKey<'_>) {}

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    seal(ring.encryption_key());
    Ok(())
}

fn main() {}
