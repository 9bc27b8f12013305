// An active key of a ring cannot be activated again.
use key_rotation::{EntryError, Inactive, Keyring, Rotation, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.activate(at))
}

fn main() {}
