// A key of two halves is not a symmetric key, not even if both halves are bytes.
use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Timestamp};

fn stage(id: KeyId, bytes: KeyMaterial, _: KeyMaterial, at: Timestamp) -> Key<Inactive> {
    Key::new(id, bytes, at)
}

fn main() {}
