// The view that a crypto module is given does not change the ring.
use key_rotation::error::EntryError;
use key_rotation::key::RotationDecision;
use key_rotation::ring::CryptoExport;
use key_rotation::{Keyring, Timestamp};

fn seal(_: CryptoExport<'_>) {}

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<RotationDecision, EntryError> {
    let keys = ring.export_for_crypto();
    seal(keys);
    keys.rotate_to("k2", at)
}

fn main() {}
