// A revoked key cannot encrypt.
use key_rotation::{Active, EncryptionKey, Key, Revoked};

fn encrypt<'k>(_: &'k Key<Revoked>, active: &'k Key<Active>) -> EncryptionKey<'k> {
    active.encryption_key()
}

fn main() {}
