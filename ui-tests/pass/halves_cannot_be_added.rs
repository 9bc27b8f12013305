// The set of ways to keep two halves is closed: `Same`, and `Apart` with any type.
use key_rotation::{Active, Apart, Key};

struct Private;
struct Public;

type Split = Apart<Public>;

struct Issuer {
    key: Key<Active, Private, Split>,
}

fn main() {}
