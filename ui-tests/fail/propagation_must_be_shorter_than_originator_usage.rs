// A key is not due to be replaced before every process has the next one.
use key_rotation::Cryptoperiods;
use key_rotation::policy::{days, minutes};

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .propagation(days(90))
    .originator_usage(days(30))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
