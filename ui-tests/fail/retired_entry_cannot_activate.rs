// A retired key of a ring cannot be activated again.
use key_rotation::error::EntryError;
use key_rotation::key::Rotation;
use key_rotation::{Keyring, Retired, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.activate(at))
}

fn main() {}
