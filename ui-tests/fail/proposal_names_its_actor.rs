// A change is proposed with its actor and its grounds.
use key_rotation::store::{Change, Proposal, Revision};
use key_rotation::audit::Provenance;

fn propose(seen: Revision, next: Revision, change: Change<u8>, _: Provenance) -> Proposal<u8> {
    Proposal { expected: seen, next, change, valid_until: None }
}

fn main() {}
