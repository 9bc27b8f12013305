//! Checks of the service over a way to the store on which requests and answers get lost.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::model::{
    MaterialOf, active, at, closing, destruction, first, proposal, real, restoration, retirement,
    revocation, rewrapping, rotation, staged, tag, text,
};
use super::subject::{Checked, Subject};
use super::{Fixture, Nonconformance, chain};
use crate::id::KeyId;
use crate::key::Key;
use crate::policy::StrictSingleActive;
use crate::revision::Revision;
use crate::service::{DestroyRequest, Outcome, RotationError, RotationService};
use crate::store::{Change, Commit, CommitError, KeyProvider, Loaded, Proposal};

/// Checks that a change is written once where a request or an answer is lost, and that the service
/// finds out: what is there is done, and what is not is sent again.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn unknown_outcome<F: Fixture>(fixture: &F) -> Checked {
    for loses in [Loses::Answer, Loses::Request] {
        let subject = Subject::empty(fixture, "unknown_outcome").await?;
        let _ = live(subject, loses, false).await?;
    }
    Ok(())
}

/// Checks the same while others write: whenever something is lost, another change is committed
/// before the service sends again. A change whose answer was lost is done, however little of it is
/// left; a change whose request was lost has lost the race.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn unknown_outcome_among_rivals<F: Fixture>(fixture: &F) -> Checked {
    for loses in [Loses::Answer, Loses::Request] {
        let subject = Subject::empty(fixture, "unknown_outcome_among_rivals").await?;
        let _ = live(subject, loses, true).await?;
    }
    Ok(())
}

/// The life of a ring, with a loss at each step.
pub(super) async fn live<F: Fixture>(
    mut subject: Subject<'_, F>,
    loses: Loses,
    has_rivals: bool,
) -> Result<Subject<'_, F>, Nonconformance> {
    let mut created = active("k1", 1, 10);
    created.info.times.added_at = Some(at(10));
    for change in [
        first(created),
        Change::Add(staged("k2", 2, 20)),
        rotation("k1", "k2", 30, false),
        rewrapping("k2", 102),
        retirement("k1", 40),
        revocation("k1", 50),
        restoration("k1", 60),
        destruction("k1", 70),
        closing("k2", 80),
    ] {
        // Nobody rivals for an empty store here: that is a race of its own.
        // And nobody writes to a ring after it was closed.
        let is_last = matches!((&change, loses), (Change::Close(_), Loses::Answer));
        let has_rivals = has_rivals && subject.model.revision != Revision::EMPTY && !is_last;
        step(&mut subject, loses, has_rivals, change).await?;
    }
    Ok(subject)
}

async fn step<F: Fixture>(
    subject: &mut Subject<'_, F>,
    loses: Loses,
    has_rivals: bool,
    change: Change<u8>,
) -> Checked {
    let store = subject.fixture.reopen(&subject.store).await;
    let is_due = AtomicBool::new(true);
    let lossy = Lossy { fixture: subject.fixture, store, loses, is_due, has_rivals };
    let service = RotationService::with_tags(&lossy, StrictSingleActive, tag)
        .acting_as(text("the conformance kit"));
    let is_to_be_done = !(has_rivals && matches!(loses, Loses::Request));
    let is_done = perform(subject.fixture, &service, &change).await;
    let what = format!("{change:?}, whose {loses} was lost");
    let is_done = is_done
        .map_err(|error| subject.fail(format_args!("{what}, cannot be resolved: {error}")))?;

    let head = head(subject).await?;
    let mut of_rival = None;
    if has_rivals {
        let before = if is_to_be_done {
            Revision::new(head.number.wrapping_sub(1), head.tag.wrapping_sub(1))
        } else {
            subject.model.revision
        };
        of_rival = Some(rival(before, head.tag));
    }
    match (is_done, is_to_be_done) {
        (true, false) => {
            return Err(subject.fail(format_args!("{what}, is done, and a rival was faster")));
        }
        (false, true) => {
            return Err(subject.fail(format_args!(
                "{what}, seems to have lost a race against nobody: does a load see what was \
                 committed before it?"
            )));
        }
        (true, true) => {
            let mut written = subject.proposal(change);
            written.next.tag = of_rival.as_ref().map_or(head.tag, |rival| rival.expected.tag);
            subject.was_written(&written)?;
            if let Some(rival) = &of_rival {
                subject.was_written(rival)?;
            }
        }
        (false, false) => {
            if let Some(rival) = &of_rival {
                subject.was_written(rival)?;
            }
            // Now that nothing is lost any more, it is done.
            let again = perform(subject.fixture, &service, &change).await;
            let again = again.map_err(|error| subject.fail(error))?;
            if !again {
                return Err(subject.fail("a race was lost against nobody"));
            }
            let mut written = subject.proposal(change);
            written.next.tag = self::head(subject).await?.tag;
            subject.was_written(&written)?;
        }
    }
    subject.holds(format!("after {what}")).await
}

async fn head<F: Fixture>(subject: &Subject<'_, F>) -> Result<Revision, Nonconformance> {
    match subject.loaded(&subject.store, Revision::EMPTY, "after a loss").await? {
        Loaded::Ring(found) => Ok(found.revision),
        other => Err(subject.fail(super::subject::answer(&other))),
    }
}

