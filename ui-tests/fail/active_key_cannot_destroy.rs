// An active key cannot be destroyed.
use key_rotation::{Active, Destruction, Key, Timestamp};

fn destroy(key: Key<Active>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
