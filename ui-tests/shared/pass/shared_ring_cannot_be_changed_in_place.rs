// A ring that is shared does not change under its readers: an update makes another ring.
use key_rotation::{EntryError, RotationDecision, SharedKeyring, Timestamp};

fn rotate(shared: &SharedKeyring, at: Timestamp) -> Result<RotationDecision, EntryError> {
    shared.update(|ring| ring.rotate_to("k2", at))
}

fn main() {}
