//! Checks of changes that do not fit: an error at the matching revision, and nothing changes.

use super::Fixture;
use super::subject::{
    Checked, Subject, active, at, destruction, record, retirement, rotation, staged,
};
use crate::key::Times;
use crate::status::KeyStatus;
use crate::store::Change;

/// Checks that a change that does not fit the rows is an error. It is never written, and never a
/// conflict, which would invite the writer to look again for nothing.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn mismatched_receipts<F: Fixture>(fixture: &F) -> Checked {
    let empty = Subject::empty(fixture, "mismatched_receipts").await?;
    for status in [KeyStatus::Inactive, KeyStatus::Retired] {
        empty.refuses(&Change::Create(record("k1", status, 1, 10))).await?;
    }
    empty.refuses(&retirement("k1", 10)).await?;

    let mut subject = Subject::full(fixture, "mismatched_receipts").await?;
    // One that carries a later time than the active key.
    subject.applies(&Change::Add(staged("k6", 6, 90))).await?;
    let misfits = [
        Change::Create(active("k9", 9, 80)),
        Change::Add(active("k9", 9, 80)),
        Change::Add(record("k9", KeyStatus::Retired, 9, 80)),
        // A status that is older than the key.
        Change::Add(staged("k9", 9, 80).with_times(Times {
            created_at: Some(at(80)),
            deactivated_at: Some(at(79)),
            ..Times::default()
        })),
        rotation("k2", "k3", 80, false),
        rotation("k9", "k3", 80, false),
        rotation("k1", "k9", 80, false),
        rotation("k1", "k1", 80, true),
        rotation("k1", "k4", 80, false),
        rotation("k1", "k5", 80, false),
        // Whether the key was active before.
        rotation("k1", "k3", 80, true),
        rotation("k1", "k2", 80, false),
        // Before what the keys carry already.
        rotation("k1", "k3", 49, false),
        rotation("k1", "k2", 49, true),
        rotation("k1", "k6", 80, false),
        retirement("k1", 80),
        retirement("k4", 80),
        retirement("k5", 80),
        retirement("k9", 80),
        retirement("k2", 49),
        destruction("k1", 80),
        destruction("k2", 80),
        destruction("k3", 80),
        destruction("k5", 80),
        destruction("k9", 80),
        destruction("k4", 59),
    ];
    for misfit in &misfits {
        subject.refuses(misfit).await?;
    }
    Ok(())
}

/// Checks that the id of a key, whatever its status, and the id of a tombstone are taken: a new key
/// of that id is an error, and the key that has it is as it was.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn taken_ids<F: Fixture>(fixture: &F) -> Checked {
    let subject = Subject::full(fixture, "taken_ids").await?;
    for id in ["k1", "k2", "k3", "k4", "k5"] {
        subject.refuses(&Change::Add(staged(id, 99, 80))).await?;
    }
    Ok(())
}
