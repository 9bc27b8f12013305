// A retired key cannot be retired again.
use key_rotation::{Key, Retired, Timestamp};

fn retire(key: Key<Retired>, at: Timestamp) -> Key<Retired> {
    key.retire(at)
}

fn main() {}
