// A revoked key cannot be revoked again.
use key_rotation::{Key, Revoked, Timestamp};

fn revoke(key: Key<Revoked>, at: Timestamp) -> Key<Revoked> {
    key.revoke(at)
}

fn main() {}
