// What stands in the place of the status must be one.
use key_rotation::{Active, Key};

fn show(key: &Key<Active>) {
    println!("{}", key.id());
}

fn main() {}
