// The active key of a ring cannot be destroyed: another is active first, and this one retired.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Active, Keyring, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Active>("k1")?.destroy(at))
}

fn main() {}
