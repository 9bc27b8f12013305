// A retired key of a ring can be destroyed.
use key_rotation::{Destruction, EntryError, Keyring, Retired, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.destroy(at))
}

fn main() {}
