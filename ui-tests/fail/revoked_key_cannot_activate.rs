// A revoked key cannot be activated again.
use key_rotation::{Active, Inactive, Key, Revoked, Timestamp};

fn activate(old: Key<Revoked>, new: Key<Inactive>, at: Timestamp) -> Key<Active> {
    old.activate(at)
}

fn main() {}
