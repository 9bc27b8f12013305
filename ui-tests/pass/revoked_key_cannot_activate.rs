// A revoked key cannot be activated again.
use key_rotation::{Active, Inactive, Key, Revoked, Timestamp};

fn activate(_: Key<Revoked>, new: Key<Inactive>, at: Timestamp) -> Key<Active> {
    new.activate(at)
}

fn main() {}
