// An active key cannot be restored: it was not revoked.
use key_rotation::{Active, Key, Retired, Timestamp};

fn restore(key: Key<Active>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
