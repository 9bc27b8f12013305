// A record does not become a key by itself: a ring checks it with the others.
use key_rotation::{InvalidKeyring, KeyRecord, Keyring};

fn load(record: KeyRecord) -> Result<Keyring, InvalidKeyring> {
    Keyring::from_records([record])
}

fn main() {}
