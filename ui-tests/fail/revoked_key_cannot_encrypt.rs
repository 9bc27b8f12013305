// A revoked key cannot encrypt.
use key_rotation::{Active, EncryptionKey, Key, Revoked};

fn encrypt<'k>(old: &'k Key<Revoked>, active: &'k Key<Active>) -> EncryptionKey<'k> {
    old.encryption_key()
}

fn main() {}
