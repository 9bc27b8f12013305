// A program that follows a store says what it does when the store has another history.
use key_rotation::store::{Loaded, Snapshot};

fn follow(answer: Loaded<u8>) -> Option<Snapshot<u8>> {
    match answer {
        Loaded::Unchanged { .. } => None,
        Loaded::Ring(snapshot) => Some(snapshot),
    }
}

fn main() {}
