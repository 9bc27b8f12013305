//! Checks of changes that are written at no time: a mismatch, and nothing changes.

use alloc::vec::Vec;

use super::Fixture;
use super::model::{
    active, at, closing, dating, destruction, first, proposal, record, restoration, retirement,
    revocation, rewrapping, rotation, staged, tag, tombstone,
};
use super::subject::{Checked, Subject};
use crate::key::Times;
use crate::revision::Revision;
use crate::status::KeyStatus;
use crate::store::{Change, Loaded};
use crate::timestamp::Timestamp;

/// Checks that a change that does not fit the rows is a mismatch. It is never written, not even in
/// part, and never a conflict, which would invite the writer to look again for nothing.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn mismatched_changes<F: Fixture>(fixture: &F) -> Checked {
    let empty = Subject::empty(fixture, "mismatched_changes").await?;
    for misfit in misfits_of_an_empty_store() {
        empty.refuses(misfit).await?;
    }
    let mut subject = Subject::full(fixture, "mismatched_changes").await?;
    // One that carries a later time than the active key.
    subject.applies(Change::Add(staged("k7", 7, 90))).await?;
    for misfit in misfits() {
        subject.refuses(misfit).await?;
    }
    Ok(())
}

fn misfits_of_an_empty_store() -> Vec<Change<u8>> {
    let create = |records, destroyed| Change::Create { records, destroyed };
    let twice = Vec::from([active("k1", 1, 10), active("k2", 2, 10)]);
    let same_id = Vec::from([active("k1", 1, 10), staged("k1", 2, 10)]);
    Vec::from([
        create(Vec::new(), Vec::new()),
        create(Vec::new(), Vec::from([tombstone("k1", 10)])),
        first(record("k1", KeyStatus::Inactive, 1, 10)),
        first(record("k1", KeyStatus::Retired, 1, 10)),
        first(record("k1", KeyStatus::Revoked, 1, 10)),
        create(twice, Vec::new()),
        create(same_id, Vec::new()),
        create(Vec::from([active("k1", 1, 10)]), Vec::from([tombstone("k1", 10)])),
        Change::Add(staged("k1", 1, 10)),
        retirement("k1", 10),
        rewrapping("k1", 1),
        closing("k1", 10),
    ])
}

fn misfits() -> Vec<Change<u8>> {
    // A status that is older than the key.
    let contradictory =
        Times { created_at: Some(at(80)), deactivated_at: Some(at(79)), ..Times::default() };
    Vec::from([
        first(active("k9", 9, 80)),
        Change::Create { records: Vec::new(), destroyed: Vec::from([tombstone("k9", 80)]) },
        Change::Add(active("k9", 9, 80)),
        Change::Add(record("k9", KeyStatus::Retired, 9, 80)),
        Change::Add(record("k9", KeyStatus::Revoked, 9, 80)),
        Change::Add(staged("k9", 9, 80).with_times(contradictory)),
        rotation("k2", "k3", 80, false),
        rotation("k9", "k3", 80, false),
        rotation("k1", "k9", 80, false),
        rotation("k1", "k1", 80, true),
        rotation("k1", "k4", 80, false),
        rotation("k1", "k5", 80, false),
        rotation("k1", "k6", 80, false),
        // Whether the key was active before.
        rotation("k1", "k3", 80, true),
        rotation("k1", "k2", 80, false),
        // Before what the keys carry already.
        rotation("k1", "k3", 49, false),
        rotation("k1", "k2", 49, true),
        rotation("k1", "k7", 80, false),
        retirement("k1", 80),
        retirement("k4", 80),
        retirement("k5", 80),
        retirement("k6", 80),
        retirement("k9", 80),
        retirement("k2", 49),
        revocation("k1", 80),
        revocation("k5", 80),
        revocation("k6", 80),
        revocation("k9", 80),
        revocation("k2", 49),
        restoration("k1", 80),
        restoration("k3", 80),
        restoration("k4", 80),
        restoration("k5", 80),
        restoration("k6", 59),
        rewrapping("k5", 105),
        rewrapping("k9", 109),
        dating("k5", 80),
        dating("k9", 80),
        destruction("k1", 80),
        destruction("k2", 80),
        destruction("k3", 80),
        destruction("k5", 80),
        destruction("k9", 80),
        destruction("k4", 59),
        destruction("k6", 59),
        closing("k2", 95),
        closing("k9", 95),
        // Before what the active key, and what another, carries already.
        closing("k1", 49),
        closing("k1", 89),
    ])
}

