// A revoked key cannot be made inactive again: it is restored as retired.
use key_rotation::{Inactive, Key, Revoked, Timestamp};

fn deactivate(key: Key<Revoked>, at: Timestamp) -> Key<Inactive> {
    key.deactivate(at)
}

fn main() {}
