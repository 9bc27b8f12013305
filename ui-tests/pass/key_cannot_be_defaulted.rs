// There is no default key.
use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Timestamp};

fn first(id: KeyId, material: KeyMaterial, at: Timestamp) -> Key<Inactive> {
    Key::new(id, material, at)
}

fn main() {}
