//! Providers that are broken on purpose, each in one way in which real ones are.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use key_rotation::conformance::Fixture;
use key_rotation::error::{ChangeMismatch, TakenBy};
use key_rotation::store::{Change, Commit, Revision, Snapshot};
use key_rotation::{KeyId, KeyProvider, KeyRecord, KeyStatus, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    CreatesInactive,
    RevisionStands,
    RevisionStartsAnew,
    DropsNewKeys,
    SortsById,
    OnlyDemotes,
    OnlyPromotes,
    ForgetsActivatedAt,
    KeepsOldActivation,
    RetiresToInactive,
    RefusesToRetireOnceActive,
    KeepsDestroyed,
    ForgetsTombstone,
    /// One row for the latest tombstone.
    OneTombstone,
    TombstoneWithoutTime,
    Seconds,
    /// A column of 32 bits.
    SignedSeconds,
    FoldsCase,
    /// `VARCHAR(64)`.
    CutsIds,
    /// `LIKE` in the place of `=`.
    Patterns,
    MixesMaterials,
    NoRevisionCheck,
    OnlyOlderIsStale,
    ConflictIsAnError,
    MismatchIsAConflict,
    CreatesAnyway,
    MismatchChangesHalf,
    Upserts,
    ReusesTombstones,
    OneRingForAll,
    ChecksThenWrites,
    TwoWrites,
    ReadsOldCopies,
    /// Some readers are two commits behind.
    LagsBehind,
    /// A load that is two reads: the rows, and then the revision.
    ReadsRowsFirst,
    LosesStagedKeys,
    ConflictsForNoReason,
    NamesTheFirstKey,
    AppliesTwice,
    /// Compares the time of an activation with the key that was active alone.
    ActivatesInThePast,
    AddsAsNeverActive,
    AddsAsUsed,
    ForgetsAddedAt,
    ForgetsRevisions,
    ForgetsMaterialIn,
    IsDown,
    IsDownAndEmpty,
    IsDownAndBusy,
    /// An outage that is said to be the last word.
    IsDownForGood,
}

pub(crate) struct BrokenStores {
    fault: Fault,
    one: Arc<Broken>,
}

impl BrokenStores {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, one: Broken::new(fault) }
    }
}

impl Fixture for BrokenStores {
    type Provider = Arc<Broken>;

    async fn new_store(&self) -> Arc<Broken> {
        if self.fault == Fault::OneRingForAll { self.one.clone() } else { Broken::new(self.fault) }
    }

    async fn reopen(&self, store: &Arc<Broken>) -> Arc<Broken> {
        store.clone()
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

/// A store in memory with a fault.
pub(crate) struct Broken {
    fault: Fault,
    rows: Mutex<Snapshot<u8>>,
    /// As it was one commit ago.
    old: Mutex<Option<Snapshot<u8>>>,
    /// As it was two commits ago, and how often it was loaded since the last.
    older: Mutex<(Option<Snapshot<u8>>, u64)>,
    last: Mutex<Option<(Revision, KeyId)>>,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Arc<Self> {
        let rows = Mutex::new(Snapshot::empty());
        let (old, older, last) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { fault, rows, old, older, last })
    }
}

impl KeyProvider for Broken {
    type Material = u8;
    type Error = ChangeMismatch;

