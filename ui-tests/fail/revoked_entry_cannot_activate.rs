// A revoked key of a ring cannot be activated again.
use key_rotation::error::EntryError;
use key_rotation::key::Rotation;
use key_rotation::{Keyring, Revoked, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<Rotation, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.activate(at))
}

fn main() {}
