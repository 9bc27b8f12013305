// A key is not made with a struct literal.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn forge(key: Key<Inactive>, at: Timestamp) -> Key<Active> {
    Key { parts: key.parts, status: std::marker::PhantomData }
}

fn main() {}
