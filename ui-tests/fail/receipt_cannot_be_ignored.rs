// The receipt of a retirement is not dropped by accident.
#![deny(unused_must_use)]

use key_rotation::error::EntryError;
use key_rotation::{Inactive, Keyring, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    ring.entry::<Inactive>("k2")?.retire(at);
    Ok(())
}

fn main() {}
