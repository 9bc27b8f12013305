// A key is not destroyed while it may still decrypt.
use key_rotation::Cryptoperiods;
use key_rotation::policy::days;

const POLICY: Cryptoperiods = Cryptoperiods::builder()
    .grace(days(30))
    .retention(days(90))
    .build_static();

fn main() {
    println!("{POLICY:?}");
}
