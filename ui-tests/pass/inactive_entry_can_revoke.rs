// An inactive key of a ring can be revoked.
use key_rotation::error::EntryError;
use key_rotation::key::Revocation;
use key_rotation::{Inactive, Keyring, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Revocation, EntryError> {
    Ok(ring.entry::<Inactive>("k1")?.revoke(at))
}

fn main() {}
