// The statuses are a closed set.
use key_rotation::KeyStatus;

enum Suspended {}

trait HasStatus {
    const STATUS: KeyStatus;
}

impl HasStatus for Suspended {
    const STATUS: KeyStatus = KeyStatus::Inactive;
}

fn main() {}
