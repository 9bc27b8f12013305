// An inactive key cannot be destroyed.
use key_rotation::{Destruction, Inactive, Key, Timestamp};

fn destroy(key: Key<Inactive>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
