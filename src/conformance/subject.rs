//! [`Subject`]: a store under test, beside a model of what it must hold.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use super::concurrent::give_way;
use super::model::{
    ErrorOf, active, destruction, first, proposal, real, retirement, revocation, rotation, staged,
};
use super::{Fixture, Nonconformance, chain};
use crate::audit::{AuditEvent, Grounds};
use crate::revision::Revision;
use crate::store::{
    Change, ChangeMismatch, Commit, CommitError, KeyProvider, Loaded, Proposal, Snapshot,
};

pub(super) type Checked = Result<(), Nonconformance>;

/// How often a proposal is sent again to a store that answers neither yes nor no.
const RESENDINGS: usize = 64;

/// A store, and what it must hold. The materials of the model are numbers.
pub(super) struct Subject<'f, F: Fixture> {
    pub(super) fixture: &'f F,
    pub(super) behaviour: &'static str,
    pub(super) store: F::Provider,
    pub(super) model: Snapshot<u8>,
    /// The events of what was committed, in their order.
    pub(super) events: Vec<AuditEvent>,
}

/// What became of a proposal, for good.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Committed,
    Conflict,
    Mismatch(ChangeMismatch),
}

/// The number of those who send one and the same proposal at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Senders {
    One,
    Many,
}

impl<'f, F: Fixture> Subject<'f, F> {
    /// A new, empty store.
    pub(super) async fn empty(
        fixture: &'f F,
        behaviour: &'static str,
    ) -> Result<Self, Nonconformance> {
        let fail = |found: &dyn Display| Nonconformance::new(behaviour, found);
        let store = fixture.new_store().await;
        let loaded = store.load(Revision::EMPTY).await;
        let name = match loaded.map_err(|error| fail(&chain(&error)))? {
            Loaded::Ring(found) => found.ring,
            other => {
                let other = answer(&other);
                return Err(fail(&format_args!("a new store is loaded, and answers {other}")));
            }
        };
        let model = Snapshot::empty(name);
        let subject = Self { fixture, behaviour, store, model, events: Vec::new() };
        subject.holds("a new store").await?;
        Ok(subject)
    }

    /// A store with a key of each status and a tombstone: k1 is active, k2 was, k3 is staged, k4 is
    /// retired, k5 was destroyed, and k6 is revoked. The latest time is 70.
    pub(super) async fn full(
        fixture: &'f F,
        behaviour: &'static str,
    ) -> Result<Self, Nonconformance> {
        let mut subject = Self::empty(fixture, behaviour).await?;
        for change in full_ring() {
            subject.applies(change).await?;
        }
        Ok(subject)
    }

    pub(super) fn fail(&self, found: impl Display) -> Nonconformance {
        Nonconformance::new(self.behaviour, found)
    }

    /// The proposal of this change at the revision that the store has.
    pub(super) fn proposal(&self, change: Change<u8>) -> Proposal<u8> {
        proposal(self.model.revision, change)
    }

    /// Sends a change at the revision that the store has: it must be written.
    pub(super) async fn applies(&mut self, change: Change<u8>) -> Checked {
        self.commits(&self.proposal(change)).await
    }

    /// Sends a change on these grounds: it must be written.
    pub(super) async fn applies_on(&mut self, change: Change<u8>, grounds: Grounds) -> Checked {
        let mut proposal = self.proposal(change);
        proposal.provenance.grounds = grounds;
        self.commits(&proposal).await
    }

    /// Sends a proposal that fits: it must be written, and with it what it says.
    pub(super) async fn commits(&mut self, proposal: &Proposal<u8>) -> Checked {
        self.commits_as(proposal, Senders::One).await
    }

    /// Sends a proposal that fits, and that may be on its way already: it must be written.
    pub(super) async fn commits_as(
        &mut self,
        proposal: &Proposal<u8>,
        senders: Senders,
    ) -> Checked {
        let (before, change) = (self.model.revision, &proposal.change);
        match self.settle(&self.store, proposal, senders).await? {
            Settled::Committed => self.was_written(proposal)?,
            Settled::Conflict => {
                return Err(self.fail(format_args!(
                    "{change:?} at the store's revision, {before}, is answered with a conflict"
                )));
            }
            Settled::Mismatch(mismatch) => {
                return Err(self.fail(format_args!("{change:?} fits and is refused: {mismatch}")));
            }
        }
        self.holds(format!("after {change:?}")).await
    }

