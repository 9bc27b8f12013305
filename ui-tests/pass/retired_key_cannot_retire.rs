// A retired key cannot be retired again.
use key_rotation::{Inactive, Key, Retired, Timestamp};

fn retire(key: Key<Inactive>, at: Timestamp) -> Key<Retired> {
    key.retire(at)
}

fn main() {}
