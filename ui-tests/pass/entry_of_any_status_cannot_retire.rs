// A function that takes entries of any status cannot retire them.
use key_rotation::key::Retirement;
use key_rotation::{Entry, Inactive, Timestamp};

fn retire(entry: Entry<'_, Inactive>, at: Timestamp) -> Retirement {
    entry.retire(at)
}

fn main() {}
