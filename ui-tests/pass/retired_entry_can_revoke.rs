// A retired key of a ring can be revoked.
use key_rotation::error::EntryError;
use key_rotation::key::Revocation;
use key_rotation::{Keyring, Retired, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Revocation, EntryError> {
    Ok(ring.entry::<Retired>("k1")?.revoke(at))
}

fn main() {}
