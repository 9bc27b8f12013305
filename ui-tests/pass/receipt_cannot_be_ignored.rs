// What a rotation answers is not to be dropped by accident.
#![deny(unused_must_use)]
use key_rotation::{EntryError, Inactive, Keyring, Timestamp};

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let _receipt = ring.entry::<Inactive>("k2")?.activate(at);
    Ok(())
}

fn main() {}
