// Secret bytes do not print.
use key_rotation::{Active, Key};

fn log(key: &Key<Active>) {
    println!("encrypting with {}", key.encryption_key().id());
}

fn main() {}
