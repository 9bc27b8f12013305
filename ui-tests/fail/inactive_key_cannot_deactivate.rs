// An inactive key cannot be deactivated: it is inactive.
use key_rotation::{Inactive, Key, Timestamp};

fn deactivate(key: Key<Inactive>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
