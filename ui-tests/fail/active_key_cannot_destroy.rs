// An active key cannot be destroyed before it is inactive and then retired.
use key_rotation::key::Destruction;
use key_rotation::{Active, Key, Timestamp};

fn destroy(key: Key<Active>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
