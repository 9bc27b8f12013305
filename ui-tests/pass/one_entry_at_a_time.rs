// An entry borrows the ring, so there is one at a time.
use key_rotation::error::EntryError;
use key_rotation::{Inactive, Keyring, Timestamp};

fn rotate(ring: &mut Keyring, at: Timestamp) -> Result<(), EntryError> {
    let one = ring.entry::<Inactive>("k1")?;
    let _ = one.retire(at);
    let two = ring.entry::<Inactive>("k2")?;
    let _ = two.activate(at);
    Ok(())
}

fn main() {}
