// There is no default key.
use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Timestamp};

fn first(material: KeyMaterial) -> Key<Inactive> {
    Key::new(KeyId::from_static("k1"), material, Timestamp::now())
}

fn main() {}