/// Checks that the id of a key, whatever its status, and the id of a tombstone are taken: a new key
/// of that id is a mismatch, and the key that has it is as it was.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn taken_ids<F: Fixture>(fixture: &F) -> Checked {
    let subject = Subject::full(fixture, "taken_ids").await?;
    for id in ["k1", "k2", "k3", "k4", "k5", "k6"] {
        subject.refuses(Change::Add(staged(id, 99, 80))).await?;
    }
    Ok(())
}

/// Checks that a proposal is a mismatch if the revision that it would make does not have the number
/// after the one that it expects, even if that revision is in the store's history; and that there
/// is no number after the last.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn numbers_that_do_not_follow<F: Fixture>(fixture: &F) -> Checked {
    let subject = Subject::full(fixture, "numbers_that_do_not_follow").await?;
    let head = subject.model.revision;
    let last = Revision::new(Revision::MAX_NUMBER, tag());
    let Some(older) = subject.events.first().map(|event| event.revision) else { return Ok(()) };
    let after =
        |revision: Revision, numbers| Revision::new(revision.number.wrapping_add(numbers), tag());
    for (expected, next) in [
        (head, head),
        (head, after(head, 0)),
        (head, after(head, 2)),
        (head, after(head, u64::MAX)),
        (head, older),
        (head, Revision::EMPTY),
        (head, Revision::new(Revision::MAX_NUMBER, tag())),
        (head, Revision::new(u64::MAX, tag())),
        (older, head),
        (Revision::EMPTY, Revision::EMPTY),
        (last, Revision::new(Revision::MAX_NUMBER, tag())),
        (last, Revision::new(Revision::MAX_NUMBER.wrapping_add(1), tag())),
        (last, Revision::new(0, tag())),
        (Revision::new(u64::MAX, tag()), Revision::new(0, tag())),
        (Revision::new(u64::MAX, tag()), Revision::EMPTY),
    ] {
        let mut proposal = proposal(expected, Change::Add(staged("k9", 9, 80)));
        proposal.next = next;
        subject.refuses_proposal(&proposal).await?;
    }
    Ok(())
}

/// Checks that nothing is ever written to a ring that was closed, not even a first key, and that
/// the ring still knows its history.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn closed_for_good<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "closed_for_good").await?;
    let earlier = subject.proposal(Change::Add(staged("k7", 7, 75)));
    subject.commits(&earlier).await?;
    let stale = proposal(earlier.expected, Change::Add(staged("k8", 8, 75)));
    let closed = subject.proposal(closing("k1", 80));
    subject.commits(&closed).await?;
    for change in [
        first(active("k1", 1, 90)),
        first(active("k9", 9, 90)),
        Change::Add(staged("k9", 9, 90)),
        Change::Add(staged("k1", 1, 90)),
        rotation("k1", "k3", 90, false),
        retirement("k3", 90),
        revocation("k4", 90),
        restoration("k6", 90),
        rewrapping("k1", 101),
        dating("k1", 90),
        destruction("k4", 90),
        closing("k1", 90),
    ] {
        subject.refuses(change).await?;
    }
    subject.conflicts(&stale).await?;
    subject.is_committed(&earlier).await?;
    subject.is_committed(&closed).await
}

/// Checks that a store with a clock writes nothing that arrives after the time until which it was
/// to be written, now or later, and that such a time does not undo what is in the history. A store
/// without a clock has no such limit.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn expired<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "expired").await?;
    let add = |id| Change::Add(staged(id, 9, 80));
    let mut in_time = subject.proposal(add("k7"));
    in_time.valid_until = Some(Timestamp::MAX);
    subject.commits(&in_time).await?;

    let has_clock = match subject.loaded(&subject.store, Revision::EMPTY, "a full ring").await? {
        Loaded::Ring(found) => found.store_time,
        _ => None,
    };
    let is_told = subject.loaded(&subject.store, subject.model.revision, "a full ring").await?;
    if let Loaded::Unchanged { store_time } = is_told {
        if store_time.is_some() != has_clock.is_some() {
            return Err(subject.fail("the store tells its time at some loads and not at others"));
        }
    }
    let mut late = subject.proposal(add("k8"));
    late.valid_until = Some(at(1));
    let Some(now) = has_clock else { return subject.commits(&late).await };
    // By the store's clock, for the model.
    subject.model.store_time = Some(now);
    subject.refuses_proposal(&late).await?;
    subject.refuses_proposal(&late).await?;
    // To a store this is a second sending that arrives after its time.
    in_time.valid_until = Some(at(1));
    subject.is_committed(&in_time).await?;
    subject.applies(add("k9")).await
}
