// The active key does not have to stop before another is due.
use key_rotation::Cryptoperiods;
use key_rotation::policy::{days, minutes};

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .originator_usage(days(90))
    .hard_end(days(60))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
