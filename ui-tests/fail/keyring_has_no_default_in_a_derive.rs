// What holds a ring derives `Default` only where there may be no ring.
use key_rotation::Keyring;

#[derive(Default)]
struct Service {
    name: Option<Box<str>>,
    keys: Keyring,
}

fn main() {}
