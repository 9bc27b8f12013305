//! Checks of proposals that are sent more than once: it is written once, and every sending is told
//! the same.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::concurrent::{Boxed, dropped_after, give_way, join_all};
use super::model::{
    active, at, destruction, first, proposal, revocation, rewrapping, rotation, staged,
};
use super::races::{race, rivals};
use super::subject::{Checked, Senders, Settled, Subject, answer, full_ring};
use super::{Fixture, Nonconformance};
use crate::id::KeyId;
use crate::key::{KeyRecord, Rotation};
use crate::revision::Revision;
use crate::store::{Change, KeyProvider, Loaded, Proposal};

/// The number of sendings at once.
const SENDINGS: usize = 8;

/// The number of steps after which a sending is done, at the most, for it to be dropped at each.
const STEPS: usize = 64;

/// Checks that one proposal that is sent eight times at once is written once, and that all eight
/// are told that it is there: of each kind of change, the first of an empty store too.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn same_proposal_at_once<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "same_proposal_at_once").await?;
    for change in full_ring() {
        let proposal = subject.proposal(change);
        send_at_once(&mut subject, &proposal, 0).await?;
    }
    let proposal = subject.proposal(rewrapping("k1", 101));
    send_at_once(&mut subject, &proposal, 0).await
}

/// Checks that a proposal that is sent again while its first sending is under way is written once,
/// and that both are told that it is there: with the second one step behind the first, two steps,
/// and so on.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn resend_in_flight<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "resend_in_flight").await?;
    for steps in 1..=SENDINGS {
        let number = u8::try_from(steps).unwrap_or(u8::MAX);
        let mut record = staged("k", number, 80);
        record.info.id = KeyId::from(number);
        let added = subject.proposal(Change::Add(record));
        send_at_once(&mut subject, &added, steps).await?;
        let (from, to) = if steps % 2 == 0 { ("k2", "k1") } else { ("k1", "k2") };
        let rotated = subject.proposal(rotation(from, to, 80, true));
        send_at_once(&mut subject, &rotated, steps).await?;
    }
    Ok(())
}

/// Sends the proposal several times, each sending so many steps after the one before.
pub(super) async fn send_at_once<F: Fixture>(
    subject: &mut Subject<'_, F>,
    proposal: &Proposal<u8>,
    steps: usize,
) -> Checked {
    let mut handles = Vec::new();
    for _ in 0..SENDINGS {
        handles.push(subject.fixture.reopen(&subject.store).await);
    }
    let here: &Subject<'_, F> = subject;
    let mut sendings: Vec<Boxed<'_, Result<Settled, Nonconformance>>> = Vec::new();
    for (n, handle) in handles.iter().enumerate() {
        sendings.push(Box::pin(async move {
            give_way(n * steps).await;
            here.settle(handle, proposal, Senders::Many).await
        }));
    }
    let change = &proposal.change;
    for settled in join_all(sendings).await {
        let settled = settled?;
        if settled != Settled::Committed {
            return Err(subject.fail(format_args!(
                "one of {SENDINGS} sendings of the same proposal is answered with {settled:?}: \
                 {change:?}"
            )));
        }
    }
    subject.was_written(proposal)?;
    subject.holds(alloc::format!("after {SENDINGS} sendings of {change:?}")).await
}

/// Checks that each proposal of a ring's life is still found when others have been committed after
/// it, whatever has become of its key since, and that a second sending changes nothing.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn resend_after_others<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "resend_after_others").await?;
    let mut sent: Vec<Proposal<u8>> = Vec::new();
    let mut changes = full_ring();
    changes.extend([
        rotation("k1", "k3", 80, false),
        rotation("k3", "k1", 80, true),
        rotation("k1", "k3", 80, true),
        revocation("k1", 90),
        rewrapping("k3", 103),
        destruction("k1", 100),
    ]);
    for change in changes {
        let proposal = subject.proposal(change);
        subject.commits(&proposal).await?;
        subject.is_committed(&proposal).await?;
        sent.push(proposal);
    }
    for proposal in &sent {
        subject.is_committed(proposal).await?;
    }
    Ok(())
}

