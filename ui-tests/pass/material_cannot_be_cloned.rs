// Secret bytes are not copied.
use std::sync::Arc;

use key_rotation::{Inactive, Key, KeyId, KeyMaterial, Timestamp};

fn stage(material: Arc<KeyMaterial>, id: KeyId, at: Timestamp) -> Key<Inactive> {
    Key::from_shared(id, material, at)
}

fn main() {}
