// A retired key of a ring cannot be deactivated.
use key_rotation::{EntryError, Keyring, Retired, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.entry::<Retired>("k1")?.deactivate(at);
    Ok(())
}

fn main() {}
