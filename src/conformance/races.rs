//! Checks of writers who come late, and of writers who come at the same time.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Display;
use core::sync::atomic::{AtomicBool, Ordering};

use super::concurrent::{Boxed, give_way, join_all};
use super::model::{
    active, closing, destruction, first, proposal, restoration, retirement, revocation, rewrapping,
    rotation, staged, tag,
};
use super::subject::{Checked, Senders, Settled, Subject, answer};
use super::{Fixture, Nonconformance, chain};
use crate::id::KeyId;
use crate::revision::Revision;
use crate::store::{Change, KeyProvider, Loaded, Proposal};

/// The number of rivals.
const RIVALS: u8 = 16;

/// The number of turns that readers have between two commits: each loads more than once, and so
/// notices a load that is older than the one before.
const BETWEEN_COMMITS: usize = 4;

/// Checks that a change that expects another revision than the store's is a conflict: not an error,
/// and never written. The other revision is an older one, a newer one, or one of the same number
/// with another tag.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn stale_revision<F: Fixture>(fixture: &F) -> Checked {
    let empty = Subject::empty(fixture, "stale_revision").await?;
    for expected in [Revision::new(1, tag()), Revision::new(0, tag())] {
        empty.conflicts(&proposal(expected, first(active("k1", 1, 10)))).await?;
    }

    let subject = Subject::full(fixture, "stale_revision").await?;
    let Revision { number, tag: head } = subject.model.revision;
    let changes = [
        first(active("k9", 9, 80)),
        Change::Add(staged("k9", 9, 80)),
        rotation("k1", "k3", 80, false),
        retirement("k3", 80),
        revocation("k3", 80),
        restoration("k6", 80),
        rewrapping("k1", 101),
        destruction("k4", 80),
        closing("k1", 80),
    ];
    let older = subject.events.iter().rev().nth(1).map(|event| event.revision);
    for change in &changes {
        for expected in [
            Revision::EMPTY,
            older.unwrap_or(Revision::EMPTY),
            Revision::new(number, tag()),
            Revision::new(number, head.wrapping_add(1)),
            Revision::new(number.wrapping_add(1), head),
            Revision::new(Revision::MAX_NUMBER - 1, head),
        ] {
            subject.conflicts(&proposal(expected, change.clone())).await?;
        }
    }
    Ok(())
}

/// Checks that of many processes that create the first key of an empty store at once, one does, and
/// the others are told that they did not.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn create_race<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "create_race").await?;
    let rivals = (0..RIVALS).map(|number| {
        let mut record = active("k", number, 10);
        record.info.id = KeyId::from(number);
        first(record)
    });
    race(&mut subject, rivals.collect()).await.map(drop)
}

/// Checks that of several changes under one revision, one is written, and the others are conflicts.
/// The revision of the winner is in the store's history, and that of no other is.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn writer_race<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "writer_race").await?;
    race(&mut subject, rivals()).await?;
    // Rivals with one and the same change: of two jobs with one plan, one is told that it did it.
    let mut subject = Subject::full(fixture, "writer_race").await?;
    let same = (0..RIVALS).map(|_| rotation("k1", "k3", 80, false));
    race(&mut subject, same.collect()).await.map(drop)
}

pub(super) fn rivals() -> Vec<Change<u8>> {
    Vec::from([
        rotation("k1", "k3", 80, false),
        rotation("k1", "k2", 80, true),
        retirement("k3", 80),
        retirement("k2", 80),
        revocation("k3", 80),
        revocation("k4", 80),
        restoration("k6", 80),
        destruction("k4", 80),
        destruction("k6", 80),
        rewrapping("k1", 101),
        closing("k1", 80),
        Change::Add(staged("k7", 7, 80)),
        Change::Add(staged("k8", 8, 80)),
    ])
}

/// Sends these changes at once, each under the revision that the store has, and returns the
/// proposals of the losers.
pub(super) async fn race<F: Fixture>(
    subject: &mut Subject<'_, F>,
    rivals: Vec<Change<u8>>,
) -> Result<Vec<Proposal<u8>>, Nonconformance> {
    let proposals: Vec<_> = rivals.into_iter().map(|change| subject.proposal(change)).collect();
    let mut handles = Vec::new();
    for _ in &proposals {
        handles.push(subject.fixture.reopen(&subject.store).await);
    }
    let here: &Subject<'_, F> = subject;
    let commits = handles.iter().zip(&proposals).map(|(handle, proposal)| {
        Box::pin(here.settle(handle, proposal, Senders::One)) as Boxed<'_, _>
    });
    let settled = join_all(commits.collect()).await;

    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    for (proposal, settled) in proposals.into_iter().zip(settled) {
        match settled? {
            Settled::Committed => winners.push(proposal),
            Settled::Conflict => losers.push(proposal),
            Settled::Mismatch(mismatch) => {
                return Err(subject.fail(format_args!("to lose a race is no error: {mismatch}")));
            }
        }
    }
    match winners.as_slice() {
        [winner] => subject.was_written(winner)?,
        _ => {
            let all = winners.len() + losers.len();
            return Err(subject.fail(format_args!(
                "{} of {all} changes under one revision are committed: {:?}",
                winners.len(),
                winners.iter().map(|winner| &winner.change).collect::<Vec<_>>(),
            )));
        }
    }
    subject.holds("after a race").await?;
    for loser in &losers {
        super::loads::is_strange(subject, loser.next).await?;
    }
    Ok(losers)
}

