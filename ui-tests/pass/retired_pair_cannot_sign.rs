// A retired pair has no private half left, so it does not sign.
use key_rotation::{Apart, Key, Retired, VerificationKey};

struct Private;
struct Public;

fn verify(_: VerificationKey<'_, Public>) {}

fn issue(old: &Key<Retired, Private, Apart<Public>>) {
    verify(old.decryption_key());
}

fn main() {}
