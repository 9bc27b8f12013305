// A rotation is due at a share of the usage limit, from 1 to 100 percent.
use key_rotation::Cryptoperiods;
use key_rotation::policy::{UsageLimit, days, minutes};

const POLICY: Cryptoperiods = Cryptoperiods::builder(days(1), minutes(5))
    .usage_limit(UsageLimit::RANDOM_NONCE)
    .soft_share(120)
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
