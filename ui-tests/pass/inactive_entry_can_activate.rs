// An inactive key of a ring can be activated.
use key_rotation::{EntryError, Inactive, Keyring, Rotation, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.activate(at))
}

fn main() {}
