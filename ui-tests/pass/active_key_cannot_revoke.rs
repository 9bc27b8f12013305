// An active key cannot be revoked before it is inactive.
use key_rotation::{Active, Key, Revoked, Timestamp};

fn revoke(key: Key<Active>, at: Timestamp) -> Key<Revoked> {
    key.deactivate(at).revoke(at)
}

fn main() {}
