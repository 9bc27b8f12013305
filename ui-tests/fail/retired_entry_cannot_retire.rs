// A retired key of a ring cannot be retired again.
use key_rotation::error::EntryError;
use key_rotation::key::Retirement;
use key_rotation::{Keyring, Retired, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.retire(at))
}

fn main() {}