    async fn load(&self) -> Result<Snapshot<u8>, ChangeMismatch> {
        match self.fault {
            Fault::IsDown | Fault::IsDownAndBusy => return Err(down()),
            Fault::IsDownForGood => return Err(down_for_good()),
            Fault::IsDownAndEmpty => return Ok(Snapshot::empty()),
            Fault::ReadsOldCopies => {
                if let Some(old) = self.old.lock().unwrap().take() {
                    return Ok(old);
                }
            }
            Fault::ReadsRowsFirst => {
                if let Some(old) = self.old.lock().unwrap().take_if(|old| !old.is_empty()) {
                    return Ok(Snapshot { revision: self.rows.lock().unwrap().revision, ..old });
                }
            }
            Fault::LagsBehind => {
                let mut older = self.older.lock().unwrap();
                older.1 += 1;
                // The writer's loads are the first two. It is not always the same reader.
                let behind = 3 + self.rows.lock().unwrap().revision.as_u64() % 2;
                if let (Some(copy), true) = (&older.0, older.1 == behind) {
                    return Ok(copy.clone());
                }
            }
            _ => {}
        }
        let rows = self.rows.lock().unwrap();
        let is_staged = |row: &KeyRecord<u8>| row.info.is_staged();
        if self.fault == Fault::LosesStagedKeys && rows.records.iter().any(is_staged) {
            return Err(down());
        }
        Ok(rows.clone())
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<u8>,
    ) -> Result<Commit, ChangeMismatch> {
        match self.fault {
            Fault::IsDown | Fault::IsDownAndEmpty => return Err(down()),
            Fault::IsDownForGood => return Err(down_for_good()),
            Fault::IsDownAndBusy => return Ok(Commit::Conflict),
            Fault::ChecksThenWrites => {
                if self.rows.lock().unwrap().revision != expected {
                    return Ok(Commit::Conflict);
                }
                give_way().await;
                let mut rows = self.rows.lock().unwrap();
                let now = rows.revision;
                // Whatever the others have done since is overwritten.
                return Ok(rows.apply(now, change).unwrap_or(Commit::Committed(now.next())));
            }
            Fault::TwoWrites => {
                if let Change::Activate(rotation) = change {
                    let mut next = self.rows.lock().unwrap().clone();
                    let answer = next.apply(expected, change)?;
                    if answer != Commit::Conflict {
                        let demoted = rotation.from.clone();
                        set(&mut self.rows.lock().unwrap(), &demoted, KeyStatus::Inactive);
                        give_way().await;
                        *self.rows.lock().unwrap() = next;
                    }
                    return Ok(answer);
                }
            }
            _ => {}
        }
        let mut rows = self.rows.lock().unwrap();
        let before = rows.clone();
        let answer = self.apply(&mut rows, expected, change);
        if matches!(answer, Ok(Commit::Committed(_))) {
            let older = self.old.lock().unwrap().replace(before);
            *self.older.lock().unwrap() = (older, 0);
        }
        answer
    }

    fn is_refusal(error: &ChangeMismatch) -> bool {
        *error == down_for_good()
    }
}

impl Broken {
    fn apply(
        &self,
        rows: &mut Snapshot<u8>,
        expected: Revision,
        change: &Change<u8>,
    ) -> Result<Commit, ChangeMismatch> {
        let is_resent = *self.last.lock().unwrap() == Some((expected, change.id().clone()));
        if self.fault == Fault::AppliesTwice && is_resent {
            rows.revision = rows.revision.next();
            return Ok(Commit::Committed(rows.revision));
        }
        let expected = self.expected(rows, expected);
        let before = rows.clone();
        let change = self.rewritten(change);
        if let Some(answer) = self.without_a_check(rows, expected, &change) {
            return answer;
        }
        match rows.apply(expected, &change) {
            Ok(Commit::Conflict) if self.fault == Fault::ConflictIsAnError => Err(down()),
            Ok(Commit::Conflict) => Ok(Commit::Conflict),
            Ok(Commit::Committed(revision)) => {
                *self.last.lock().unwrap() = Some((expected, change.id().clone()));
                Ok(self.spoil(rows, &before, &change, revision))
            }
            Err(_) if self.fault == Fault::MismatchIsAConflict => Ok(Commit::Conflict),
            Err(ChangeMismatch::Backdated { id, .. })
                if self.fault == Fault::ActivatesInThePast
                    && matches!(&change, Change::Activate(rotation) if rotation.to == id) =>
            {
                rows.revision = rows.revision.next();
                Ok(Commit::Committed(rows.revision))
            }
            Err(mismatch) => {
                if let (Fault::MismatchChangesHalf, Change::Activate(rotation)) =
                    (self.fault, &change)
                {
                    set(rows, &rotation.from, KeyStatus::Inactive);
                }
                Err(mismatch)
            }
        }
    }

