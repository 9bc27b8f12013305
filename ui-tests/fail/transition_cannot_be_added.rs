// The table of transitions cannot be changed from outside.
use key_rotation::{Active, Retired, TransitionTo};

trait Resurrect<T> {}

impl TransitionTo<Active> for Retired {}

fn main() {}
