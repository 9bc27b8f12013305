// A retired key of a ring cannot be activated again.
use key_rotation::error::EntryError;
use key_rotation::key::Rotation;
use key_rotation::{Inactive, Keyring, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Inactive>("k2")?.activate(at))
}

fn main() {}
