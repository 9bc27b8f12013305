// A reader is one worker's own: each worker asks the shared ring for one.
use key_rotation::shared::{KeyringReader, SharedKeyring};

fn for_two_workers(shared: &SharedKeyring) -> (KeyringReader, KeyringReader) {
    let reader = shared.reader();
    (reader.clone(), reader)
}

fn main() {}
