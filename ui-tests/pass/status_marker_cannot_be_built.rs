// A status is a type without values.
use key_rotation::KeyStatus;

fn main() {
    let status = KeyStatus::Active;
    let _ = status;
}
