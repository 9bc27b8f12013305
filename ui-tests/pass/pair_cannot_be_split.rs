// A ring of pairs is split already: each key has its two halves.
use key_rotation::{Apart, Keyring};

struct Private;
#[derive(Clone)]
struct Public;

fn halves(ring: &Keyring<Private, Apart<Public>>) -> Result<String, String> {
    let split = ring;
    Ok(split.encryption_key().id().to_string())
}

fn main() {}
