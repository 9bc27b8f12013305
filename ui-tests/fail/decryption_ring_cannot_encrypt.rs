// A ring for those who read has no way to encrypt.
use key_rotation::{DecryptionKeyring, Keyring};

fn seal(ring: &Keyring, reader: &DecryptionKeyring) -> String {
    let key = reader.encryption_key();
    format!("{key:?} of {ring:?}")
}

fn main() {}
