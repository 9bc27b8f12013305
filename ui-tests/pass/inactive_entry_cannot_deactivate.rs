// An inactive key of a ring cannot be deactivated, it is inactive.
use key_rotation::{EntryError, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    Ok(())
}

fn main() {}
