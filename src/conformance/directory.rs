//! Checks of a directory: the rings of one store.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::concurrent::{Boxed, give_way, join_all};
use super::model::{active, closing, first, proposal, rotation, staged, with_materials};
use super::subject::Checked;
use super::{Directories, Nonconformance, chain};
use crate::id::KeyId;
use crate::revision::Revision;
use crate::ring_name::RingName;
use crate::store::{
    Change, Commit, CommitError, KeyProvider, Mark, RingDirectory, RingHead, Snapshot,
};

/// How often a proposal is sent again to a store that answers neither yes nor no.
const RESENDINGS: usize = 64;

/// A name as long as may be.
const LONG: &str = "ring0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\
                    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The names of rings, with a meaning in SQL, in paths or in patterns, and different in case alone.
const NAMES: [&str; 12] =
    ["payments", "Payments", "a", "Z", "_", "%", "a/b", "..", "'", "10", "9", LONG];

/// A directory under test, beside what it must list.
struct Subject<'f, F: Directories> {
    fixture: &'f F,
    behaviour: &'static str,
    directory: F::Directory,
    rings: BTreeMap<RingName, Snapshot<u8>>,
}

impl<'f, F: Directories> Subject<'f, F> {
    async fn new(fixture: &'f F, behaviour: &'static str) -> Self {
        let directory = fixture.new_directory().await;
        Self { fixture, behaviour, directory, rings: BTreeMap::new() }
    }

    fn fail(&self, found: impl core::fmt::Display) -> Nonconformance {
        Nonconformance::new(self.behaviour, found)
    }

    fn heads(&self) -> Vec<RingHead> {
        let heads = self.rings.values().map(|ring| RingHead {
            ring: ring.ring.clone(),
            revision: ring.revision,
            closed: ring.closed,
        });
        heads.collect()
    }

    async fn applies(&mut self, name: &RingName, change: Change<u8>) -> Checked {
        let store = self.fixture.ring(&self.directory, name).await;
        let before = self.rings.get(name).cloned().unwrap_or(Snapshot::empty(name.clone()));
        let after = commit(self.fixture, &store, self.behaviour, before, change).await?;
        self.rings.insert(name.clone(), after);
        Ok(())
    }

    /// The directory lists what it must.
    async fn lists(&self, when: &str) -> Checked {
        let found = self.directory.rings().await.map_err(|error| self.fail(chain(&error)))?;
        let expected = self.heads();
        if found == expected {
            return Ok(());
        }
        Err(self.fail(format_args!("{when}, the rings are {found:?}, not {expected:?}")))
    }

    /// Every ring of which something else is known has changed since the mark.
    async fn catches_up(&self, known: &mut Known, when: &str) -> Checked {
        known.poll(&self.directory, self.behaviour).await?;
        let expected = self.heads();
        let found: Vec<_> = known.rings.values().cloned().collect();
        if found == expected {
            return Ok(());
        }
        Err(self.fail(format_args!(
            "{when}, one who asks what has changed knows {found:?}, not {expected:?}"
        )))
    }
}

/// Commits a change that fits, and returns the ring after it.
async fn commit<F: Directories>(
    fixture: &F,
    store: &F::Provider,
    behaviour: &'static str,
    mut ring: Snapshot<u8>,
    change: Change<u8>,
) -> Result<Snapshot<u8>, Nonconformance> {
    let fail = |found: &dyn core::fmt::Display| Nonconformance::new(behaviour, found);
    let of_numbers = proposal(ring.revision, change);
    let mut sent = proposal(
        ring.revision,
        with_materials(&of_numbers.change, |number| fixture.material(number)),
    );
    sent.next = of_numbers.next;
    for _ in 0..RESENDINGS {
        match store.commit(&sent).await {
            Ok(Commit::Committed) => {
                let _ = ring.apply(&of_numbers).map_err(|mismatch| fail(&mismatch))?;
                return Ok(ring);
            }
            Ok(Commit::Conflict) => return Err(fail(&"a conflict with nobody")),
            Err(CommitError::NotWritten(_) | CommitError::Unknown(_)) => give_way(1).await,
            Err(error) => return Err(fail(&chain(&error))),
        }
    }
    Err(fail(&"a change that fits is not written"))
}

/// What one knows of the rings who asks what has changed since a mark.
struct Known {
    mark: Mark,
    rings: BTreeMap<RingName, RingHead>,
}

impl Known {
    fn nothing() -> Self {
        Self { mark: Mark::START, rings: BTreeMap::new() }
    }

    async fn poll<D: RingDirectory>(&mut self, directory: &D, behaviour: &'static str) -> Checked {
        let changed = directory.changed_since(self.mark).await;
        let changed = changed.map_err(|error| Nonconformance::new(behaviour, chain(&error)))?;
        if !changed.rings.is_sorted_by(|a, b| a.ring < b.ring) {
            let found = changed.rings;
            let found = format!("rings that have changed are out of order, or twice: {found:?}");
            return Err(Nonconformance::new(behaviour, found));
        }
        self.mark = changed.mark;
        self.rings.extend(changed.rings.into_iter().map(|head| (head.ring.clone(), head)));
        Ok(())
    }
}

fn name(name: &'static str) -> RingName {
    RingName::from_static(name)
}

