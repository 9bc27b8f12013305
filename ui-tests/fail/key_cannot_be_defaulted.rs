// There is no default key.
use key_rotation::{Inactive, Key};

fn first() -> Key<Inactive> {
    Key::default()
}

fn main() {}
