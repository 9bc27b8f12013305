//! Checks of writers who come late, and of writers who come at the same time.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::concurrent::{Boxed, give_way, join_all};
use super::subject::{Checked, Subject, active, destruction, real, retirement, rotation, staged};
use super::{Fixture, chain};
use crate::id::KeyId;
use crate::revision::Revision;
use crate::store::{Change, Commit, KeyProvider};

/// The number of rivals.
const RIVALS: u8 = 8;

/// Checks that a change that expects another revision than the store's, older or newer, is a
/// conflict: not an error, and never written.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn stale_revision<F: Fixture>(fixture: &F) -> Checked {
    let empty = Subject::empty(fixture, "stale_revision").await?;
    empty.conflicts(Revision::new(1), &Change::Create(active("k1", 1, 10))).await?;

    let subject = Subject::full(fixture, "stale_revision").await?;
    let now = subject.model.revision.as_u64();
    let changes = [
        Change::Create(active("k9", 9, 80)),
        Change::Add(staged("k9", 9, 80)),
        rotation("k1", "k3", 80, false),
        retirement("k3", 80),
        destruction("k4", 80),
    ];
    for change in &changes {
        for revision in [0, now.saturating_sub(1), now.saturating_add(1), u64::MAX] {
            subject.conflicts(Revision::new(revision), change).await?;
        }
    }
    Ok(())
}

/// Checks that of many processes that create the first key of an empty store at once, one does, and
/// the others are told that they did not.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn create_race<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "create_race").await?;
    let rivals = (0..RIVALS).map(|number| {
        let mut first = active("k", number, 10);
        first.info.id = KeyId::from(u32::from(number));
        Change::Create(first)
    });
    race(&mut subject, rivals.collect()).await
}

/// Checks that of several changes under one revision, one is written, and the others are conflicts.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn writer_race<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "writer_race").await?;
    let rivals = alloc::vec![
        rotation("k1", "k3", 80, false),
        rotation("k1", "k2", 80, true),
        retirement("k3", 80),
        retirement("k2", 80),
        destruction("k4", 80),
        Change::Add(staged("k6", 6, 80)),
        Change::Add(staged("k7", 7, 80)),
    ];
    race(&mut subject, rivals).await
}

async fn race<F: Fixture>(subject: &mut Subject<'_, F>, rivals: Vec<Change<u8>>) -> Checked {
    let revision = subject.model.revision;
    let mut handles = Vec::new();
    for _ in &rivals {
        handles.push(subject.fixture.reopen(&subject.store).await);
    }
    let commits = handles.iter().zip(&rivals).map(|(handle, change)| {
        let change = real(subject.fixture, change);
        Box::pin(async move { handle.commit(revision, &change).await }) as Boxed<'_, _>
    });
    let answers = join_all(commits.collect()).await;

    let mut winners = Vec::new();
    for (change, answer) in rivals.iter().zip(answers) {
        match answer {
            Ok(Commit::Committed(revision)) => winners.push((change, revision)),
            Ok(Commit::Conflict) => {}
            Err(error) => {
                let error = chain(&error);
                return Err(subject.fail(format_args!("to lose a race is no error: {error}")));
            }
        }
    }
    match winners.as_slice() {
        [(change, revision)] => subject.was_written(change, *revision)?,
        _ => {
            return Err(subject.fail(format_args!(
                "{} of {} changes under one revision are committed: {winners:?}",
                winners.len(),
                rivals.len()
            )));
        }
    }
    subject.holds("after a race").await
}

/// Checks that a reader who loads while others commit gets a whole ring, with one active key, and
/// never an older one than before.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn reader_during_commits<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "reader_during_commits").await?;
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(fixture.reopen(&subject.store).await);
    }
    let is_over = AtomicBool::new(false);
    let is_over = &is_over;
    let mut tasks: Vec<Boxed<'_, Checked>> = Vec::new();
    let behaviour = subject.behaviour;
    for handle in &handles {
        tasks.push(Box::pin(async move {
            let fail =
                |found: &dyn core::fmt::Display| super::Nonconformance::new(behaviour, found);
            let mut seen = Revision::EMPTY;
            while !is_over.load(Ordering::Relaxed) {
                let snapshot = handle.load().await.map_err(|error| fail(&chain(&error)))?;
                if snapshot.revision < seen {
                    let now = snapshot.revision;
                    return Err(fail(&format_args!("a reader sees {now} after {seen}")));
                }
                seen = snapshot.revision;
                let _ = snapshot.into_keyring().map_err(|damage| {
                    fail(&format_args!("a reader sees half a change: {damage}"))
                })?;
                give_way().await;
            }
            Ok(())
        }));
    }
    tasks.push(Box::pin(async {
        let written = write(&mut subject).await;
        is_over.store(true, Ordering::Relaxed);
        written
    }));
    join_all(tasks).await.into_iter().collect()
}

async fn write<F: Fixture>(subject: &mut Subject<'_, F>) -> Checked {
    for round in 0..8_u64 {
        let millis = 100 + 10 * round;
        let (from, to) = if round % 2 == 0 { ("k1", "k2") } else { ("k2", "k1") };
        subject.applies(&rotation(from, to, millis, true)).await?;
        give_way().await;
        let mut extra = staged("k", 50, millis);
        extra.info.id = KeyId::from(round);
        subject.applies(&Change::Add(extra)).await?;
        give_way().await;
    }
    subject.applies(&retirement("k3", 300)).await?;
    subject.applies(&destruction("k4", 300)).await
}
