// An active key cannot be activated again.
use key_rotation::{Active, Key, Timestamp};

fn activate(key: Key<Active>, at: Timestamp) -> Key<Active> {
    key.activate(at)
}

fn main() {}
