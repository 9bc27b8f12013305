// A revoked key of a ring cannot be made inactive again: it is restored as retired.
use key_rotation::error::EntryError;
use key_rotation::{Keyring, Revoked, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.deactivate(at))
}

fn main() {}
