// An inactive key of a ring cannot be deactivated: it is inactive.
use key_rotation::error::EntryError;
use key_rotation::{Inactive, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.deactivate(at))
}

fn main() {}
