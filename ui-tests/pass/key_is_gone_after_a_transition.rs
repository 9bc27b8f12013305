// A key that made a transition is gone under its old name.
use key_rotation::{Inactive, Key, Timestamp};

fn rotate(key: Key<Inactive>, at: Timestamp) {
    let active = key.activate(at);
    println!("{}", active.id());
}

fn main() {}
