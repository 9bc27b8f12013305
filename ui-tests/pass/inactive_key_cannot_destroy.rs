// An inactive key cannot be destroyed before it is retired.
use key_rotation::key::Destruction;
use key_rotation::{Inactive, Key, Timestamp};

fn destroy(key: Key<Inactive>, at: Timestamp) -> Destruction {
    key.retire(at).destroy(at)
}

fn main() {}
