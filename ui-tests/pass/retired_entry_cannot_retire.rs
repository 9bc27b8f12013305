// A retired key of a ring cannot be retired again.
use key_rotation::{EntryError, Inactive, Keyring, Retirement, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.retire(at))
}

fn main() {}
