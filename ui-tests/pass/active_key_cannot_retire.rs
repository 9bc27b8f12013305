// An active key cannot be retired before it is inactive.
use key_rotation::{Active, Key, Retired, Timestamp};

fn retire(key: Key<Active>, at: Timestamp) -> Key<Retired> {
    key.deactivate(at).retire(at)
}

fn main() {}
