// A retired key cannot salvage: it is trusted, and decrypts.
use key_rotation::{Key, Retired, SalvageKey};

fn salvage(key: &Key<Retired>) -> SalvageKey<'_> {
    key.salvage_key()
}

fn main() {}
