// The statuses are a closed set.
use key_rotation::KeyStatus;

enum Suspended {}

impl Suspended {
    const STATUS: KeyStatus = KeyStatus::Inactive;
}

fn main() {
    let _ = Suspended::STATUS;
}
