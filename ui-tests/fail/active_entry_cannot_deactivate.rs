// The active key of a ring cannot be deactivated on its own.
use key_rotation::{Active, EntryError, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.entry::<Active>("k1")?.deactivate(at);
    Ok(())
}

fn main() {}
