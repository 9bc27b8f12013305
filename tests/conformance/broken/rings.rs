//! Directories that are broken on purpose. Without a fault they are right: a list of all commits,
//! whose places are the marks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use key_rotation::conformance::Directories;
use key_rotation::store::{
    Changed, Commit, CommitError, Loaded, Mark, Proposal, Revision, RingDirectory, RingHead,
    RingName,
};
use key_rotation::{InMemoryKeyProvider, KeyProvider};

use super::give_way;

/// What is wrong with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RingFault {
    /// Nothing is.
    None,
    ListsUnwritten,
    OrderOfMaking,
    FoldsNames,
    FirstRevisions,
    ForgetsClosed,
    ClosedWithoutTime,
    /// Rings that are new, and rings that are closed, and no other change.
    TellsBeginningsAndEnds,
    OrderOfChange,
    OlderMarksTellLess,
    MarksAreTooFar,
    /// A mark that is drawn when a commit begins, and seen when it is done.
    MissesSlowCommits,
}

/// A directory in memory with a fault.
#[derive(Clone)]
pub(crate) struct BrokenRings {
    fault: RingFault,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    rings: BTreeMap<RingName, Arc<InMemoryKeyProvider<u8>>>,
    drawn: u64,
    commits: Vec<(u64, RingHead)>,
    given: u64,
}

impl BrokenRings {
    pub(crate) fn new(fault: RingFault) -> Self {
        Self { fault, inner: Arc::default() }
    }

    fn draw(&self) -> u64 {
        let mut inner = self.inner.lock().unwrap();
        inner.drawn += 1;
        inner.drawn
    }
}

impl Inner {
    /// The latest head of each ring that had a commit after this place.
    fn heads_since(&self, mark: u64, fault: RingFault) -> Vec<RingHead> {
        let mut heads: Vec<RingHead> = Vec::new();
        for (place, head) in &self.commits {
            let is_told = fault != RingFault::TellsBeginningsAndEnds
                || head.revision.number == 1
                || head.closed.is_some();
            if *place <= mark || !is_told {
                continue;
            }
            match heads.iter_mut().find(|there| there.ring == head.ring) {
                Some(_) if fault == RingFault::FirstRevisions => {}
                Some(there) => *there = head.clone(),
                None => heads.push(head.clone()),
            }
        }
        heads
    }
}

impl RingDirectory for BrokenRings {
    type Error = Infallible;

    async fn rings(&self) -> Result<Vec<RingHead>, Infallible> {
        let inner = self.inner.lock().unwrap();
        // It is a list of all, whatever is told of changes.
        let fault = match self.fault {
            RingFault::TellsBeginningsAndEnds => RingFault::None,
            fault => fault,
        };
        let mut heads = inner.heads_since(0, fault);
        match self.fault {
            RingFault::ListsUnwritten => {
                let is_listed = |ring: &RingName| heads.iter().any(|head| head.ring == *ring);
                let rings = inner.rings.keys().filter(|ring| !is_listed(ring)).cloned();
                let unwritten: Vec<_> = rings
                    .map(|ring| RingHead { ring, revision: Revision::EMPTY, closed: None })
                    .collect();
                heads.extend(unwritten);
            }
            RingFault::OrderOfMaking => return Ok(heads),
            RingFault::ForgetsClosed => heads.retain(|head| head.closed.is_none()),
            RingFault::ClosedWithoutTime => heads.iter_mut().for_each(|head| head.closed = None),
            _ => {}
        }
        heads.sort_by(|a, b| a.ring.cmp(&b.ring));
        Ok(heads)
    }

    async fn changed_since(&self, mark: Mark) -> Result<Changed, Infallible> {
        let mut inner = self.inner.lock().unwrap();
        let mut rings = inner.heads_since(mark.number(), self.fault);
        if self.fault != RingFault::OrderOfChange {
            rings.sort_by(|a, b| a.ring.cmp(&b.ring));
        }
        let is_older = mark != Mark::START && mark.number() < inner.given;
        if self.fault == RingFault::OlderMarksTellLess && is_older {
            rings.clear();
        }
        let latest = inner.commits.iter().map(|(place, _)| *place).max().unwrap_or(0);
        let further = u64::from(self.fault == RingFault::MarksAreTooFar && latest % 7 == 6);
        inner.given = latest + further;
        Ok(Changed { rings, mark: Mark::new(inner.given) })
    }
}

/// A ring of a directory.
pub(crate) struct BrokenRing {
    directory: BrokenRings,
    store: Arc<InMemoryKeyProvider<u8>>,
}

impl KeyProvider for BrokenRing {
    type Material = u8;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<u8>, Infallible> {
        self.store.load(seen).await
    }

    async fn commit(&self, proposal: &Proposal<u8>) -> Result<Commit, CommitError<Infallible>> {
        let is_slow = self.directory.fault == RingFault::MissesSlowCommits;
        let drawn = is_slow.then(|| self.directory.draw());
        if let Some(drawn) = drawn {
            give_way(drawn % 2 * 4).await;
        }
        let answer = self.store.commit(proposal).await;
        if let (Ok(Commit::Committed), Ok(Loaded::Ring(found))) =
            (&answer, self.store.load(Revision::EMPTY).await)
        {
            let head =
                RingHead { ring: found.ring, revision: found.revision, closed: found.closed };
            let place = drawn.unwrap_or_else(|| self.directory.draw());
            self.directory.inner.lock().unwrap().commits.push((place, head));
        }
        answer
    }
}

impl Directories for BrokenRings {
    type Directory = Self;
    type Provider = BrokenRing;

    async fn new_directory(&self) -> Self {
        Self::new(self.fault)
    }

    async fn ring(&self, directory: &Self, name: &RingName) -> BrokenRing {
        let name: RingName = match self.fault {
            RingFault::FoldsNames => name.as_str().to_lowercase().parse().unwrap(),
            _ => name.clone(),
        };
        let mut inner = directory.inner.lock().unwrap();
        let ring = inner
            .rings
            .entry(name.clone())
            .or_insert_with(|| Arc::new(InMemoryKeyProvider::named(name)));
        BrokenRing { directory: directory.clone(), store: Arc::clone(ring) }
    }

    fn material(&self, number: u8) -> u8 {
        number
    }
}
