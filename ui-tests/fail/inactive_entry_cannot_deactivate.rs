// An inactive key of a ring cannot be deactivated, it is inactive.
use key_rotation::{EntryError, Inactive, Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _ = ring.entry::<Inactive>("k1")?.deactivate(at);
    Ok(())
}

fn main() {}
