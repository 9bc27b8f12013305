// Nor can a type of one's own enter the table of transitions.
use key_rotation::Active;

enum Suspended {}

trait Resume<T> {}

impl Resume<Active> for Suspended {}

fn main() {}
