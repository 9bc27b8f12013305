// The set of ways to keep two halves is closed: `Same`, and `Apart` with any type.
use key_rotation::{Active, Halves, Key};

struct Private;
struct Public;

enum Split {}

impl Halves<Private> for Split {
    type Decrypting = Public;
}

struct Issuer {
    key: Key<Active, Private, Split>,
}

fn main() {}
