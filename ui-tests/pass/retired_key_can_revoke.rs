// A retired key can be revoked.
use key_rotation::{Key, Retired, Revoked, Timestamp};

fn revoke(key: Key<Retired>, at: Timestamp) -> Key<Revoked> {
    key.revoke(at)
}

fn main() {}
