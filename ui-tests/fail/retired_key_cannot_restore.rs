// A retired key cannot be restored: it was not revoked.
use key_rotation::{Key, Retired, Timestamp};

fn restore(key: Key<Retired>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
