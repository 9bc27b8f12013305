// An active key that is in no ring can be deactivated.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn deactivate(key: Key<Active>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
