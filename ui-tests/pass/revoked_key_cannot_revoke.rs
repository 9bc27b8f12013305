// A revoked key cannot be revoked again.
use key_rotation::{Key, Revoked, Timestamp};

fn revoke(key: Key<Revoked>, _: Timestamp) -> Key<Revoked> {
    key
}

fn main() {}
