// A ring for those who read has no way to encrypt.
use key_rotation::{DecryptionKeyring, Keyring};

fn seal(ring: &Keyring, reader: &DecryptionKeyring) -> String {
    let key = ring.encryption_key();
    format!("{key:?} beside {reader:?}")
}

fn main() {}
