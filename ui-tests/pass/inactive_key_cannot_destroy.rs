// An inactive key cannot be destroyed.
use key_rotation::{Destruction, Key, Retired, Timestamp};

fn destroy(key: Key<Retired>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