    /// The revision that is compared.
    fn expected(&self, rows: &Snapshot<u8>, expected: Revision) -> Revision {
        let is_ignored = match self.fault {
            Fault::NoRevisionCheck => true,
            Fault::OnlyOlderIsStale => expected > rows.revision,
            _ => false,
        };
        if is_ignored { rows.revision } else { expected }
    }

    /// What arrives of the change.
    fn rewritten(&self, change: &Change<u8>) -> Change<u8> {
        let mut change = change.clone();
        if let Change::Add(record) | Change::Create(record) = &mut change {
            match self.fault {
                Fault::NamesTheFirstKey if record.info.status == KeyStatus::Active => {
                    record.info.id = KeyId::from(1_u32);
                }
                Fault::FoldsCase => record.info.id = folded(&record.info.id),
                Fault::CutsIds => {
                    let cut: String = record.info.id.as_str().chars().take(64).collect();
                    record.info.id = cut.parse().unwrap();
                }
                Fault::Seconds => each_time(record, |millis| millis / 1000 * 1000),
                Fault::SignedSeconds => each_time(record, |millis| millis.min(2_147_483_647_999)),
                Fault::AddsAsNeverActive => {
                    record.info.used &= record.info.status != KeyStatus::Inactive;
                    if !record.info.used {
                        record.info.times.activated_at = None;
                        record.info.times.deactivated_at = None;
                    }
                }
                Fault::AddsAsUsed => record.info.used = true,
                Fault::ForgetsAddedAt => record.info.times.added_at = None,
                Fault::MixesMaterials => {
                    // A number of seven bits.
                    record.material = Arc::new(*record.material & 0x7f);
                }
                _ => {}
            }
        }
        change
    }

    /// What this fault answers instead of looking at the rows.
    fn without_a_check(
        &self,
        rows: &mut Snapshot<u8>,
        expected: Revision,
        change: &Change<u8>,
    ) -> Option<Result<Commit, ChangeMismatch>> {
        if rows.revision != expected {
            return None;
        }
        match (self.fault, change) {
            (Fault::CreatesAnyway, Change::Create(record))
            | (Fault::Upserts, Change::Add(record)) => {
                rows.records.retain(|row| row.info.id != record.info.id);
                rows.revision = rows.revision.next();
                let mut record = record.clone();
                record.info.added_in = rows.revision.as_u64();
                record.material_in = rows.revision.as_u64();
                rows.records.push(record);
                Some(Ok(Commit::Committed(rows.revision)))
            }
            (Fault::ReusesTombstones, Change::Add(record)) => {
                rows.destroyed.retain(|tombstone| tombstone.id != record.info.id);
                None
            }
            (Fault::ConflictsForNoReason, Change::Retire(_)) => Some(Ok(Commit::Conflict)),
            (Fault::RefusesToRetireOnceActive, Change::Retire(retirement)) => {
                let once_active =
                    |row: &KeyRecord<u8>| row.info.id == retirement.id && row.info.used;
                let id = retirement.id.clone();
                let taken_by = TakenBy::Key(KeyStatus::Inactive);
                let refused = Err(ChangeMismatch::KeyIdTaken { id, taken_by });
                rows.records.iter().any(once_active).then_some(refused)
            }
            _ => None,
        }
    }

