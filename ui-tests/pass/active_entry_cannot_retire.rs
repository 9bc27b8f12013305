// The active key of a ring cannot be retired before another is active.
use key_rotation::error::EntryError;
use key_rotation::key::Retirement;
use key_rotation::{Inactive, Keyring, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    Ok(ring.entry::<Inactive>("k1")?.retire(at))
}

fn main() {}
