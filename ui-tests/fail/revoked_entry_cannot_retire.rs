// A revoked key of a ring cannot be retired: it is restored as retired.
use key_rotation::error::EntryError;
use key_rotation::key::Retirement;
use key_rotation::{Keyring, Revoked, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<Retirement, EntryError> {
    Ok(ring.entry::<Revoked>("k1")?.retire(at))
}

fn main() {}