/// Checks that a proposal that was answered with a conflict is never written: not after others
/// have committed, not if its change would fit again, and not if the same change was committed by
/// another.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn resend_after_conflict<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "resend_after_conflict").await?;
    let losers = race(&mut subject, rivals_that_leave_the_ring()).await?;
    for loser in &losers {
        subject.conflicts(loser).await?;
    }
    // There and back, so that what the losers expected is again so, but for the revision.
    subject.applies(Change::Add(staged("k10", 10, 90))).await?;
    let is_active = |record: &&KeyRecord<u8>| record.info.status.can_encrypt();
    let Some(from) =
        subject.model.records.iter().find(is_active).map(|record| record.info.id.clone())
    else {
        return Ok(());
    };
    let to = KeyId::from_static("k10");
    let rotated = |from: &KeyId, to: &KeyId, again| {
        Change::Activate(Rotation::new(from.clone(), to.clone(), at(90), again))
    };
    subject.applies(rotated(&from, &to, false)).await?;
    subject.applies(rotated(&to, &from, true)).await?;
    for loser in &losers {
        subject.conflicts(loser).await?;
    }

    // In an empty store too.
    let mut subject = Subject::empty(fixture, "resend_after_conflict").await?;
    let late = proposal(Revision::EMPTY, first(active("k1", 1, 10)));
    subject.applies(first(active("k1", 2, 10))).await?;
    for change in [Change::Add(staged("k3", 3, 20)), rotation("k1", "k3", 30, false)] {
        subject.conflicts(&late).await?;
        subject.applies(change).await?;
    }
    subject.conflicts(&late).await
}

fn rivals_that_leave_the_ring() -> Vec<Change<u8>> {
    let closes = |change: &Change<u8>| matches!(change, Change::Close(_));
    let mut rivals = rivals();
    rivals.retain(|change| !closes(change));
    rivals
}

/// Checks that a sending and a load may be dropped at every step, as a timeout does it: nothing is
/// half-done after it, other handles go on, and the same proposal, sent again, is written once.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn dropped_futures<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "dropped_futures").await?;
    drop_each_step(&mut subject).await
}

pub(super) async fn drop_each_step<F: Fixture>(subject: &mut Subject<'_, F>) -> Checked {
    for steps in 1..=STEPS {
        let (from, to) = if steps % 2 == 0 { ("k2", "k1") } else { ("k1", "k2") };
        let proposal = subject.proposal(rotation(from, to, 80, true));
        let sent = dropped_after(steps, subject.send(&subject.store, &proposal)).await;
        reads_whole(subject, &proposal).await?;
        // The first sending may still be on its way.
        subject.commits_as(&proposal, Senders::Many).await?;

        let loaded = dropped_after(steps, subject.store.load(Revision::EMPTY)).await;
        subject.holds("after a load was dropped").await?;
        if sent.is_some() && loaded.is_some() {
            break;
        }
    }
    Ok(())
}

/// Another reader sees the ring as it was, or as it will be.
async fn reads_whole<F: Fixture>(subject: &Subject<'_, F>, dropped: &Proposal<u8>) -> Checked {
    let when = "after a sending was dropped";
    let other = subject.fixture.reopen(&subject.store).await;
    match subject.loaded(&other, Revision::EMPTY, when).await? {
        Loaded::Ring(found) if found.revision == subject.model.revision => {
            subject.is_as_in_the_model(&found, when)
        }
        Loaded::Ring(found) if found.revision == dropped.next => found
            .into_keyring()
            .map(drop)
            .map_err(|damage| subject.fail(format_args!("{when}: {damage}"))),
        found => {
            let found = answer(&found);
            Err(subject.fail(format_args!("{when}: a reader is answered with {found}")))
        }
    }
}
