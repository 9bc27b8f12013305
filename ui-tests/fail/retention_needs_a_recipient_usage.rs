// A key is destroyed some time after it was retired, so something retires it.
use key_rotation::Cryptoperiods;
use key_rotation::policy::{UsageLimit, days, minutes};

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .retention(days(90))
    .usage_limit(UsageLimit::RANDOM_NONCE)
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
