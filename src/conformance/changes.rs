//! Checks of each kind of change, alone.

use super::Fixture;
use super::subject::{Checked, Subject, active, destruction, retirement, rotation, staged};
use crate::store::Change;

/// Checks that the first key of an empty store is written, active, and that a commit makes the
/// revision grow.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn create<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "create").await?;
    subject.applies(&Change::Create(active("k1", 1, 10))).await
}

/// Checks that new keys are written, inactive, and keep the order in which they were added.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn add<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "add").await?;
    subject.applies(&Change::Create(active("k1", 1, 10))).await?;
    for (id, number) in [("k9", 9), ("k2", 2), ("k5", 5)] {
        subject.applies(&Change::Add(staged(id, number, 20))).await?;
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
    subject.applies(&rotation("k1", "k3", 80, false)).await?;
    subject.applies(&rotation("k3", "k1", 90, true)).await?;
    subject.applies(&rotation("k1", "k2", 90, true)).await
}

/// Checks that an inactive key becomes retired, whether or not it was ever active.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn retire<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "retire").await?;
    subject.applies(&retirement("k3", 80)).await?;
    subject.applies(&retirement("k2", 90)).await
}

/// Checks that a destroyed key is gone, and that its tombstone is there.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn destroy<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "destroy").await?;
    subject.applies(&destruction("k4", 80)).await
}
