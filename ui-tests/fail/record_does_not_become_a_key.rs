// A record does not become a key by itself: a ring checks it with the others.
use key_rotation::{Active, InvalidKeyring, Key, KeyRecord, Keyring};

fn load(record: KeyRecord) -> Result<Keyring, InvalidKeyring> {
    let key: Key<Active> = record.into();
    Ok(Keyring::new(key))
}

fn main() {}
