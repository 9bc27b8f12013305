//! Checks of the history: an event for each change, and none without one.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::concurrent::{Boxed, give_way, join_all};
use super::lost::{Loses, live};
use super::model::{
    active, at, closing, dating, destruction, first, proposal, restoration, retirement, revocation,
    rewrapping, rotation, staged, tag, text, tombstone,
};
use super::races::{race, rivals};
use super::resends::{drop_each_step, send_at_once};
use super::subject::{Checked, Subject, answer, full_ring};
use super::{Backups, Fixture, Nonconformance, chain};
use crate::audit::{AuditEvent, Grounds, Provenance};
use crate::evidence::Unreferenced;
use crate::id::KeyId;
use crate::revision::Revision;
use crate::store::{Change, Events, History, Loaded};
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// Checks that the history has an event of each change, in their order, with the revision, the
/// keys, the actor, the grounds and the time: of every kind of change, on all grounds, and with
/// texts as long as they may be.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn events<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let mut subject = Subject::empty(fixture, "events").await?;
    has_events(&subject, "a new store").await?;
    for (n, (change, grounds)) in life(&subject)?.into_iter().enumerate() {
        let mut proposal = subject.proposal(change);
        let actors = actors();
        let actor = actors.get(n % actors.len()).cloned();
        let times = [at(0), at(1), at(1_717_171_717_001), at(4_294_967_296_999), Timestamp::MAX];
        let at = times.get(n % times.len()).copied();
        proposal.provenance = Provenance {
            actor: actor.unwrap_or(proposal.provenance.actor),
            grounds,
            at: at.unwrap_or(proposal.provenance.at),
        };
        subject.commits(&proposal).await?;
        has_events(&subject, &format!("after {:?}", proposal.change)).await?;
    }
    Ok(())
}

fn life<F: Fixture>(
    subject: &Subject<'_, F>,
) -> Result<Vec<(Change<u8>, Grounds)>, Nonconformance> {
    let evidence = |id: &'static str| {
        Unreferenced::counted(KeyId::from_static(id), 0, at(1_234_567_890_123))
            .map(Grounds::Unreferenced)
            .map_err(|error| subject.fail(error))
    };
    let records = Vec::from([staged("s2", 2, 10), active("k1", 1, 10), staged("s1", 3, 10)]);
    let destroyed = Vec::from([tombstone("gone", 5), tombstone("a-gone", 6)]);
    let long = || text(&"é".repeat(AuditText::MAX_LEN / 2));
    Ok(Vec::from([
        (Change::Create { records, destroyed }, Grounds::Ordinary),
        (Change::Add(staged("k2", 4, 20)), Grounds::Ordinary),
        (
            rotation("k1", "k2", 30, false),
            Grounds::Emergency(text("INC-4711: it's in a core dump")),
        ),
        (rotation("k2", "k1", 40, true), Grounds::Emergency(long())),
        (dating("s1", 50), Grounds::Ordinary),
        (retirement("s1", 50), evidence("s1")?),
        (revocation("k2", 60), Grounds::Distrust(text("leaked: \"k2\"; -- \\ % ⚷ 鍵"))),
        (restoration("k2", 70), Grounds::Forced(text("revoked by mistake"))),
        (rewrapping("k2", 102), Grounds::Ordinary),
        (destruction("s1", 80), evidence("s1")?),
        (destruction("k2", 90), Grounds::Forced(text("null"))),
        (closing("k1", 100), Grounds::Forced(long())),
    ]))
}

fn actors() -> [AuditText; 5] {
    [
        text("alice"),
        text("o'neill \"the job\" <nightly@example.org>; DROP TABLE events"),
        text("鍵の管理者 — ⚷"),
        text(&"x".repeat(AuditText::MAX_LEN)),
        text(" spaces at both ends "),
    ]
}

/// Checks that the events after a revision are those of what was committed since, for each
/// revision that the store had.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn history_after<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let subject = Subject::full(fixture, "history_after").await?;
    for (n, event) in subject.events.iter().enumerate() {
        let seen = event.revision;
        let expected = subject.events.get(n.saturating_add(1)..).unwrap_or_default();
        match subject.store.history(seen).await {
            Ok(Events::Since(found)) => {
                is_same(&subject, &found, expected, &format!("the history after {seen}"))?;
            }
            other => return Err(no_events(&subject, seen, other)),
        }
    }
    Ok(())
}

