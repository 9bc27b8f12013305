// An inactive key of a ring cannot be destroyed.
use key_rotation::{Destruction, EntryError, Inactive, Keyring, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.destroy(at))
}

fn main() {}
