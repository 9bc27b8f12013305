// A key is one value: it does not clone.
use key_rotation::{Active, Key};

fn twice(key: Key<Active>) -> (Key<Active>, Key<Active>) {
    (key.clone(), key)
}

fn main() {}
