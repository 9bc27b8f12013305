// The table of transitions cannot be changed from outside.
use key_rotation::{Active, Retired};

trait Resurrect<T> {}

impl Resurrect<Active> for Retired {}

fn main() {}
