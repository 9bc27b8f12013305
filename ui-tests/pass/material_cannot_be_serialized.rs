// Secret bytes do not serialize.
use key_rotation::{Active, Key};

fn store(_: &impl serde::Serialize) {}

fn save(key: &Key<Active>) {
    store(&key.id().as_str());
}

fn main() {}
