// A revoked key of a ring cannot be revoked again.
use key_rotation::error::EntryError;
use key_rotation::key::Revocation;
use key_rotation::{Keyring, Revoked, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Revocation, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.revoke(at))
}

fn main() {}
