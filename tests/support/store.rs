//! What tests of stores share: reading everything, and proposing a change.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::fmt::Debug;

use key_rotation::audit::{Grounds, Provenance};
use key_rotation::store::{Change, Loaded, Proposal, Revision, Snapshot};
use key_rotation::{KeyProvider, Timestamp};
use pollster::block_on;

/// Everything that the store has.
pub(crate) fn loaded<P: KeyProvider<Error: Debug>>(store: &P) -> Snapshot<P::Material> {
    match block_on(store.load(Revision::EMPTY)) {
        Ok(Loaded::Ring(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    }
}

/// The revision that the store is at.
pub(crate) fn revision<P: KeyProvider<Error: Debug>>(store: &P) -> Revision {
    loaded(store).revision
}

/// A proposal of this change, under a tag that is told from others by its number.
pub(crate) fn proposal<M>(expected: Revision, change: Change<M>) -> Proposal<M> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TAGS: AtomicU64 = AtomicU64::new(1);
    let tag = TAGS.fetch_add(1, Ordering::Relaxed);
    let at = Timestamp::from_unix_millis(40);
    let provenance =
        Provenance { actor: "the test".parse().unwrap(), grounds: Grounds::Ordinary, at };
    let next = expected.next(tag).unwrap_or(Revision::new(expected.number, tag));
    Proposal { expected, next, change, provenance, valid_until: None }
}
