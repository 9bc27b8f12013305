// An active key cannot be activated again.
use key_rotation::{Active, Key, Timestamp};

fn activate(key: Key<Active>, _: Timestamp) -> Key<Active> {
    key
}

fn main() {}
