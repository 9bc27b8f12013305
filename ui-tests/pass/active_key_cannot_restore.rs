// An active key cannot be restored: it was not revoked.
use key_rotation::{Active, Key, Timestamp};

fn restore(key: Key<Active>, _: Timestamp) -> Key<Active> {
    key
}

fn main() {}
