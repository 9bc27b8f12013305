// The statuses are a closed set.
use key_rotation::{KeyStatus, Status};

enum Suspended {}

impl Status for Suspended {
    const STATUS: KeyStatus = KeyStatus::Inactive;
}

fn main() {}
