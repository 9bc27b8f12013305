// A key is not made with a struct literal.
use key_rotation::{Active, Inactive, Key, Timestamp};

fn forge(key: Key<Inactive>, at: Timestamp) -> Key<Active> {
    Key { head: key.head, kept: key.kept, status: std::marker::PhantomData }
}

fn main() {}
