// A ring that is shared does not change under its readers: an update makes another ring.
use key_rotation::Timestamp;
use key_rotation::error::EntryError;
use key_rotation::key::RotationDecision;
use key_rotation::shared::SharedKeyring;

fn rotate(shared: &SharedKeyring, at: Timestamp) -> Result<RotationDecision, EntryError> {
    shared.update(|ring| ring.rotate_to("k2", at))
}

fn main() {}
