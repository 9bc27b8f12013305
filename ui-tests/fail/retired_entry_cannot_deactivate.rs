// A retired key of a ring cannot be made inactive again: it decrypts as it is.
use key_rotation::error::EntryError;
use key_rotation::{Keyring, Retired, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    Ok(ring.entry::<Retired>("k1")?.deactivate(at))
}

fn main() {}
