//! [`Subject`]: a store under test, beside a model of what it must hold.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Display;

use super::{Fixture, Nonconformance, chain};
use crate::id::KeyId;
use crate::key::KeyRecord;
use crate::key::{Destruction, Retirement, Rotation};
use crate::revision::Revision;
use crate::status::KeyStatus;
use crate::store::{Change, Commit, KeyProvider, Snapshot};
use crate::timestamp::Timestamp;

pub(super) type MaterialOf<F> = <<F as Fixture>::Provider as KeyProvider>::Material;
pub(super) type ErrorOf<F> = <<F as Fixture>::Provider as KeyProvider>::Error;
pub(super) type Checked = Result<(), Nonconformance>;

/// A store, and what it must hold. The materials of the model are numbers.
pub(super) struct Subject<'f, F: Fixture> {
    pub(super) fixture: &'f F,
    pub(super) behaviour: &'static str,
    pub(super) store: F::Provider,
    pub(super) model: Snapshot<u8>,
}

impl<'f, F: Fixture> Subject<'f, F> {
    /// A new, empty store.
    pub(super) async fn empty(
        fixture: &'f F,
        behaviour: &'static str,
    ) -> Result<Self, Nonconformance> {
        let store = fixture.new_store().await;
        let subject = Self { fixture, behaviour, store, model: Snapshot::empty() };
        subject.holds("a new store").await?;
        Ok(subject)
    }

    /// A store with a key of each status and a tombstone: k1 is active, k2 was, k3 is staged, k4 is
    /// retired, and k5 was destroyed. The latest time is 70.
    pub(super) async fn full(
        fixture: &'f F,
        behaviour: &'static str,
    ) -> Result<Self, Nonconformance> {
        let mut subject = Self::empty(fixture, behaviour).await?;
        subject.applies(&Change::Create(active("k2", 2, 10))).await?;
        for (id, number) in [("k1", 1), ("k3", 3), ("k4", 4), ("k5", 5)] {
            subject.applies(&Change::Add(staged(id, number, 20))).await?;
        }
        subject.applies(&rotation("k2", "k1", 50, false)).await?;
        subject.applies(&retirement("k4", 60)).await?;
        subject.applies(&retirement("k5", 60)).await?;
        subject.applies(&destruction("k5", 70)).await?;
        Ok(subject)
    }

    pub(super) fn fail(&self, found: impl Display) -> Nonconformance {
        Nonconformance::new(self.behaviour, found)
    }

    /// Sends a change at the revision that the store has: it must be written.
    pub(super) async fn applies(&mut self, change: &Change<u8>) -> Checked {
        let before = self.model.revision;
        match self.commit(before, change).await {
            Ok(Commit::Committed(revision)) => self.was_written(change, revision)?,
            Ok(Commit::Conflict) => {
                return Err(self.fail(format_args!(
                    "{change:?} at the store's revision, {before}, is answered with a conflict"
                )));
            }
            Err(error) => {
                let error = chain(&error);
                return Err(self.fail(format_args!("{change:?} fits and fails: {error}")));
            }
        }
        self.holds(format!("after {change:?}")).await
    }

    /// The change is in the store: so it is in the model.
    pub(super) fn was_written(&mut self, change: &Change<u8>, revision: Revision) -> Checked {
        let before = self.model.revision;
        if revision <= before {
            return Err(self.fail(format_args!(
                "the revision does not grow: {revision} after {before}, with {change:?}"
            )));
        }
        // The model counts on from where the store is, which may leave numbers out.
        self.model.revision = Revision::new(revision.as_u64().saturating_sub(1));
        let expected = self.model.apply(self.model.revision, change);
        match expected {
            Ok(Commit::Committed(_)) => Ok(()),
            other => Err(self.fail(format_args!("{change:?} is written, which is {other:?}"))),
        }
    }

    /// Sends a change at another revision: a conflict, and nothing changes.
    pub(super) async fn conflicts(&self, expected: Revision, change: &Change<u8>) -> Checked {
        let revision = self.model.revision;
        match self.commit(expected, change).await {
            Ok(Commit::Conflict) => {}
            Ok(Commit::Committed(_)) => {
                return Err(self.fail(format_args!(
                    "the store is at {revision} and commits what expects {expected}: {change:?}"
                )));
            }
            Err(error) => {
                let error = chain(&error);
                return Err(self.fail(format_args!(
                    "the store is at {revision}, and what expects {expected} is no conflict but an \
                     error: {error}"
                )));
            }
        }
        self.holds(format!("after a conflict over {change:?}")).await
    }

    /// Sends a change that does not fit, at the revision that the store has: an error, and nothing
    /// changes.
    pub(super) async fn refuses(&self, change: &Change<u8>) -> Checked {
        match self.commit(self.model.revision, change).await {
            Err(_) => self.holds(format!("after a refusal of {change:?}")).await,
            Ok(answer) => Err(self.fail(format_args!(
                "{change:?} does not fit what the store holds, and is answered with {answer:?}"
            ))),
        }
    }

