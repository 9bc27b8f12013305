// The active key of a ring cannot be retired before another is active.
use key_rotation::error::EntryError;
use key_rotation::key::Retirement;
use key_rotation::{Active, Keyring, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Active>("k1")?.retire(at))
}

fn main() {}
