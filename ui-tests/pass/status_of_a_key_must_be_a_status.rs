// The first parameter of a key is its status.
use key_rotation::{Active, Key, KeyMaterial};

struct Service {
    key: Key<Active, KeyMaterial>,
}

fn main() {}
