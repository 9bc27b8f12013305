// The active key of a ring cannot be deactivated on its own.
use key_rotation::error::EntryError;
use key_rotation::key::RotationDecision;
use key_rotation::{Keyring, Timestamp};

fn deactivate(ring: &mut Keyring, at: Timestamp) -> Result<RotationDecision, EntryError> {
    ring.rotate_to("k2", at)
}

fn main() {}