    /// What this fault makes of a change that was applied.
    fn spoil(
        &self,
        rows: &mut Snapshot<u8>,
        before: &Snapshot<u8>,
        change: &Change<u8>,
        revision: Revision,
    ) -> Commit {
        match (self.fault, change) {
            (Fault::RevisionStands, _) => {
                rows.revision = before.revision;
                return Commit::Committed(before.revision);
            }
            (Fault::RevisionStartsAnew, Change::Add(_)) => {
                rows.revision = Revision::new(1);
                return Commit::Committed(rows.revision);
            }
            (Fault::CreatesInactive, Change::Create(record)) => {
                set(rows, &record.info.id, KeyStatus::Inactive);
            }
            (Fault::DropsNewKeys, Change::Add(record)) => {
                rows.records.retain(|row| row.info.id != record.info.id);
            }
            (Fault::SortsById, _) => rows.records.sort_by(|a, b| a.info.id.cmp(&b.info.id)),
            (Fault::OnlyDemotes, Change::Activate(rotation)) => {
                set(rows, &rotation.to, KeyStatus::Inactive);
            }
            (Fault::OnlyPromotes, Change::Activate(rotation)) => {
                set(rows, &rotation.from, KeyStatus::Active);
            }
            (Fault::ForgetsActivatedAt, Change::Activate(rotation)) => {
                let row = rows.records.iter_mut().find(|row| row.info.id == rotation.from);
                row.unwrap().info.times.activated_at = None;
            }
            (Fault::KeepsOldActivation, Change::Activate(rotation)) => {
                let old = before.records.iter().find(|row| row.info.id == rotation.to).unwrap();
                let row = rows.records.iter_mut().find(|row| row.info.id == rotation.to);
                row.unwrap().info.times.activated_at =
                    old.info.times.activated_at.or(Some(rotation.at));
            }
            (Fault::ForgetsRevisions, Change::Activate(_)) => {
                rows.records.iter_mut().for_each(|row| row.info.deactivated_in = 0);
            }
            (Fault::ForgetsRevisions, Change::Add(record)) => {
                let rows = rows.records.iter_mut().filter(|row| row.info.id == record.info.id);
                rows.for_each(|row| row.info.added_in = 0);
            }
            (Fault::ForgetsMaterialIn, Change::Add(_)) => {
                rows.records.iter_mut().for_each(|row| row.material_in = 0);
            }
            (Fault::RetiresToInactive, Change::Retire(retirement)) => {
                set(rows, &retirement.id, KeyStatus::Inactive);
            }
            (Fault::KeepsDestroyed, Change::Destroy(_)) => rows.records = before.records.clone(),
            (Fault::ForgetsTombstone, Change::Destroy(_)) => {
                rows.destroyed = before.destroyed.clone();
            }
            (Fault::OneTombstone, Change::Destroy(tombstone)) => {
                rows.destroyed = vec![tombstone.clone()];
            }
            (Fault::TombstoneWithoutTime, Change::Destroy(_)) => {
                for tombstone in &mut rows.destroyed {
                    tombstone.at = Timestamp::UNIX_EPOCH;
                }
            }
            (Fault::Patterns, Change::Retire(retirement)) if retirement.id.as_str() == "%" => {
                for row in
                    rows.records.iter_mut().filter(|row| row.info.status != KeyStatus::Active)
                {
                    row.info.status = KeyStatus::Retired;
                }
            }
            _ => {}
        }
        Commit::Committed(revision)
    }
}

fn set(rows: &mut Snapshot<u8>, id: &KeyId, status: KeyStatus) {
    for row in rows.records.iter_mut().filter(|row| row.info.id == *id) {
        row.info.status = status;
    }
}

fn each_time(record: &mut KeyRecord<u8>, change: impl Fn(u64) -> u64) {
    let change = |at: Timestamp| Timestamp::from_unix_millis(change(at.as_unix_millis()));
    let times = &mut record.info.times;
    for time in [&mut times.created_at, &mut times.added_at, &mut times.activated_at] {
        *time = time.map(change);
    }
}

fn folded(id: &KeyId) -> KeyId {
    id.as_str().to_lowercase().parse().unwrap()
}

fn down() -> ChangeMismatch {
    ChangeMismatch::KeyNotFound { id: KeyId::from_static("down") }
}

fn down_for_good() -> ChangeMismatch {
    ChangeMismatch::KeyNotFound { id: KeyId::from_static("down-for-good") }
}

/// Lets the others go first, once.
async fn give_way() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
