//! Checks of stores that were restored from a backup, and of stores that have lost a row.

use alloc::vec::Vec;

use super::loads::{is_strange, knows_all_it_wrote};
use super::model::{MaterialOf, active, at, first, rotation, staged, tag, text};
use super::subject::{Checked, Subject, answer, full_ring};
use super::{Backups, Fixture, LostRows};
use crate::audit::AuditEvent;
use crate::id::KeyId;
use crate::key::{Key, KeyRecord};
use crate::policy::StrictSingleActive;
use crate::revision::Revision;
use crate::service::{Outcome, RotationService};
use crate::store::{Change, KeyProvider, Loaded, Snapshot};

/// A store as it was at one revision, with a backup of it.
struct Point<B> {
    backup: B,
    model: Snapshot<u8>,
    events: Vec<AuditEvent>,
}

/// Checks that a restore is seen by each reader that knew what is lost, and by no other. A backup of
/// each revision is restored, and the ring goes on from there in another way, until it has more
/// revisions than it had before. Readers of what is lost are told that it is not in the store's
/// history; readers of what was kept are not. In the end the latest backup is restored, and those
/// who knew the first history are right again.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn restore_at_each_revision<F: Backups>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "restore_at_each_revision").await?;
    let mut points = Vec::from([backed_up(&subject).await]);
    for change in full_ring() {
        subject.applies(change).await?;
        points.push(backed_up(&subject).await);
    }
    let mut lost = Vec::new();
    for (round, point) in (0_u8..).zip(points.iter().rev().skip(1)) {
        let head = subject.model.revision.number;
        return_to(&mut subject, point, &mut lost).await?;
        is_known_and_lost(&subject, &lost).await?;
        diverge(&mut subject, head, round, &lost).await?;
    }
    let Some(latest) = points.last() else { return Ok(()) };
    return_to(&mut subject, latest, &mut lost).await?;
    is_known_and_lost(&subject, &lost).await
}

async fn backed_up<F: Backups>(subject: &Subject<'_, F>) -> Point<F::Backup> {
    Point {
        backup: subject.fixture.backup(&subject.store).await,
        model: subject.model.clone(),
        events: subject.events.clone(),
    }
}

/// Restores a backup, and keeps the list of the revisions that were known and are lost.
async fn return_to<F: Backups>(
    subject: &mut Subject<'_, F>,
    point: &Point<F::Backup>,
    lost: &mut Vec<Revision>,
) -> Checked {
    subject.fixture.restore(&subject.store, &point.backup).await;
    lost.extend(subject.events.iter().map(|event| event.revision));
    lost.retain(|lost| point.events.iter().all(|event| event.revision != *lost));
    (subject.model, subject.events) = (point.model.clone(), point.events.clone());
    subject.holds("after a restore").await
}

/// Writes to the ring until it has one more revision than this number.
async fn diverge<F: Backups>(
    subject: &mut Subject<'_, F>,
    head: u64,
    round: u8,
    lost: &[Revision],
) -> Checked {
    let mut is_first = true;
    while subject.model.revision.number <= head {
        let number = u8::try_from(subject.model.revision.number).unwrap_or(u8::MAX);
        let id = KeyId::from(u16::from_be_bytes([round, number]));
        let change = if subject.model.revision == Revision::EMPTY {
            let mut record = active("k", number, 100);
            record.info.id = id;
            first(record)
        } else {
            let mut record = staged("k", number, 100);
            record.info.id = id;
            Change::Add(record)
        };
        subject.applies(change).await?;
        if is_first || subject.model.revision.number >= head {
            is_known_and_lost(subject, lost).await?;
        }
        is_first = false;
    }
    Ok(())
}

async fn is_known_and_lost<F: Fixture>(subject: &Subject<'_, F>, lost: &[Revision]) -> Checked {
    knows_all_it_wrote(subject).await?;
    for lost in lost {
        is_strange(subject, *lost).await?;
    }
    Ok(())
}

