// An inactive key of a ring can be activated.
use key_rotation::error::EntryError;
use key_rotation::key::Rotation;
use key_rotation::{Inactive, Keyring, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.activate(at))
}

fn main() {}
