// A revoked key can be destroyed.
use key_rotation::key::Destruction;
use key_rotation::{Key, Revoked, Timestamp};

fn destroy(key: Key<Revoked>, at: Timestamp) -> Destruction {
    key.destroy(at)
}

fn main() {}
