// A retired key can be destroyed.
use key_rotation::key::Destruction;
use key_rotation::{Key, Retired, Timestamp};

fn destroy(key: Key<Retired>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
