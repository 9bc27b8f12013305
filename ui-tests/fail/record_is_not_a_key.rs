// A record that says that it is active is not an active key.
use key_rotation::{InvalidKeyring, KeyRecord, Keyring};

fn load(record: KeyRecord) -> Result<Keyring, InvalidKeyring> {
    Ok(Keyring::new(record))
}

fn main() {}
