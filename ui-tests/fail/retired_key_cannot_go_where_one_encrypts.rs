// A function that asks for a status that encrypts cannot be called with a retired key.
use key_rotation::{CanEncrypt, Key, Keyring, Retired};

fn seal<S: CanEncrypt>(key: &Key<S>) -> String {
    key.encryption_key().id().to_string()
}

fn job(ring: &Keyring, old: &Key<Retired>) -> String {
    format!("{} after {}", seal(old), ring.active().id())
}

fn main() {}
