// A revoked key salvages: a job seals its data again.
use key_rotation::{Key, Revoked, SalvageKey};

fn salvage(key: &Key<Revoked>) -> SalvageKey<'_> {
    key.salvage_key()
}

fn main() {}
