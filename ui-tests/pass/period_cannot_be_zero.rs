// A period of no length is no rule.
use key_rotation::Cryptoperiods;
use key_rotation::policy::days;

const POLICY: Cryptoperiods = Cryptoperiods::builder()
    .grace(days(30))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
