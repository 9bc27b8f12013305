// The active key of a ring cannot be destroyed: another is active first, and this one retired.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Inactive, Keyring, Retired, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    let _ = ring.entry::<Inactive>("k1")?.retire(at);
    Ok(ring.entry::<Retired>("k1")?.destroy(at))
}

fn main() {}
