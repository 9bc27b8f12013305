// An empty key id in a constant does not compile.
use key_rotation::KeyId;

const FIRST: KeyId = KeyId::from_static("2026-q4");

fn main() {
    println!("{FIRST}");
}
