// A ring for those who read is not rotated: the ring that it was made of is.
use key_rotation::error::EntryError;
use key_rotation::{DecryptionKeyring, Keyring, Timestamp};

fn rotate(
    ring: &mut Keyring,
    mut reader: DecryptionKeyring,
    at: Timestamp,
) -> Result<DecryptionKeyring, EntryError> {
    let _ = reader.rotate_to("k2", at)?;
    Ok(reader)
}

fn main() {}
