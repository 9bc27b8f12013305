// The active key of a ring cannot be deactivated on its own.
use key_rotation::{EntryError, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    Ok(())
}

fn main() {}
