// The active key of a ring cannot be activated again.
use key_rotation::error::EntryError;
use key_rotation::key::RotationDecision;
use key_rotation::{Keyring, Timestamp};

fn activate(ring: &mut Keyring, at: Timestamp) -> Result<RotationDecision, EntryError> {
    ring.rotate_to("k2", at)
}

fn main() {}
