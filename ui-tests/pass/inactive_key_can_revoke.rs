// An inactive key can be revoked.
use key_rotation::{Inactive, Key, Revoked, Timestamp};

fn revoke(key: Key<Inactive>, at: Timestamp) -> Key<Revoked> {
    key.revoke(at)
}

fn main() {}
