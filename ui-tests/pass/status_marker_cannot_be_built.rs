// A status is a type without values; its value is a `KeyStatus`.
use key_rotation::KeyStatus;

fn log(status: KeyStatus) {
    println!("{status}");
}

fn main() {
    log(KeyStatus::Active);
}
