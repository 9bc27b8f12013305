// A period of no length is no rule.
use key_rotation::Cryptoperiods;
use key_rotation::policy::{days, minutes};

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .recipient_usage(days(30))
    .grace(days(30))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
