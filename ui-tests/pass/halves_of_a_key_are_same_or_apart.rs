// A pair names its second half as `Apart<Public>`.
use key_rotation::{Active, Apart, Key};

struct Private;
struct Public;

struct Issuer {
    key: Key<Active, Private, Apart<Public>>,
}

fn main() {}
