//! Checks of each kind of change, alone.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Fixture;
use super::model::{
    active, at, closing, dating, destruction, first, record, restoration, retirement, revocation,
    rewrapping, rotation, staged, tombstone,
};
use super::subject::{Checked, Subject};
use crate::audit::Grounds;
use crate::evidence::Unreferenced;
use crate::id::KeyId;
use crate::key::{Retirement, Revocation, Times};
use crate::status::KeyStatus;
use crate::store::Change;

/// Checks that the first key of an empty store is written, and is active.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn create<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "create").await?;
    subject.applies(first(active("k1", 1, 10))).await
}

/// Checks that a ring that is adopted is written in one commit: keys of every status with the times
/// that they bring along, staged keys in their order, and tombstones.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn create_of_many<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "create_of_many").await?;
    let times = |activated_at, deactivated_at, retired_at, revoked_at| Times {
        created_at: Some(at(10)),
        added_at: Some(at(100)),
        activated_at,
        deactivated_at,
        retired_at,
        revoked_at,
    };
    let [a, b, c, d] = [Some(at(20)), Some(at(30)), Some(at(40)), Some(at(50))];
    let mut counted = record("old", KeyStatus::Retired, 5, 10).with_times(times(a, b, c, None));
    counted.info.counted = true;
    let records = Vec::from([
        staged("s9", 9, 90),
        record("r1", KeyStatus::Revoked, 6, 10).with_times(times(a, b, c, d)),
        record("r2", KeyStatus::Revoked, 7, 10).with_times(Times::default()),
        staged("s1", 1, 90),
        record("now", KeyStatus::Active, 2, 10).with_times(times(c, None, None, None)),
        counted,
        record("before", KeyStatus::Inactive, 3, 10).with_times(times(b, c, None, None)),
        record("never", KeyStatus::Retired, 4, 10).staged().with_times(times(None, None, d, None)),
        staged("s5", 8, 90),
    ]);
    let destroyed = Vec::from([tombstone("gone", 5), tombstone("s0", 6)]);
    subject.applies(Change::Create { records, destroyed }).await?;
    subject.refuses(Change::Add(staged("gone", 10, 100))).await?;
    subject.applies(rotation("now", "s1", 100, false)).await?;
    subject.applies(rotation("s1", "before", 110, true)).await?;
    subject.applies(restoration("r1", 120)).await?;
    subject.applies(destruction("old", 130)).await
}

/// Checks that new keys are written, inactive, and keep the order in which they were added.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn add<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "add").await?;
    subject.applies(first(active("k1", 1, 10))).await?;
    for (id, number) in [("k9", 9), ("k2", 2), ("k5", 5)] {
        subject.applies(Change::Add(staged(id, number, 20))).await?;
    }
    Ok(())
}

/// Checks that an activation changes two rows: one key becomes active, the other inactive, each
/// with its times. A key may be activated again, and the latest activation counts.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn activate<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "activate").await?;
    subject.applies(rotation("k1", "k3", 80, false)).await?;
    subject.applies(rotation("k3", "k1", 90, true)).await?;
    subject.applies(rotation("k1", "k2", 90, true)).await
}

/// Checks that an inactive key becomes retired, whether or not it was ever active, with the
/// material that is left of it where the change brings some.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn retire<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "retire").await?;
    subject.applies(retirement("k3", 80)).await?;
    let retirement = Retirement::new(KeyId::from_static("k2"), at(90));
    subject.applies(Change::Retire { retirement, material: Some(Arc::new(102)) }).await
}

/// Checks that an inactive key and a retired one become revoked, with the material that is left of
/// them where the change brings some, and that a count of before is forgotten when the key is
/// restored.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn revoke<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "revoke").await?;
    subject.applies(revocation("k3", 80)).await?;
    subject.applies(revocation("k4", 80)).await?;
    let id = KeyId::from_static("k2");
    let revocation = Revocation::new(id, at(90));
    subject.applies(Change::Revoke { revocation, material: Some(Arc::new(102)) }).await?;
    for (id, millis) in [("k2", 100), ("k3", 100), ("k4", 100)] {
        subject.applies(restoration(id, millis)).await?;
    }
    Ok(())
}

