// A function that takes an encryption key cannot be called with a decryption key.
use key_rotation::{DecryptionKeyError, EncryptionKey, Keyring};

fn seal(_key: EncryptionKey<'_>, _plaintext: &[u8]) {}

fn encrypt(ring: &Keyring) -> Result<(), DecryptionKeyError> {
    seal(ring.decryption_key("k1")?, b"payload");
    Ok(())
}

fn main() {}
