// An inactive key of a ring can be retired.
use key_rotation::{EntryError, Inactive, Keyring, Retirement, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.retire(at))
}

fn main() {}
