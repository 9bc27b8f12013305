// A retired key cannot be retired again.
use key_rotation::{Key, Retired, Timestamp};

fn retire(key: Key<Retired>, _: Timestamp) -> Key<Retired> {
    key
}

fn main() {}
