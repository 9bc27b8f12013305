// A retired key cannot be made inactive again.
use key_rotation::{Inactive, Key, Retired, Timestamp};

fn deactivate(key: Key<Retired>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
