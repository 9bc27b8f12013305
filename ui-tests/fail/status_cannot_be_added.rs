// The statuses are a closed set.
use key_rotation::{KeyStatus, Status};

enum Suspended {}

trait HasStatus {
    const STATUS: KeyStatus;
}

impl Status for Suspended {
    const STATUS: KeyStatus = KeyStatus::Inactive;
}

fn main() {}
