// The active key of a ring cannot be revoked before another is active.
use key_rotation::error::EntryError;
use key_rotation::key::Revocation;
use key_rotation::{Active, Keyring, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Revocation, EntryError> {
    Ok(ring.entry::<Active>("k1")?.revoke(at))
}

fn main() {}
