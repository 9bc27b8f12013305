// A retired key of a ring can be destroyed.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Keyring, Retired, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.destroy(at))
}

fn main() {}
