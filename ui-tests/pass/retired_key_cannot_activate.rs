// A retired key cannot be activated again.
use key_rotation::{Active, Inactive, Key, Retired, Timestamp};

fn activate(_: Key<Retired>, new: Key<Inactive>, at: Timestamp) -> Key<Active> {
    new.activate(at)
}

fn main() {}
