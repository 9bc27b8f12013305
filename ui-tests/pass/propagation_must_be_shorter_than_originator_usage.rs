// A key is not due to be replaced before it may be activated.
use key_rotation::Cryptoperiods;
use key_rotation::policy::days;

const POLICY: Cryptoperiods = Cryptoperiods::builder()
    .originator_usage(days(90))
    .propagation(days(2))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
