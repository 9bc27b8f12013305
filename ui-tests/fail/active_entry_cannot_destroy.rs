// An active key of a ring cannot be destroyed.
use key_rotation::{Active, Destruction, EntryError, Keyring, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Active>("k1")?.destroy(at))
}

fn main() {}
