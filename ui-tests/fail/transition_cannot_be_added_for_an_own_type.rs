// Nor can a type of one's own enter the table of transitions.
use key_rotation::{Active, TransitionTo};

enum Suspended {}

trait Resume<T> {}

impl TransitionTo<Active> for Suspended {}

fn main() {}
