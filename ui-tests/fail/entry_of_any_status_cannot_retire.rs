// A function that takes entries of any status cannot retire them.
use key_rotation::key::Retirement;
use key_rotation::{Entry, Status, Timestamp};

fn retire<S: Status>(entry: Entry<'_, S>, at: Timestamp) -> Retirement {
    entry.retire(at)
}

fn main() {}
