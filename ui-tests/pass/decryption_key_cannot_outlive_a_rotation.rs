// A decryption key that was lent is given back before the ring rotates; an owned one stays.
use key_rotation::{DecryptionKey, Keyring, Timestamp};

fn open(_: DecryptionKey<'_>) {}

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
    let key = ring.decryption_key("k1")?.to_owned();
    let _ = ring.rotate_to("k2", at)?;
    open(key.as_key());
    Ok(())
}

fn main() {}
