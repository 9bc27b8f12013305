// A function that opens data for a program does not take a salvage key.
use key_rotation::{DecryptionKey, Keyring, SalvageKey};

fn open(_key: DecryptionKey<'_>, _body: &[u8]) {}
fn salvage(_key: SalvageKey<'_>, _body: &[u8]) {}

fn read(ring: &Keyring) -> Result<(), Box<dyn std::error::Error>> {
    open(ring.salvage_key("k1")?, b"body");
    Ok(())
}

fn main() {}
