// An inactive key cannot be restored: it was not revoked.
use key_rotation::{Inactive, Key, Timestamp};

fn restore(key: Key<Inactive>, _: Timestamp) -> Key<Inactive> {
    key
}

fn main() {}
