// Two rings can diverge, so there is no clone: `fork` says it by its name.
use key_rotation::Keyring;

fn second(ring: Keyring) -> (Keyring, Keyring) {
    (ring.fork(), ring)
}

fn main() {}
