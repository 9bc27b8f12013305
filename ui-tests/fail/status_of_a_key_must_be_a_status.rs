// The first parameter of a key is its status.
use key_rotation::{Key, KeyMaterial};

struct Service {
    key: Key<KeyMaterial>,
}

fn main() {}
