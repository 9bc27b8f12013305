// The active key stays in its ring: there is no moment without one.
use key_rotation::{Active, Key, Keyring};

fn look(ring: &Keyring) {
    let key: &Key<Active> = ring.active();
    println!("{}", key.id());
}

fn main() {}
