// The active key of a ring cannot be deactivated on its own.
use key_rotation::error::EntryError;
use key_rotation::{Active, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    Ok(ring.entry::<Active>("k1")?.deactivate(at))
}

fn main() {}
