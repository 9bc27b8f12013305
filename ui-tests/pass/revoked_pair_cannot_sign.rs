// A revoked pair has no private half left, so it does not sign.
use key_rotation::{Active, Apart, Key, SigningKey};

struct Private;
struct Public;

fn sign(_: SigningKey<'_, Private>) {}

fn issue(new: &Key<Active, Private, Apart<Public>>) {
    sign(new.encryption_key());
}

fn main() {}