/// Checks that a revoked key becomes retired, and is revoked no longer; and this a second time too.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn restore<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "restore").await?;
    subject.applies(restoration("k6", 80)).await?;
    subject.applies(revocation("k6", 90)).await?;
    subject.applies(restoration("k6", 100)).await?;
    subject.applies(destruction("k6", 110)).await
}

/// Checks that a blob takes the place of the stored one, whatever the status of the key, and that
/// the store says in which revision it did.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn rewrap<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "rewrap").await?;
    for (id, number) in [("k1", 101), ("k2", 102), ("k3", 103), ("k4", 104), ("k6", 106)] {
        subject.applies(rewrapping(id, number)).await?;
    }
    subject.applies(rewrapping("k1", 201)).await?;
    // The same bytes again, as of a key that was wrapped anew and came out the same.
    subject.applies(rewrapping("k1", 201)).await
}

/// Checks that times that are not known, and times in the future, are put right.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn date<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "date").await?;
    let unknown = |id, status, number| record(id, status, number, 1).with_times(Times::default());
    let ahead = Times {
        created_at: Some(at(9_000)),
        added_at: Some(at(50)),
        activated_at: Some(at(9_500)),
        ..Times::default()
    };
    let records = Vec::from([
        record("ahead", KeyStatus::Active, 1, 1).with_times(ahead),
        unknown("inactive", KeyStatus::Inactive, 2),
        unknown("staged", KeyStatus::Inactive, 3).staged(),
        unknown("retired", KeyStatus::Retired, 4),
        unknown("revoked", KeyStatus::Revoked, 5),
    ]);
    subject.applies(Change::Create { records, destroyed: Vec::new() }).await?;
    for (id, millis) in
        [("ahead", 100), ("inactive", 101), ("staged", 102), ("retired", 103), ("revoked", 104)]
    {
        subject.applies(dating(id, millis)).await?;
    }
    // What is right already stays.
    subject.applies(dating("ahead", 200)).await?;
    subject.applies(rotation("ahead", "staged", 200, false)).await
}

/// Checks that a retired key and a revoked one are gone when they are destroyed, and that their
/// tombstones are there.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn destroy<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "destroy").await?;
    subject.applies(destruction("k4", 80)).await?;
    subject.applies(destruction("k6", 80)).await
}

/// Checks that a ring that is closed has no key any more, the active one neither; that a tombstone
/// of each is there, and those of before; and that the ring says when it was closed.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn close<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "close").await?;
    subject.applies(closing("k1", 80)).await?;

    let mut subject = Subject::empty(fixture, "close").await?;
    subject.applies(first(active("k1", 1, 10))).await?;
    subject.applies(closing("k1", 20)).await
}

/// Checks the marks of a key: the numbers of the revisions in which it was added, in which another
/// took its place, and in which its material was stored; that it may have encrypted; and that it
/// was retired with evidence that nothing needs it.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn marks<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "marks").await?;
    subject.applies(rotation("k1", "k3", 80, false)).await?;
    subject.applies(rewrapping("k1", 101)).await?;
    // Again: the number of the latest demotion counts, and that of an active key is 0.
    subject.applies(rotation("k3", "k1", 90, true)).await?;
    subject.applies(rotation("k1", "k2", 100, true)).await?;
    for (id, millis) in [("k1", 110), ("k3", 120)] {
        let id = KeyId::from_static(id);
        let evidence = Unreferenced::counted(id.clone(), 0, at(105));
        let evidence = evidence.map_err(|error| subject.fail(error))?;
        let retirement = Retirement::new(id, at(millis));
        let change = Change::Retire { retirement, material: None };
        subject.applies_on(change, Grounds::Unreferenced(evidence)).await?;
    }
    subject.applies(revocation("k3", 130)).await?;
    subject.applies(restoration("k3", 140)).await
}
