// The active key of a ring cannot be revoked before another is active.
use key_rotation::error::EntryError;
use key_rotation::key::Revocation;
use key_rotation::{Inactive, Keyring, Timestamp};

fn revoke(ring: &mut Keyring, at: Timestamp) -> Result<Revocation, EntryError> {
    let _ = ring.rotate_to("k2", at)?;
    Ok(ring.entry::<Inactive>("k1")?.revoke(at))
}

fn main() {}
