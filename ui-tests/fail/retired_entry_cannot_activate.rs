// A retired key of a ring cannot be activated.
use key_rotation::{EntryError, Keyring, Retired, Rotation, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.activate(at))
}

fn main() {}