    /// The change is in the store: so it is in the model.
    pub(super) fn was_written(&mut self, proposal: &Proposal<u8>) -> Checked {
        let change = &proposal.change;
        match self.model.apply(proposal) {
            Ok(Commit::Committed) => {
                self.events.push(proposal.event(self.model.ring.clone(), None));
                Ok(())
            }
            other => Err(self.fail(format_args!("{change:?} is written, which is {other:?}"))),
        }
    }

    /// Sends a proposal that expects another revision: a conflict, and nothing changes.
    pub(super) async fn conflicts(&self, proposal: &Proposal<u8>) -> Checked {
        let (head, change) = (self.model.revision, &proposal.change);
        let expected = proposal.expected;
        match self.settle(&self.store, proposal, Senders::One).await? {
            Settled::Conflict => {}
            Settled::Committed => {
                return Err(self.fail(format_args!(
                    "the store is at {head} and commits what expects {expected}: {change:?}"
                )));
            }
            Settled::Mismatch(mismatch) => {
                return Err(self.fail(format_args!(
                    "the store is at {head}, and what expects {expected} is no conflict but an \
                     error: {mismatch}"
                )));
            }
        }
        self.holds(format!("after a conflict over {change:?}")).await
    }

    /// Sends a proposal that is in the store's history: it is there, and nothing changes.
    pub(super) async fn is_committed(&self, proposal: &Proposal<u8>) -> Checked {
        let (head, next, change) = (self.model.revision, proposal.next, &proposal.change);
        let other = self.fixture.reopen(&self.store).await;
        for store in [&self.store, &other] {
            match self.settle(store, proposal, Senders::One).await? {
                Settled::Committed => {}
                other => {
                    return Err(self.fail(format_args!(
                        "the store is at {head} and has {next} in its history, which is sent \
                         again and answered with {other:?}: {change:?}"
                    )));
                }
            }
        }
        self.holds(format!("after {change:?} was sent again")).await
    }

    /// Sends a change that does not fit, at the revision that the store has: a mismatch, and
    /// nothing changes.
    pub(super) async fn refuses(&self, change: Change<u8>) -> Checked {
        self.refuses_proposal(&self.proposal(change)).await
    }

    /// Sends a proposal that is written at no time: a mismatch, and nothing changes.
    pub(super) async fn refuses_proposal(&self, proposal: &Proposal<u8>) -> Checked {
        let change = &proposal.change;
        let expected = match self.model.clone().apply(proposal) {
            Err(mismatch) => mismatch,
            Ok(_) => return Err(self.fail(format_args!("the kit is wrong: {change:?} fits"))),
        };
        match self.settle(&self.store, proposal, Senders::One).await? {
            Settled::Mismatch(found) if is_as_good(&found, &expected) => {}
            Settled::Mismatch(found) => {
                return Err(self.fail(format_args!(
                    "{change:?} is refused because \"{found}\", and not because \"{expected}\""
                )));
            }
            other => {
                return Err(self.fail(format_args!(
                    "{change:?} does not fit ({expected}), and is answered with {other:?}"
                )));
            }
        }
        self.holds(format!("after a refusal of {change:?}")).await
    }

    /// Sends a proposal once.
    pub(super) async fn send(
        &self,
        store: &F::Provider,
        proposal: &Proposal<u8>,
    ) -> Result<Commit, CommitError<ErrorOf<F>>> {
        store.commit(&real(self.fixture, proposal)).await
    }

    /// Sends a proposal until the store has said what became of it. What says that nothing was
    /// written is taken at its word.
    pub(super) async fn settle(
        &self,
        store: &F::Provider,
        proposal: &Proposal<u8>,
        senders: Senders,
    ) -> Result<Settled, Nonconformance> {
        let change = &proposal.change;
        let mut may_be_on_its_way = senders == Senders::Many;
        let mut last = None;
        for _ in 0..RESENDINGS {
            let error = match self.send(store, proposal).await {
                Ok(Commit::Committed) => return Ok(Settled::Committed),
                Ok(Commit::Conflict) => return Ok(Settled::Conflict),
                Err(CommitError::Mismatch(mismatch)) => return Ok(Settled::Mismatch(mismatch)),
                Err(error) => error,
            };
            match &error {
                CommitError::Unknown(_) => may_be_on_its_way = true,
                _ if may_be_on_its_way => {}
                _ => self.is_not_written(store, proposal).await.map_err(|found| {
                    self.fail(format_args!("{change:?}: \"{}\", and {found}", chain(&error)))
                })?,
            }
            if matches!(error, CommitError::Refused(_)) && !may_be_on_its_way {
                let error = chain(&error);
                return Err(self.fail(format_args!("{change:?} is refused for good: {error}")));
            }
            last = Some(chain(&error));
            give_way(1).await;
        }
        let last = last.unwrap_or_default();
        Err(self.fail(format_args!(
            "it cannot be found out what became of {change:?}, sent {RESENDINGS} times: {last}"
        )))
    }

