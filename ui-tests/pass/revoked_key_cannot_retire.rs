// A revoked key cannot be retired: it is restored as retired.
use key_rotation::{Key, Retired, Revoked, Timestamp};

fn retire(key: Key<Revoked>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
