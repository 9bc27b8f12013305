// A revoked key cannot decrypt: it is not trusted.
use key_rotation::{Key, Revoked, SalvageKey};

fn decrypt(key: &Key<Revoked>) -> SalvageKey<'_> {
    key.salvage_key()
}

fn main() {}