/// Checks that a writer whose sending is under way while another's is written is told of the
/// conflict: its change is not written under a revision that it never saw. A client of the store
/// that tries again by itself must not read anew before it does.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn overtaken_writer<F: Fixture>(fixture: &F) -> Checked {
    for head_start in 0..8 {
        let mut subject = Subject::full(fixture, "overtaken_writer").await?;
        let slow = subject.proposal(Change::Add(staged("k8", 8, 80)));
        let quick = subject.proposal(Change::Add(staged("k9", 9, 80)));
        let (one, other) =
            (fixture.reopen(&subject.store).await, fixture.reopen(&subject.store).await);
        let here = &subject;
        let settled = join_all(Vec::from([
            Box::pin(here.settle(&one, &slow, Senders::One)) as Boxed<'_, _>,
            Box::pin(async {
                give_way(head_start).await;
                here.settle(&other, &quick, Senders::One).await
            }),
        ]))
        .await;
        let settled: Vec<Settled> = settled.into_iter().collect::<Result<_, _>>()?;
        let (winner, loser) = match settled.as_slice() {
            [Settled::Committed, Settled::Conflict] => (&slow, &quick),
            [Settled::Conflict, Settled::Committed] => (&quick, &slow),
            other => {
                return Err(subject.fail(format_args!(
                    "of two changes under one revision, of which one was under way {head_start} \
                     steps before the other, one is written, and not {other:?}"
                )));
            }
        };
        subject.was_written(winner)?;
        subject.holds("after one writer has overtaken another").await?;
        subject.conflicts(loser).await?;
    }
    Ok(())
}

/// Checks that a reader who loads while others commit gets a whole ring, with one active key, never
/// an older one than before, and never the answer that what it has seen was not there.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn reader_during_commits<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "reader_during_commits").await?;
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(fixture.reopen(&subject.store).await);
    }
    let is_over = AtomicBool::new(false);
    let is_over = &is_over;
    let behaviour = subject.behaviour;
    let mut tasks: Vec<Boxed<'_, Checked>> = Vec::new();
    for handle in &handles {
        tasks.push(Box::pin(read(handle, is_over, behaviour)));
    }
    tasks.push(Box::pin(async {
        let written = write(&mut subject).await;
        is_over.store(true, Ordering::Relaxed);
        written
    }));
    join_all(tasks).await.into_iter().collect()
}

async fn read<P: KeyProvider>(store: &P, is_over: &AtomicBool, behaviour: &'static str) -> Checked {
    let fail = |found: &dyn Display| Nonconformance::new(behaviour, found);
    let mut seen = Revision::EMPTY;
    let mut asks_anew = true;
    while !is_over.load(Ordering::Relaxed) {
        let asked = if asks_anew { Revision::EMPTY } else { seen };
        asks_anew = !asks_anew;
        match store.load(asked).await.map_err(|error| fail(&chain(&error)))? {
            Loaded::Ring(snapshot) => {
                let now = snapshot.revision;
                if now.number < seen.number || now.number == seen.number && now != seen {
                    return Err(fail(&format_args!("a reader sees {now} after {seen}")));
                }
                seen = now;
                let _ = snapshot.into_keyring().map_err(|damage| {
                    fail(&format_args!("a reader sees half a change: {damage}"))
                })?;
            }
            Loaded::Unchanged { .. } if asked != Revision::EMPTY => {}
            other => {
                let other = answer(&other);
                return Err(fail(&format_args!(
                    "a reader who has seen {asked} is answered with {other}"
                )));
            }
        }
        give_way(1).await;
    }
    Ok(())
}

async fn write<F: Fixture>(subject: &mut Subject<'_, F>) -> Checked {
    for round in 0..8_u8 {
        let millis = 100 + 10 * u64::from(round);
        let (from, to) = if round % 2 == 0 { ("k1", "k2") } else { ("k2", "k1") };
        subject.applies(rotation(from, to, millis, true)).await?;
        give_way(BETWEEN_COMMITS).await;
        let mut extra = staged("k", 50, millis);
        extra.info.id = KeyId::from(round);
        subject.applies(Change::Add(extra)).await?;
        give_way(BETWEEN_COMMITS).await;
    }
    subject.applies(retirement("k3", 300)).await?;
    subject.applies(destruction("k4", 300)).await
}
