// A pair names its second half as `Apart<Public>`.
use key_rotation::{Active, Key};

struct Private;
struct Public;

struct Issuer {
    key: Key<Active, Private, Public>,
}

fn main() {}
