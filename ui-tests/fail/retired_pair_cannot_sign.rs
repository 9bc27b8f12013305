// A retired pair has no private half left, so it does not sign.
use key_rotation::{Apart, Key, Retired, SigningKey};

struct Private;
struct Public;

fn sign(_: SigningKey<'_, Private>) {}

fn issue(old: &Key<Retired, Private, Apart<Public>>) {
    sign(old.encryption_key());
}

fn main() {}
