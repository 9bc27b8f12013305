// What a retirement answers is not to be dropped by accident.
#![deny(unused_must_use)]
use key_rotation::{EntryError, Inactive, Keyring, Timestamp};

fn retire(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _receipt = ring.entry::<Inactive>("k2")?.retire(at);
    Ok(())
}

fn main() {}
