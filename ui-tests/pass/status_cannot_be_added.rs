// The statuses are a closed set.
use key_rotation::{Inactive, Key};

struct Suspended {
    key: Key<Inactive>,
}

fn main() {}
