// A revoked key cannot be made inactive again: it is restored as retired.
use key_rotation::{Key, Retired, Revoked, Timestamp};

fn deactivate(key: Key<Revoked>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
