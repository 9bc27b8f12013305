// A revoked key of a ring can be destroyed.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Keyring, Revoked, Timestamp};

fn destroy(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.destroy(at))
}

fn main() {}