/// Checks that a proposal that was committed, and was lost with a restore, is not found in the new
/// history, which it does not follow; and that one from before the backup is still found.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn resend_after_restore<F: Backups>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "resend_after_restore").await?;
    let kept = subject.proposal(Change::Add(staged("k7", 7, 80)));
    subject.commits(&kept).await?;
    let point = backed_up(&subject).await;
    let lost = subject.proposal(rotation("k1", "k7", 90, false));
    subject.commits(&lost).await?;
    let later = subject.proposal(rotation("k7", "k1", 100, true));
    subject.commits(&later).await?;

    return_to(&mut subject, &point, &mut Vec::new()).await?;
    subject.conflicts(&later).await?;
    subject.is_committed(&kept).await?;
    subject.applies(Change::Add(staged("k8", 8, 90))).await?;
    for proposal in [&lost, &later] {
        subject.conflicts(proposal).await?;
    }
    subject.is_committed(&kept).await
}

/// Checks that a row that somebody has deleted is missed at the next load, although the revision is
/// the same: by one who has seen that revision, by one who has seen an earlier one, and by one who
/// has seen nothing. What is loaded is no ring, or the load is an error.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn row_lost_between_polls<F: LostRows>(fixture: &F) -> Checked {
    for id in ["k1", "k2", "k3", "k4", "k5", "k6"] {
        let subject = Subject::full(fixture, "row_lost_between_polls").await?;
        let head = subject.model.revision;
        let earlier = subject.events.first().map(|event| event.revision);
        let other = fixture.reopen(&subject.store).await;
        fixture.delete_row(&subject.store, &KeyId::from_static(id)).await;
        for store in [&subject.store, &other] {
            for seen in [Some(head), earlier, Some(Revision::EMPTY)].into_iter().flatten() {
                is_missed(&subject, id, seen, store.load(seen).await)?;
            }
        }
    }
    Ok(())
}

fn is_missed<F: Fixture, E: core::error::Error>(
    subject: &Subject<'_, F>,
    id: &str,
    seen: Revision,
    loaded: Result<Loaded<MaterialOf<F>>, E>,
) -> Checked {
    let found = match loaded {
        Err(_) => return Ok(()),
        Ok(Loaded::Ring(snapshot)) => {
            let found = answer(&Loaded::Ring(snapshot.clone()));
            if snapshot.into_keyring().is_err() {
                return Ok(());
            }
            found
        }
        Ok(other) => answer(&other),
    };
    Err(subject.fail(format_args!(
        "the row of key `{id}` is lost, and one who has seen {seen} is answered with {found}"
    )))
}

/// Checks that the service writes nothing to a ring that has lost a row, and that the id of that
/// row is not free.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn nothing_written_after_a_lost_row<F: LostRows>(fixture: &F) -> Checked {
    for id in ["k3", "k5", "k1"] {
        let subject = Subject::full(fixture, "nothing_written_after_a_lost_row").await?;
        fixture.delete_row(&subject.store, &KeyId::from_static(id)).await;
        let service = RotationService::with_tags(&subject.store, StrictSingleActive, tag)
            .acting_as(text("the conformance kit"));
        let key = |id| Key::new(KeyId::from_static(id), fixture.material(9), at(80));
        let is_done = [
            matches!(service.add(key(id), at(80)).await, Ok(Outcome::Done(_))),
            matches!(service.add(key("k9"), at(80)).await, Ok(Outcome::Done(_))),
            matches!(service.rotate_to("k2", at(80)).await, Ok(Outcome::Done(_))),
            service.bootstrap(key("k9"), at(80)).await.is_ok(),
        ];
        if is_done.contains(&true) {
            return Err(subject.fail(format_args!(
                "the row of key `{id}` is lost, and of `add` with its id, `add`, `rotate_to` and \
                 `bootstrap`, these were done: {is_done:?}"
            )));
        }
        let loaded = subject.store.load(Revision::EMPTY).await;
        if let Ok(Loaded::Ring(found)) = loaded {
            if found.revision != subject.model.revision || has(&found, id) {
                return Err(subject.fail(format_args!(
                    "the row of key `{id}` is lost, and the store has written since"
                )));
            }
        }
    }
    Ok(())
}

fn has<M>(snapshot: &Snapshot<M>, id: &str) -> bool {
    let is_it = |record: &KeyRecord<M>| record.info.id.as_str() == id;
    snapshot.records.iter().any(is_it)
}
