// A key of two halves is not a symmetric key, not even if both halves are bytes.
use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Timestamp};

fn stage(id: KeyId, bytes: KeyMaterial, more: KeyMaterial, at: Timestamp) -> Key<Inactive> {
    Key::new_pair(id, bytes, more, at)
}

fn main() {}