/// Asks the service to do this, and returns true if it was done.
async fn perform<F: Fixture, P>(
    fixture: &F,
    service: &RotationService<P, StrictSingleActive>,
    change: &Change<u8>,
) -> Result<bool, String>
where
    P: KeyProvider<Material = MaterialOf<F>>,
{
    let reason = text("a loss on the way");
    match change {
        Change::Create { records, .. } => {
            let Some(record) = records.first() else { return Ok(false) };
            let info = &record.info;
            let made = at(10);
            let key = Key::new(info.id.clone(), fixture.material(*record.material), made);
            let ring = service.bootstrap(key, made).await.map_err(|error| chain(&error))?;
            Ok(*ring.active().id() == info.id)
        }
        Change::Add(record) => {
            let (info, made) = (&record.info, at(20));
            let key = Key::new(info.id.clone(), fixture.material(*record.material), made);
            done(service.add(key, made).await)
        }
        Change::Activate(rotation) => {
            done(service.rotate_to(rotation.to.as_str(), rotation.at).await)
        }
        Change::Retire { retirement, .. } => {
            done(service.retire(retirement.id.as_str(), retirement.at).await)
        }
        Change::Revoke { revocation, .. } => {
            done(service.revoke(revocation.id.as_str(), reason, revocation.at).await)
        }
        Change::Restore(restoration) => {
            done(service.restore(restoration.id.as_str(), reason, restoration.at).await)
        }
        Change::Rewrap { id, material } => {
            done(service.rewrap(id.as_str(), fixture.material(**material), at(35)).await)
        }
        Change::Destroy(tombstone) => {
            let request = DestroyRequest::forced(tombstone.id.as_str(), reason);
            done(service.destroy(request, tombstone.at).await)
        }
        Change::Close(closing) => done(service.close(reason, closing.at).await),
        // No method of the service has this as its only change.
        Change::Date(_) => Ok(false),
    }
}

fn done<T, E: core::error::Error + 'static>(
    outcome: Result<Outcome<T>, RotationError<E>>,
) -> Result<bool, String> {
    match outcome {
        Ok(Outcome::Done(_)) => Ok(true),
        Ok(Outcome::LostRace { .. }) => Ok(false),
        Err(error) => Err(chain(&error)),
    }
}

/// The part of an exchange that gets lost on the way.
#[derive(Clone, Copy)]
pub(super) enum Loses {
    Answer,
    Request,
}

impl fmt::Display for Loses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "answer",
            Self::Request => "request",
        })
    }
}

/// A way to the store on which one commit gets lost, when a loss is due.
struct Lossy<'f, F: Fixture> {
    fixture: &'f F,
    store: F::Provider,
    loses: Loses,
    is_due: AtomicBool,
    /// True if somebody else commits something right after the loss.
    has_rivals: bool,
}

/// What a rival writes after this revision, under a tag that is next to that of the change that was
/// lost.
fn rival(after: Revision, tag: u64) -> Proposal<u8> {
    let number = u16::try_from(after.number).unwrap_or(u16::MAX);
    let mut record = staged("rival", 50, 1);
    record.info.id = KeyId::from(number);
    let mut rival = proposal(after, Change::Add(record));
    rival.next.tag = tag;
    rival
}

/// The error of a commit over a lossy way.
#[derive(Debug, Error)]
enum LossyError<E> {
    #[error("the connection was lost")]
    Lost,
    #[error("the rival was not answered as one who has no rivals")]
    Rival,
    #[error(transparent)]
    Store(E),
}

impl<F: Fixture> Lossy<'_, F> {
    async fn let_a_rival_commit(
        &self,
        lost: &Proposal<MaterialOf<F>>,
    ) -> Result<(), CommitError<LossyError<super::model::ErrorOf<F>>>> {
        if !self.has_rivals {
            return Ok(());
        }
        let after = match self.loses {
            Loses::Answer => lost.next,
            Loses::Request => lost.expected,
        };
        let rival = rival(after, lost.next.tag.wrapping_add(1));
        match self.store.commit(&real(self.fixture, &rival)).await {
            Ok(Commit::Committed) => Ok(()),
            Ok(Commit::Conflict) => Err(CommitError::Refused(LossyError::Rival)),
            Err(error) => Err(error.map(LossyError::Store)),
        }
    }
}

impl<F: Fixture> KeyProvider for Lossy<'_, F> {
    type Material = MaterialOf<F>;
    type Error = LossyError<super::model::ErrorOf<F>>;

    async fn load(&self, seen: Revision) -> Result<Loaded<MaterialOf<F>>, Self::Error> {
        self.store.load(seen).await.map_err(LossyError::Store)
    }

    async fn commit(
        &self,
        proposal: &Proposal<MaterialOf<F>>,
    ) -> Result<Commit, CommitError<Self::Error>> {
        if !self.is_due.swap(false, Ordering::Relaxed) {
            let answer = self.store.commit(proposal).await;
            return answer.map_err(|error| error.map(LossyError::Store));
        }
        if matches!(self.loses, Loses::Answer) {
            let answer = self.store.commit(proposal).await;
            let _ = answer.map_err(|error| error.map(LossyError::Store))?;
        }
        self.let_a_rival_commit(proposal).await?;
        Err(CommitError::Unknown(LossyError::Lost))
    }
}
