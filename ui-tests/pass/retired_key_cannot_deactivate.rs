// A retired key cannot be made inactive again.
use key_rotation::{Key, Retired, Timestamp};

fn deactivate(key: Key<Retired>, _: Timestamp) -> Key<Retired> {
    key
}

fn main() {}
