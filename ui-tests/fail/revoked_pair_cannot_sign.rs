// A revoked pair has no private half left, so it does not sign.
use key_rotation::{Apart, Key, Revoked, SigningKey};

struct Private;
struct Public;

fn sign(_: SigningKey<'_, Private>) {}

fn issue(old: &Key<Revoked, Private, Apart<Public>>) {
    sign(old.encryption_key());
}

fn main() {}
