// A revoked key of a ring cannot be revoked again.
use key_rotation::error::EntryError;
use key_rotation::key::Destruction;
use key_rotation::{Keyring, Revoked, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Destruction, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.destroy(at))
}

fn main() {}
