// An inactive key of a ring cannot be destroyed before it is retired.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Inactive, Keyring, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.destroy(at))
}

fn main() {}
