// A retired key cannot be activated again.
use key_rotation::{Active, Inactive, Key, Retired, Timestamp};

fn activate(old: Key<Retired>, new: Key<Inactive>, at: Timestamp) -> Key<Active> {
    old.activate(at)
}

fn main() {}