/// Checks that a directory lists the rings that something was written to, in the order of their
/// names, each with its revision, whatever is in a name; and no others.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn lists_rings<F: Directories>(fixture: &F) -> Checked {
    let mut subject = Subject::new(fixture, "lists_rings").await;
    subject.lists("at first").await?;
    let never = fixture.ring(&subject.directory, &name("never-written")).await;
    let _ = never.load(Revision::EMPTY).await.map_err(|error| subject.fail(chain(&error)))?;
    subject.lists("after a ring was looked at").await?;
    for (number, ring) in (0..).zip(NAMES) {
        subject.applies(&name(ring), first(active("k1", number, 10))).await?;
        subject.lists("after the first key of another ring").await?;
    }
    subject.applies(&name("Payments"), Change::Add(staged("k2", 2, 20))).await?;
    subject.applies(&name("Payments"), rotation("k1", "k2", 30, false)).await?;
    subject.lists("after changes of one ring").await
}

/// Checks that a ring that was closed is still listed, with the time of its end.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn lists_closed_rings<F: Directories>(fixture: &F) -> Checked {
    let mut subject = Subject::new(fixture, "lists_closed_rings").await;
    let mut known = Known::nothing();
    for ring in ["a", "b", "c"] {
        subject.applies(&name(ring), first(active("k1", 1, 10))).await?;
    }
    subject.catches_up(&mut known, "after three rings were made").await?;
    for (ring, millis) in [("b", 1_717_171_717_001), ("a", 20)] {
        subject.applies(&name(ring), closing("k1", millis)).await?;
        subject.lists("after a ring was closed").await?;
        subject.catches_up(&mut known, "after a ring was closed").await?;
    }
    Ok(())
}

/// Checks that one who asks again and again what has changed since the last answer knows every ring
/// as it is; that an older mark tells no less; and that the first mark tells all.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn tells_what_changed<F: Directories>(fixture: &F) -> Checked {
    let mut subject = Subject::new(fixture, "tells_what_changed").await;
    let (mut known, mut slow) = (Known::nothing(), Known::nothing());
    subject.catches_up(&mut known, "at first").await?;
    for (number, ring) in (0..).zip(NAMES) {
        subject.applies(&name(ring), first(active("k1", number, 10))).await?;
        subject.catches_up(&mut known, "after a ring was made").await?;
    }
    subject.catches_up(&mut slow, "after all rings were made").await?;
    subject.catches_up(&mut known, "after nothing").await?;
    for round in 0..3_u8 {
        for ring in NAMES {
            let mut record = staged("k", round, 20);
            record.info.id = KeyId::from(round);
            subject.applies(&name(ring), Change::Add(record)).await?;
            subject.catches_up(&mut known, "after a change").await?;
        }
        subject.catches_up(&mut slow, "after a change of each ring").await?;
    }
    subject.catches_up(&mut Known::nothing(), "to one who knows nothing").await
}

/// Checks the same of one who asks while many rings are written to: a change that was under way
/// when a mark was given is told after it.
///
/// # Errors
///
/// [`Nonconformance`].
pub async fn tells_what_changed_meanwhile<F: Directories>(fixture: &F) -> Checked {
    let mut subject = Subject::new(fixture, "tells_what_changed_meanwhile").await;
    let mut known = Known::nothing();
    for round in 0..8_u8 {
        let is_over = AtomicBool::new(false);
        let (directory, behaviour) = (&subject.directory, subject.behaviour);
        let mut writes: Vec<Boxed<'_, Result<Snapshot<u8>, Nonconformance>>> = Vec::new();
        for (n, ring) in NAMES.into_iter().enumerate() {
            let ring = name(ring);
            let before = subject.rings.get(&ring).cloned().unwrap_or(Snapshot::empty(ring.clone()));
            let change = if round == 0 {
                first(active("k1", 1, 10))
            } else {
                let mut record = staged("k", round, 20);
                record.info.id = KeyId::from(round);
                Change::Add(record)
            };
            writes.push(Box::pin(async move {
                // Not all at once: marks are given in between.
                give_way(n * usize::from(round)).await;
                let store = fixture.ring(directory, &ring).await;
                commit(fixture, &store, behaviour, before, change).await
            }));
        }
        let written = {
            let (is_over, known) = (&is_over, &mut known);
            let mut written = Vec::new();
            let into = &mut written;
            let tasks: Vec<Boxed<'_, Checked>> = Vec::from([
                Box::pin(async move {
                    let all = join_all(writes).await.into_iter().collect::<Result<Vec<_>, _>>();
                    is_over.store(true, Ordering::Relaxed);
                    into.extend(all?);
                    Ok(())
                }) as Boxed<'_, Checked>,
                Box::pin(async move {
                    while !is_over.load(Ordering::Relaxed) {
                        known.poll(directory, behaviour).await?;
                        give_way(1).await;
                    }
                    Ok(())
                }),
            ]);
            join_all(tasks).await.into_iter().collect::<Checked>()?;
            written
        };
        subject.rings.extend(written.into_iter().map(|ring| (ring.ring.clone(), ring)));
        subject.lists("after changes of all rings at once").await?;
        subject.catches_up(&mut known, "after changes of all rings at once").await?;
    }
    Ok(())
}
