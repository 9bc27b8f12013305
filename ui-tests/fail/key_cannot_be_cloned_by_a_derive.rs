// What holds a key does not derive `Clone`; it derives it where it lends the key.
use key_rotation::{Active, Key};

#[derive(Clone)]
struct Sealer {
    key: Key<Active>,
}

fn main() {}
