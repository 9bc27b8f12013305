// Keys do not compare: their ids do.
use key_rotation::{Active, Key};

fn same(a: &Key<Active>, b: &Key<Active>) -> bool {
    a.id() == b.id()
}

fn main() {}
