//! Checks with answers that do not come.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::subject::{
    Checked, Subject, active, at, destruction, real, retirement, rotation, staged,
};
use super::{Fixture, Nonconformance, chain};
use crate::id::KeyId;
use crate::key::Key;
use crate::policy::StrictSingleActive;
use crate::revision::Revision;
use crate::service::RotationError;
use crate::service::{Outcome, RotationService};
use crate::status::Inactive;
use crate::store::{Change, Commit, KeyProvider, Snapshot};

/// Checks that a store that is out of reach says so: loading is an error, and not an empty ring or
/// a part of one. A commit is neither a conflict nor done, nor refused for good.
///
/// `out_of_reach` is a provider of the fixture's kind whose store cannot be reached: a server that
/// is down, a file in a folder that is gone.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn outage<F: Fixture>(fixture: &F, out_of_reach: &F::Provider) -> Checked {
    let fail = |found: String| Nonconformance::new("outage", found);
    if let Ok(snapshot) = out_of_reach.load().await {
        let seen = snapshot.records.len();
        return Err(fail(format!("a store that is out of reach loads {seen} keys")));
    }
    for (revision, change) in [
        (Revision::EMPTY, Change::Create(active("k1", 1, 10))),
        (Revision::new(1), Change::Add(staged("k2", 2, 10))),
        (Revision::new(1), rotation("k1", "k2", 10, false)),
        (Revision::new(1), retirement("k2", 10)),
        (Revision::new(1), destruction("k2", 10)),
    ] {
        let found = match out_of_reach.commit(revision, &real(fixture, &change)).await {
            Ok(answer) => format!("answers {answer:?}"),
            Err(error) if F::Provider::is_refusal(&error) => String::from("refuses for good"),
            Err(_) => continue,
        };
        return Err(fail(format!("a store that is out of reach {found}: {change:?}")));
    }
    Ok(())
}

/// Checks that a change happens once where an answer or a request is lost, and that the service can
/// tell. A change that is there is found, one that is not is sent again, and the same change sent
/// twice under one revision is written once.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn unknown_outcome<F: Fixture>(fixture: &F) -> Checked {
    for loses in [Loses::Answer, Loses::Request] {
        let subject = Subject::empty(fixture, "unknown_outcome").await?;
        resolve(subject, loses).await?;
    }
    let mut subject = Subject::full(fixture, "unknown_outcome").await?;
    for change in [
        Change::Add(staged("k6", 6, 80)),
        rotation("k1", "k6", 90, false),
        retirement("k1", 100),
        destruction("k1", 110),
    ] {
        let before = subject.model.revision;
        subject.applies(&change).await?;
        subject.conflicts(before, &change).await?;
    }
    Ok(())
}

/// The life of a ring, with a loss at each step.
async fn resolve<F: Fixture>(mut subject: Subject<'_, F>, loses: Loses) -> Checked {
    let key = |id: &'static str, number, millis| -> Key<Inactive, _> {
        Key::new(KeyId::from_static(id), subject.fixture.material(number), at(millis))
    };
    let (first, second) = (key("k1", 1, 10), key("k2", 2, 20));
    let store = subject.fixture.reopen(&subject.store).await;
    let lossy = Lossy { store, loses, is_due: AtomicBool::new(false) };
    let service = RotationService::new(&lossy, StrictSingleActive);

    lossy.is_due.store(true, Ordering::Relaxed);
    let ring = service.bootstrap(first, at(10)).await;
    let ring = ring.map_err(|error| subject.fail(lost(loses, "a first key", &error)))?;
    if ring.active().id().as_str() != "k1" {
        return Err(subject.fail("another first key than the one that was stored"));
    }
    let mut first = active("k1", 1, 10);
    first.info.times.added_at = Some(at(10));
    step(&mut subject, &Change::Create(first)).await?;

    lossy.is_due.store(true, Ordering::Relaxed);
    is_done(&subject, loses, "a new key", service.add(second, at(20)).await)?;
    step(&mut subject, &Change::Add(staged("k2", 2, 20))).await?;

    lossy.is_due.store(true, Ordering::Relaxed);
    is_done(&subject, loses, "an activation", service.rotate_to("k2", at(30)).await)?;
    step(&mut subject, &rotation("k1", "k2", 30, false)).await?;

    lossy.is_due.store(true, Ordering::Relaxed);
    is_done(&subject, loses, "a retirement", service.retire("k1", at(40)).await)?;
    step(&mut subject, &retirement("k1", 40)).await?;

    lossy.is_due.store(true, Ordering::Relaxed);
    is_done(&subject, loses, "a destruction", service.destroy("k1", at(50)).await)?;
    step(&mut subject, &destruction("k1", 50)).await
}

/// The change is there once: the store holds what the model holds after it.
async fn step<F: Fixture>(subject: &mut Subject<'_, F>, change: &Change<u8>) -> Checked {
    let loaded = subject.store.load().await;
    let found = loaded.map_err(|error| subject.fail(chain(&error)))?;
    subject.was_written(change, found.revision)?;
    subject.holds(format!("after the answer to {change:?} was lost")).await
}

fn is_done<F: Fixture, T, E: core::error::Error + 'static>(
    subject: &Subject<'_, F>,
    loses: Loses,
    what: &str,
    outcome: Result<Outcome<T>, RotationError<E>>,
) -> Checked {
    match outcome {
        Ok(Outcome::Done(_)) => Ok(()),
        Ok(Outcome::LostRace { .. }) => Err(subject.fail(format_args!(
            "{what}, {loses} lost, seems to have lost a race against nobody: does a load see what \
             was committed before it?"
        ))),
        Err(error) => Err(subject.fail(lost(loses, what, &error))),
    }
}

fn lost(loses: Loses, what: &str, error: &(dyn core::error::Error + 'static)) -> String {
    format!("{what}, {loses} lost, cannot be resolved: {}", chain(error))
}

/// The part of an exchange that gets lost on the way.
#[derive(Clone, Copy)]
enum Loses {
    Answer,
    Request,
}

impl fmt::Display for Loses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "whose answer was",
            Self::Request => "whose request was",
        })
    }
}

/// A way to the store on which one commit gets lost, each time that a loss is due.
struct Lossy<P> {
    store: P,
    loses: Loses,
    is_due: AtomicBool,
}

/// The error of a commit over a lossy way.
#[derive(Debug, Error)]
enum LossyError<E> {
    #[error("the connection was lost")]
    Lost,
    #[error(transparent)]
    Store(E),
}

impl<P: KeyProvider> KeyProvider for Lossy<P> {
    type Material = P::Material;
    type Error = LossyError<P::Error>;

    async fn load(&self) -> Result<Snapshot<P::Material>, Self::Error> {
        self.store.load().await.map_err(LossyError::Store)
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<P::Material>,
    ) -> Result<Commit, Self::Error> {
        let is_lost = self.is_due.swap(false, Ordering::Relaxed);
        if is_lost && matches!(self.loses, Loses::Request) {
            return Err(LossyError::Lost);
        }
        let answer = self.store.commit(expected, change).await.map_err(LossyError::Store)?;
        if is_lost { Err(LossyError::Lost) } else { Ok(answer) }
    }

    fn is_refusal(error: &Self::Error) -> bool {
        matches!(error, LossyError::Store(error) if P::is_refusal(error))
    }
}
