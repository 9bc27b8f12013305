// The half that verifies is not the half that signs.
use key_rotation::{Apart, DecryptionKeyError, Keyring};

struct Private;
struct Public;

fn sign(_: &Private, _: &[u8]) {}

fn issue(ring: &Keyring<Private, Apart<Public>>) -> Result<(), DecryptionKeyError> {
    sign(ring.encryption_key().material(), b"claims");
    Ok(())
}

fn main() {}
