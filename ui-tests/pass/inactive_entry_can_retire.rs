// An inactive key of a ring can be retired.
use key_rotation::error::EntryError;
use key_rotation::key::Retirement;
use key_rotation::{Inactive, Keyring, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.retire(at))
}

fn main() {}
