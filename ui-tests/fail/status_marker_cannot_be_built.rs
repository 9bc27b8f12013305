// A status is a type without values; its value is a `KeyStatus`.
use key_rotation::{Active, KeyStatus};

fn log(status: KeyStatus) {
    println!("{status}");
}

fn main() {
    log(Active);
}
