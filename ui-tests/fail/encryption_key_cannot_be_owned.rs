// There is no owned encryption key: a task of its own takes one from the ring each time.
use std::sync::Arc;

use key_rotation::{EncryptionKey, Keyring};

fn seal(_: EncryptionKey<'_>) {}
fn spawn(_task: impl FnOnce() + Send + 'static) {}

fn start(ring: Arc<Keyring>) {
    let key = ring.encryption_key().to_owned();
    spawn(move || seal(key));
}

fn main() {}
