// A retired key of a ring cannot be deactivated.
use key_rotation::{EntryError, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    Ok(())
}

fn main() {}
