// An inactive key of a ring cannot be restored: it was not revoked.
use key_rotation::error::EntryError;
use key_rotation::key::Restoration;
use key_rotation::{Inactive, Keyring, Timestamp};

fn restore(ring: &mut Keyring, at: Timestamp) -> Result<Restoration, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.restore(at))
}

fn main() {}
