// An inactive key cannot be deactivated, it is inactive.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn deactivate(key: Key<Active>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
