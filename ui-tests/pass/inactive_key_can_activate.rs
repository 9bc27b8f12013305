// An inactive key can be activated.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn activate(key: Key<Inactive>, at: Timestamp) -> Key<Active> {
    key.activate(at)
}

fn main() {}
