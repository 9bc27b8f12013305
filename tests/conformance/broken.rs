//! Stores that are broken on purpose, each in one way. Without a fault they are right: a store in
//! memory that keeps its rows apart from its revision and from the number of ids it has used.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use key_rotation::audit::AuditEvent;
use key_rotation::conformance::{Backups, Fixture, LostRows};
use key_rotation::store::{
    Commit, CommitError, Events, History, Loaded, Proposal, Revision, RingName, Snapshot,
};
use key_rotation::{KeyId, KeyProvider, Timestamp};
use thiserror::Error;

pub(crate) use self::fault::Fault;
pub(crate) use self::rings::{BrokenRings, RingFault};

#[path = "broken/answers.rs"]
mod answers;
#[path = "broken/events.rs"]
mod events;
#[path = "broken/fault.rs"]
mod fault;
#[path = "broken/loads.rs"]
mod loads;
#[path = "broken/rings.rs"]
mod rings;
#[path = "broken/rows.rs"]
mod rows;
#[path = "broken/turns.rs"]
mod turns;

/// As many bytes as its number says, and one.
type Material = Vec<u8>;
type Rows = Snapshot<Material>;
type Sent = Proposal<Material>;
type Answer = Result<Commit, CommitError<Down>>;

#[derive(Debug, Error)]
#[error("the store is down")]
pub(crate) struct Down;

/// A handle to a store in memory with a fault.
#[derive(Clone)]
pub(crate) struct Broken {
    fault: Fault,
    state: Arc<Mutex<State>>,
    /// All stores of the fixture.
    all: Arc<Mutex<Vec<Arc<Mutex<State>>>>>,
}

/// What a store holds.
#[derive(Clone)]
pub(crate) struct State {
    rows: Rows,
    /// The revisions of all commits.
    known: Vec<Revision>,
    events: Vec<AuditEvent>,
    notes: Notes,
}

/// What some faults go by.
#[derive(Clone, Default)]
struct Notes {
    /// The revisions of all commits, those that a restore forgot too.
    ever: Vec<Revision>,
    /// As it was one commit ago, and how often it was loaded since.
    before: Option<Rows>,
    loads: u32,
    /// What a reader sees in the middle of a commit.
    half: Option<Rows>,
    is_busy: bool,
    under_way: Vec<Revision>,
    /// The revisions of proposals that were not written.
    refused: Vec<Revision>,
    /// What was proposed, in words.
    sent: Vec<(Revision, String)>,
    restored: Vec<KeyId>,
}

impl State {
    fn empty() -> Self {
        let rows = Rows::empty(RingName::from_static("broken"));
        Self { rows, known: Vec::new(), events: Vec::new(), notes: Notes::default() }
    }
}

impl Broken {
    /// Another handle to the same store, with this fault.
    pub(crate) fn with_fault(&self, fault: Fault) -> Self {
        Self { fault, ..self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The store's clock, if it has one.
    fn now(&self) -> Option<Timestamp> {
        let has_clock = matches!(
            self.fault,
            Fault::IgnoresExpiry
                | Fault::ExpiresOnce
                | Fault::ExpiresWhatIsWritten
                | Fault::ExpiredIsAConflict
                | Fault::TellsTheTimeAtTimes
        );
        has_clock.then_some(Timestamp::from_unix_millis(1_800_000_000_000))
    }
}

impl KeyProvider for Broken {
    type Material = Material;
    type Error = Down;

    async fn load(&self, seen: Revision) -> Result<Loaded<Material>, Down> {
        self.loaded(seen)
    }

    async fn commit(&self, proposal: &Sent) -> Answer {
        if let Some(answer) = self.unasked() {
            return answer;
        }
        if let Some(answer) = self.takes_turns(proposal).await {
            return answer;
        }
        let answer = self.write(&mut self.lock(), proposal);
        self.write_to_others(&answer, proposal);
        answer
    }
}

impl History for Broken {
    async fn history(&self, after: Revision) -> Result<Events, Down> {
        Ok(self.events_after(after))
    }
}

/// A maker of stores with this fault.
pub(crate) struct BrokenStores {
    pub(crate) fault: Fault,
    all: Arc<Mutex<Vec<Arc<Mutex<State>>>>>,
}

impl BrokenStores {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, all: Arc::default() }
    }
}

impl Fixture for BrokenStores {
    type Provider = Broken;

    async fn new_store(&self) -> Broken {
        let mut all = self.all.lock().unwrap();
        let state = match all.first() {
            Some(first) if self.fault == Fault::OneRingForAll => Arc::clone(first),
            _ => Arc::new(Mutex::new(State::empty())),
        };
        all.push(Arc::clone(&state));
        Broken { fault: self.fault, state, all: Arc::clone(&self.all) }
    }

    async fn reopen(&self, store: &Broken) -> Broken {
        store.clone()
    }

    fn material(&self, number: u8) -> Material {
        vec![number; usize::from(number) + 1]
    }

    fn is_material(&self, number: u8, material: &Material) -> bool {
        *material == self.material(number)
    }
}

impl Backups for BrokenStores {
    type Backup = State;

    async fn backup(&self, store: &Broken) -> State {
        store.lock().clone()
    }

    async fn restore(&self, store: &Broken, backup: &State) {
        let mut state = store.lock();
        let now = std::mem::replace(&mut *state, backup.clone());
        state.notes.ever.clone_from(&now.notes.ever);
        match self.fault {
            Fault::RestoreForgetsHistory => state.known = vec![state.rows.revision],
            Fault::RestoreKeepsHistory => state.known = now.notes.ever,
            Fault::HistoryOutlivesRestore => state.events = now.events,
            _ => {}
        }
    }
}

impl LostRows for BrokenStores {
    async fn delete_row(&self, store: &Broken, id: &KeyId) {
        let rows = &mut store.lock().rows;
        rows.records.retain(|row| row.info.id != *id);
        rows.destroyed.retain(|tombstone| tombstone.id != *id);
    }
}

/// Lets the others go first, so many times.
async fn give_way(times: u64) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
