// A key is one value.
use key_rotation::{Active, Key};

fn second(key: Key<Active>) -> Key<Active> {
    key
}

fn main() {}