/// Checks that one who asks for the events after a revision that the store never had is told so.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn history_of_a_stranger<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let empty = Subject::empty(fixture, "history_of_a_stranger").await?;
    let full = Subject::full(fixture, "history_of_a_stranger").await?;
    for subject in [&empty, &full] {
        let Revision { number, tag: head } = subject.model.revision;
        for seen in [
            Revision::new(number, tag()),
            Revision::new(number.wrapping_add(1), tag()),
            Revision::new(number.wrapping_add(1), head),
            Revision::new(number.saturating_sub(1), tag()),
            Revision::new(u64::MAX, head),
            Revision::new(0, tag()),
        ] {
            has_no_history_of(subject, seen).await?;
        }
    }
    Ok(())
}

async fn has_no_history_of<F>(subject: &Subject<'_, F>, asked: Revision) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    match subject.store.history(asked).await {
        Ok(Events::NotInHistory { seen, found })
            if (seen, found) == (asked, subject.model.revision) =>
        {
            Ok(())
        }
        Err(error) => Err(subject.fail(chain(&error))),
        Ok(other) => {
            let head = subject.model.revision;
            Err(subject.fail(format_args!(
                "the store is at {head} and never was at {asked}, and the history after that is \
                 {other:?}"
            )))
        }
    }
}

/// Checks that a conflict, a mismatch and a second sending make no event.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn no_event_without_a_change<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let mut subject = Subject::full(fixture, "no_event_without_a_change").await?;
    let stale = proposal(Revision::EMPTY, Change::Add(staged("k8", 8, 80)));
    subject.conflicts(&stale).await?;
    has_events(&subject, "after a conflict").await?;
    for misfit in
        [Change::Add(staged("k5", 5, 80)), retirement("k1", 80), first(active("k9", 9, 1))]
    {
        subject.refuses(misfit).await?;
        has_events(&subject, "after a mismatch").await?;
    }
    let again = subject.proposal(rotation("k1", "k3", 80, false));
    subject.commits(&again).await?;
    subject.is_committed(&again).await?;
    has_events(&subject, "after a second sending").await?;
    subject.applies(Change::Add(staged("k9", 9, 90))).await?;
    subject.is_committed(&again).await?;
    has_events(&subject, "after a second sending that came late").await?;
    let at_once = subject.proposal(rewrapping("k3", 103));
    send_at_once(&mut subject, &at_once, 1).await?;
    has_events(&subject, "after the same proposal at once").await
}

/// Checks that a race of many makes one event: that of the winner.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn history_of_a_race<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let mut subject = Subject::full(fixture, "history_of_a_race").await?;
    let losers = race(&mut subject, rivals()).await?;
    has_events(&subject, "after a race").await?;
    for loser in losers {
        has_no_history_of(&subject, loser.next).await?;
    }
    Ok(())
}

/// Checks that one who reads while others commit finds the event of each revision that it loads,
/// and the change of each event that it reads: they are written in one step.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn history_during_commits<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let mut subject = Subject::full(fixture, "history_during_commits").await?;
    let handle = fixture.reopen(&subject.store).await;
    let is_over = AtomicBool::new(false);
    let (is_over, behaviour) = (&is_over, subject.behaviour);
    let tasks: Vec<Boxed<'_, Checked>> = Vec::from([
        Box::pin(read(&handle, is_over, behaviour)) as Boxed<'_, Checked>,
        Box::pin(async {
            let written = write(&mut subject).await;
            is_over.store(true, Ordering::Relaxed);
            written
        }),
    ]);
    join_all(tasks).await.into_iter().collect::<Checked>()?;
    has_events(&subject, "after all").await
}

async fn read<P: History>(store: &P, is_over: &AtomicBool, behaviour: &'static str) -> Checked {
    let fail = |found: &dyn core::fmt::Display| Nonconformance::new(behaviour, found);
    while !is_over.load(Ordering::Relaxed) {
        let loaded = store.load(Revision::EMPTY).await.map_err(|error| fail(&chain(&error)))?;
        let Loaded::Ring(ring) = loaded else {
            return Err(fail(&format_args!("a reader is answered with {}", answer(&loaded))));
        };
        let seen = ring.revision;
        match store.history(seen).await.map_err(|error| fail(&chain(&error)))? {
            Events::Since(_) => {}
            Events::NotInHistory { .. } => {
                return Err(fail(&format_args!("a reader sees {seen}, which has no event")));
            }
        }
        let events = store.history(Revision::EMPTY).await.map_err(|error| fail(&chain(&error)))?;
        let Events::Since(events) = events else {
            return Err(fail(&"all events are not in the history"));
        };
        let Some(last) = events.last().map(|event| event.revision) else {
            return Err(fail(&"a ring with keys has no event"));
        };
        match store.load(last).await.map_err(|error| fail(&chain(&error)))? {
            Loaded::Unchanged { .. } | Loaded::Ring(_) => {}
            Loaded::NotInHistory { found, .. } => {
                return Err(fail(&format_args!(
                    "a reader sees the event of {last}, and the store is at {found}"
                )));
            }
        }
        give_way(1).await;
    }
    Ok(())
}

