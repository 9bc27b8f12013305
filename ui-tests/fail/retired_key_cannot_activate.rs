// A retired key cannot be activated.
use key_rotation::{Active, Key, Retired, Timestamp};

fn activate(key: Key<Retired>, at: Timestamp) -> Key<Active> {
    key.activate(at)
}

fn main() {}
