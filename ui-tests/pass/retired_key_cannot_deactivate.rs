// A retired key cannot be deactivated.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn deactivate(key: Key<Active>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
