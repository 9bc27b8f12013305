// A revoked key can be restored, as retired.
use key_rotation::{Key, Retired, Revoked, Timestamp};

fn restore(key: Key<Revoked>, at: Timestamp) -> Key<Retired> {
    key.restore(at)
}

fn main() {}