async fn write<F: Fixture>(subject: &mut Subject<'_, F>) -> Checked {
    for round in 0..8_u8 {
        let (from, to) = if round % 2 == 0 { ("k1", "k2") } else { ("k2", "k1") };
        subject.applies(rotation(from, to, 80, true)).await?;
        give_way(1).await;
    }
    Ok(())
}

/// Checks that a change whose answer or request was lost, or whose sending was dropped, has one
/// event in the end.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn history_after_losses<F>(fixture: &F) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    for loses in [Loses::Answer, Loses::Request] {
        for has_rivals in [false, true] {
            let subject = Subject::empty(fixture, "history_after_losses").await?;
            let mut subject = live(subject, loses, has_rivals).await?;
            // The service has said on which grounds, and when.
            let found = all_events(&subject).await?;
            for (event, found) in subject.events.iter_mut().zip(&found) {
                event.provenance.clone_from(&found.provenance);
            }
            has_events(&subject, "after losses").await?;
        }
    }
    let mut subject = Subject::empty(fixture, "history_after_losses").await?;
    for change in full_ring() {
        subject.applies(change).await?;
    }
    drop_each_step(&mut subject).await?;
    has_events(&subject, "after sendings that were dropped").await
}

/// Checks that the history of a store that was restored from a backup ends with the backup, goes on
/// from there, and knows nothing of what was forgotten.
///
/// It is apart from [`check_history`](super::check_history), because not every store with a history
/// can be restored.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn restored_history<F>(fixture: &F) -> Checked
where
    F: Backups,
    F::Provider: History,
{
    let mut subject = Subject::full(fixture, "restored_history").await?;
    let backup = fixture.backup(&subject.store).await;
    let (model, events) = (subject.model.clone(), subject.events.clone());
    let mut forgotten = Vec::new();
    for change in [Change::Add(staged("k8", 8, 80)), rotation("k1", "k8", 90, false)] {
        subject.applies(change).await?;
        forgotten.push(subject.model.revision);
    }
    fixture.restore(&subject.store, &backup).await;
    (subject.model, subject.events) = (model, events);
    has_events(&subject, "after a restore").await?;
    for change in [Change::Add(staged("k9", 9, 80)), rotation("k1", "k9", 90, false)] {
        subject.applies(change).await?;
        has_events(&subject, "after a restore and a change").await?;
        for revision in &forgotten {
            has_no_history_of(&subject, *revision).await?;
        }
    }
    Ok(())
}

async fn has_events<F>(subject: &Subject<'_, F>, when: &str) -> Checked
where
    F: Fixture,
    F::Provider: History,
{
    let found = all_events(subject).await?;
    is_same(subject, &found, &subject.events, &format!("{when}, the history"))?;
    let other = subject.fixture.reopen(&subject.store).await;
    match other.history(subject.model.revision).await {
        Ok(Events::Since(found)) => {
            is_same(subject, &found, &[], &format!("{when}, the history after the latest revision"))
        }
        other => Err(no_events(subject, subject.model.revision, other)),
    }
}

async fn all_events<F>(subject: &Subject<'_, F>) -> Result<Vec<AuditEvent>, Nonconformance>
where
    F: Fixture,
    F::Provider: History,
{
    let other = subject.fixture.reopen(&subject.store).await;
    match other.history(Revision::EMPTY).await {
        Ok(Events::Since(found)) => Ok(found),
        other => Err(no_events(subject, Revision::EMPTY, other)),
    }
}

fn no_events<F: Fixture, E: core::error::Error>(
    subject: &Subject<'_, F>,
    after: Revision,
    found: Result<Events, E>,
) -> Nonconformance {
    let head = subject.model.revision;
    match found {
        Ok(found) => subject.fail(format_args!(
            "the store is at {head}, and the history after {after}, which it had, is {found:?}"
        )),
        Err(error) => subject.fail(format_args!("the history cannot be read: {error}")),
    }
}

/// The events are these, but for the time of the store, which has its own clock.
fn is_same<F: Fixture>(
    subject: &Subject<'_, F>,
    found: &[AuditEvent],
    expected: &[AuditEvent],
    what: &str,
) -> Checked {
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        return Err(subject.fail(format_args!("{what} has {found} events, not {expected}")));
    }
    for (found, expected) in found.iter().zip(expected) {
        let found = AuditEvent { stored_at: None, ..found.clone() };
        if found != *expected {
            return Err(subject.fail(format_args!("{what} has {found:?}, not {expected:?}")));
        }
    }
    Ok(())
}