    pub(super) async fn commit(
        &self,
        expected: Revision,
        change: &Change<u8>,
    ) -> Result<Commit, ErrorOf<F>> {
        self.store.commit(expected, &real(self.fixture, change)).await
    }

    /// The store holds what the model holds, through this handle and through another.
    pub(super) async fn holds(&self, when: impl Into<String> + Send) -> Checked {
        let when = when.into();
        self.holds_in(&self.store, &when).await?;
        let other = self.fixture.reopen(&self.store).await;
        self.holds_in(&other, &format!("{when}, through another handle")).await
    }

    async fn holds_in(&self, store: &F::Provider, when: &str) -> Checked {
        let found = store.load().await.map_err(|error| {
            self.fail(format_args!("{when}: the store does not load: {}", chain(&error)))
        })?;
        self.compare(&found).map_err(|difference| self.fail(format_args!("{when}: {difference}")))
    }

    fn compare(&self, found: &Snapshot<MaterialOf<F>>) -> Result<(), String> {
        let model = &self.model;
        if found.revision != model.revision {
            return Err(format!("the revision is {}, not {}", found.revision, model.revision));
        }
        let ids = |records: &[KeyId]| format!("{records:?}");
        let (here, there) = (sorted(&found.records), sorted(&model.records));
        if here != there {
            return Err(format!("the keys are {}, not {}", ids(&here), ids(&there)));
        }
        for expected in &model.records {
            let same = |record: &&KeyRecord<MaterialOf<F>>| record.info.id == expected.info.id;
            let Some(record) = found.records.iter().find(same) else { continue };
            if record.info != expected.info {
                let (found, expected) = (&record.info, &expected.info);
                return Err(format!("a key is {found:?}, not {expected:?}"));
            }
            if record.material_in != expected.material_in {
                let (id, found, expected) =
                    (&record.info.id, record.material_in, expected.material_in);
                return Err(format!("the material of key `{id}` is of {found}, not {expected}"));
            }
            if !self.fixture.is_material(*expected.material, &record.material) {
                return Err(format!("key `{}` has another material", record.info.id));
            }
        }
        if staged_in_order(&found.records) != staged_in_order(&model.records) {
            return Err("staged keys are not in the order of their insertion".into());
        }
        let mut tombstones = found.destroyed.clone();
        tombstones.sort_by(|a, b| a.id.cmp(&b.id));
        let mut expected = model.destroyed.clone();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        if tombstones != expected {
            return Err(format!("the tombstones are {tombstones:?}, not {expected:?}"));
        }
        Ok(())
    }
}

fn sorted<M>(records: &[KeyRecord<M>]) -> Vec<KeyId> {
    let mut ids: Vec<KeyId> = records.iter().map(|record| record.info.id.clone()).collect();
    ids.sort();
    ids
}

fn staged_in_order<M>(records: &[KeyRecord<M>]) -> Vec<&KeyId> {
    records
        .iter()
        .map(|record| &record.info)
        .filter(|key| key.is_staged())
        .map(|key| &key.id)
        .collect()
}

/// The change with materials of the store in place of numbers.
pub(super) fn real<F: Fixture>(fixture: &F, change: &Change<u8>) -> Change<MaterialOf<F>> {
    let record = |record: &KeyRecord<u8>| {
        let material = fixture.material(*record.material);
        record.clone().with_material(material)
    };
    match change {
        Change::Create(first) => Change::Create(record(first)),
        Change::Add(new) => Change::Add(record(new)),
        Change::Activate(rotation) => Change::Activate(rotation.clone()),
        Change::Retire(retirement) => Change::Retire(retirement.clone()),
        Change::Destroy(tombstone) => Change::Destroy(tombstone.clone()),
    }
}

// ---- Changes in short ----

pub(super) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(super) fn record(
    id: &'static str,
    status: KeyStatus,
    number: u8,
    millis: u64,
) -> KeyRecord<u8> {
    KeyRecord::from_shared(KeyId::from_static(id), status, at(millis), Arc::new(number))
}

pub(super) fn active(id: &'static str, number: u8, millis: u64) -> KeyRecord<u8> {
    record(id, KeyStatus::Active, number, millis)
}

pub(super) fn staged(id: &'static str, number: u8, millis: u64) -> KeyRecord<u8> {
    let mut staged = record(id, KeyStatus::Inactive, number, millis).staged();
    staged.info.times.added_at = Some(at(millis));
    staged
}

pub(super) fn rotation(
    from: &'static str,
    to: &'static str,
    millis: u64,
    reactivated: bool,
) -> Change<u8> {
    let (from, to) = (KeyId::from_static(from), KeyId::from_static(to));
    Change::Activate(Rotation::new(from, to, at(millis), reactivated))
}

pub(super) fn retirement(id: &'static str, millis: u64) -> Change<u8> {
    Change::Retire(Retirement::new(KeyId::from_static(id), at(millis)))
}

pub(super) fn destruction(id: &'static str, millis: u64) -> Change<u8> {
    Change::Destroy(Destruction::new(KeyId::from_static(id), at(millis)))
}
