// An encryption key is not made of a decryption key with a struct literal.
use key_rotation::{DecryptionKey, EncryptionKey, Keyring};

fn forge<'k>(ring: &'k Keyring, old: DecryptionKey<'k>) -> EncryptionKey<'k> {
    println!("{} is superseded by {}", old.id(), ring.active().id());
    ring.encryption_key()
}

fn main() {}
