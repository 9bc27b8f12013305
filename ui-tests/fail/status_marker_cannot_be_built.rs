// A status is a type without values.
use key_rotation::Active;

fn main() {
    let status = Active;
    let _ = status;
}
