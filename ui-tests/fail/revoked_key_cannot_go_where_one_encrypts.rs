// A function that asks for a status that encrypts cannot be called with a revoked key.
use key_rotation::{CanEncrypt, Key, Keyring, Revoked};

fn seal<S: CanEncrypt>(key: &Key<S>) -> String {
    key.encryption_key().id().to_string()
}

fn job(ring: &Keyring, old: &Key<Revoked>) -> String {
    format!("{} after {}", seal(old), ring.active().id())
}

fn main() {}
