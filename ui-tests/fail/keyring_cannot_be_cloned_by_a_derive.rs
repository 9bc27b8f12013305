// What holds a ring does not derive `Clone`, unless it shares the ring.
use std::sync::Arc;

use key_rotation::Keyring;

#[derive(Clone)]
struct Service {
    ring: Keyring,
    name: Arc<str>,
}

fn main() {}
