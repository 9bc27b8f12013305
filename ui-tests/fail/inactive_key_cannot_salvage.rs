// An inactive key cannot salvage: it is trusted, and decrypts.
use key_rotation::{Inactive, Key, SalvageKey};

fn salvage(key: &Key<Inactive>) -> SalvageKey<'_> {
    key.salvage_key()
}

fn main() {}
