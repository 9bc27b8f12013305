// An inactive key cannot be restored: it was not revoked.
use key_rotation::{Inactive, Key, Retired, Timestamp};

fn restore(key: Key<Inactive>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
