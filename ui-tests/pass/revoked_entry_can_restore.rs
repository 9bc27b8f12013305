// A revoked key of a ring can be restored, as retired.
use key_rotation::error::EntryError;
use key_rotation::key::Restoration;
use key_rotation::{Keyring, Revoked, Timestamp};

fn restore(ring: &mut Keyring, at: Timestamp) -> Result<Restoration, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.restore(at))
}

fn main() {}
