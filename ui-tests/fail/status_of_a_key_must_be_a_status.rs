// What stands in the place of the status must be one.
use key_rotation::Key;

fn show(key: &Key<String>) {
    println!("{}", key.id());
}

fn main() {}
