// An active key cannot be activated again.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn activate(key: Key<Inactive>, at: Timestamp) -> Key<Active> {
    key.activate(at)
}

fn main() {}
