// An active key of a ring cannot be retired.
use key_rotation::{Active, EntryError, Keyring, Retirement, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Active>("k1")?.retire(at))
}

fn main() {}