    async fn is_not_written(
        &self,
        store: &F::Provider,
        proposal: &Proposal<u8>,
    ) -> Result<(), String> {
        match store.load(proposal.next).await {
            Ok(Loaded::NotInHistory { .. }) => Ok(()),
            Ok(other) => Err(format!("its revision is seen: {}", answer(&other))),
            // The store fails altogether, which is reported elsewhere.
            Err(_) => Ok(()),
        }
    }

    /// The store holds what the model holds, through this handle and through another.
    pub(super) async fn holds(&self, when: impl Into<String> + Send) -> Checked {
        let when = when.into();
        self.holds_in(&self.store, &when).await?;
        let other = self.fixture.reopen(&self.store).await;
        self.holds_in(&other, &format!("{when}, through another handle")).await
    }

    async fn holds_in(&self, store: &F::Provider, when: &str) -> Checked {
        let head = self.model.revision;
        let found = match self.loaded(store, Revision::EMPTY, when).await? {
            Loaded::Ring(found) => found,
            other => {
                let other = answer(&other);
                return Err(self.fail(format_args!(
                    "{when}: one who has seen nothing is answered with {other}"
                )));
            }
        };
        self.is_as_in_the_model(&found, when)?;
        if head == Revision::EMPTY {
            return Ok(());
        }
        match self.loaded(store, head, when).await? {
            Loaded::Unchanged { .. } => Ok(()),
            other => {
                let other = answer(&other);
                Err(self.fail(format_args!(
                    "{when}: the store is at {head}, and one who has seen that is answered with \
                     {other}"
                )))
            }
        }
    }

    pub(super) async fn loaded(
        &self,
        store: &F::Provider,
        seen: Revision,
        when: &str,
    ) -> Result<Loaded<super::model::MaterialOf<F>>, Nonconformance> {
        store.load(seen).await.map_err(|error| {
            self.fail(format_args!("{when}: the store does not load: {}", chain(&error)))
        })
    }
}

/// The changes that make a ring with a key of each status, and a tombstone.
pub(super) fn full_ring() -> Vec<Change<u8>> {
    Vec::from([
        first(active("k2", 2, 10)),
        Change::Add(staged("k1", 1, 20)),
        Change::Add(staged("k3", 3, 20)),
        Change::Add(staged("k4", 4, 20)),
        Change::Add(staged("k5", 5, 20)),
        Change::Add(staged("k6", 6, 20)),
        rotation("k2", "k1", 50, false),
        retirement("k4", 60),
        retirement("k5", 60),
        revocation("k6", 60),
        destruction("k5", 70),
    ])
}

/// What a store has answered, without the rows.
pub(super) fn answer<M>(loaded: &Loaded<M>) -> String {
    match loaded {
        Loaded::Unchanged { .. } => String::from("`Unchanged`"),
        Loaded::Ring(snapshot) => {
            format!("a ring of {} keys at {}", snapshot.records.len(), snapshot.revision)
        }
        Loaded::NotInHistory { seen, found } => {
            format!("`NotInHistory`, {seen} being seen and {found} found")
        }
    }
}

/// Of the mismatches that a caller acts on, the very one. Which of several others a store finds
/// first is left to it.
fn is_as_good(found: &ChangeMismatch, expected: &ChangeMismatch) -> bool {
    let is_acted_on = |mismatch: &ChangeMismatch| {
        matches!(
            mismatch,
            ChangeMismatch::NotEmpty { .. }
                | ChangeMismatch::KeyIdTaken { .. }
                | ChangeMismatch::NotTheNext { .. }
                | ChangeMismatch::Closed { .. }
                | ChangeMismatch::Expired { .. }
        )
    };
    core::mem::discriminant(found) == core::mem::discriminant(expected)
        || !(is_acted_on(found) || is_acted_on(expected))
}
