// A decryption key that lives on its own does not encrypt either.
use key_rotation::{EncryptionKey, Keyring, OwnedDecryptionKey};

fn seal(_key: EncryptionKey<'_>, _plaintext: &[u8]) {}

fn seal_again(ring: &Keyring, old: OwnedDecryptionKey) {
    let _plaintext = old.as_key().material();
    seal(old.as_key(), b"payload");
}

fn main() {}
