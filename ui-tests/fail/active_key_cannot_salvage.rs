// An active key cannot salvage: it is trusted, and decrypts.
use key_rotation::{Active, Key, SalvageKey};

fn salvage(key: &Key<Active>) -> SalvageKey<'_> {
    key.salvage_key()
}

fn main() {}
