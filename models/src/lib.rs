//! A fleet of nodes over one store, as a model that stateright explores: nodes change the ring,
//! encrypt with the ring that they have, load late, crash, and lose requests and replies.
//!
//! A commit is not modelled but done, by [`Snapshot::apply`], the library's own rule.

pub mod time;

use key_rotation::audit::{Grounds, Provenance};
use key_rotation::key::{Destruction, Retirement, Rotation};
use key_rotation::store::{Change, Commit, Proposal, Revision, RingName, Snapshot};
use key_rotation::{AuditText, KeyId, KeyRecord, KeyStatus, Timestamp};
use std::str::FromStr;

use stateright::{Model, Property};

/// Nodes of the fleet.
pub const NODES: usize = 3;

/// Keys that there can be.
pub const KEYS: usize = 3;

/// The tag of a proposal that is on its way.
const OURS: u64 = 0xc0ffee;

/// The place of a key in its life. Later is further on in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// Nobody has heard of it.
    Unknown,
    /// Added, and never active.
    Staged,
    /// It encrypts.
    Active,
    /// It was active.
    Inactive,
    /// It only decrypts, for good.
    Retired,
    /// A tombstone.
    Destroyed,
}

/// A ring as of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ring {
    revision: u8,
    keys: [Life; KEYS],
}

/// A change that a node wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// A new key.
    Add(u8),
    /// Another active key.
    Activate(u8),
    /// The end of a key's encryption.
    Retire(u8),
    /// The end of a key.
    Destroy(u8),
}

/// A change that was sent and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unanswered {
    wish: Wish,
    /// The ring that the change was worked out on.
    seen: Ring,
    /// True if it has been applied, which the node does not know.
    applied: bool,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    ring: Ring,
    /// A load whose answer is still on its way.
    loading: Option<Ring>,
    unanswered: Option<Unanswered>,
}

/// The fleet, its store, and what must never happen and has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fleet {
    store: Ring,
    nodes: [Option<Node>; NODES],
    /// Keys under which there is a ciphertext.
    ciphertexts: [bool; KEYS],
    /// A key went back in its life.
    lost_change: bool,
    /// A node put an older ring in the place of a newer one.
    went_back: bool,
    /// One wish was carried out twice.
    twice: bool,
}

/// An event that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A change is sent, and the answer arrives.
    Commit(usize, Wish),
    /// A change is applied, and the answer is lost.
    LoseReply(usize, Wish),
    /// A change never arrives.
    LoseRequest(usize, Wish),
    /// A node finds out what became of its change.
    Resolve(usize),
    /// A node asks for the ring.
    StartLoad(usize),
    /// The answer arrives, as of when it was asked.
    FinishLoad(usize),
    /// A node encrypts with the active key of its ring.
    Encrypt(usize),
    /// A node is gone, with what it knew.
    Crash(usize),
    /// A node starts, and loads before anything else.
    Start(usize),
}

/// A fault that is built in on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Nodes write the ring that they see, whatever the store has.
    NoRevisionCheck,
    /// A key is activated before every node has it.
    NoPropagation,
    /// After an unknown outcome, the wish is worked out again on the ring as it is now.
    BlindRetry,
    /// A load that comes late is installed over a newer ring.
    InstallsOlder,
    /// A key is destroyed that is not retired.
    DestroysBeforeRetiring,
}

/// The model: how far it goes, and with which fault.
#[derive(Clone, Debug)]
pub struct FleetModel {
    /// The last revision that is explored.
    pub revisions: u8,
    /// Keys at the start, the first of which is active and the rest staged.
    pub keys: usize,
    /// The fault, if there is one.
    pub bug: Option<Bug>,
}

impl FleetModel {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Lists what this node may want, by the ring that it has and by the propagation rule.
    fn wishes(&self, fleet: &Fleet, node: &Node) -> Vec<Wish> {
        let live = || fleet.nodes.iter().flatten();
        let mut wishes = Vec::new();
        for (number, life) in (0_u8..).zip(node.ring.keys) {
            let key = usize::from(number);
            match life {
                Life::Unknown => wishes.push(Wish::Add(number)),
                Life::Staged | Life::Inactive => {
                    let everyone_has_it = live().all(|node| node.ring.keys[key] != Life::Unknown);
                    if everyone_has_it || self.has(Bug::NoPropagation) {
                        wishes.push(Wish::Activate(number));
                    }
                    wishes.push(Wish::Retire(number));
                    if self.has(Bug::DestroysBeforeRetiring) && !fleet.ciphertexts[key] {
                        wishes.push(Wish::Destroy(number));
                    }
                }
                Life::Retired => {
                    // Evidence: nothing is encrypted with it, and no node can do so any more.
                    let nobody_uses_it = live().all(|node| node.ring.keys[key] >= Life::Retired);
                    if nobody_uses_it && !fleet.ciphertexts[key] {
                        wishes.push(Wish::Destroy(number));
                    }
                }
                Life::Active | Life::Destroyed => {}
            }
        }
        wishes
    }

    /// The store after a wish that was worked out on this ring, if it applies.
    fn apply(&self, store: Ring, seen: Ring, wish: Wish) -> Option<Ring> {
        if self.has(Bug::NoRevisionCheck) {
            let written = committed(seen, seen, wish)?;
            return Some(Ring { revision: store.revision + 1, ..written });
        }
        if let (true, Wish::Destroy(number)) = (self.has(Bug::DestroysBeforeRetiring), wish) {
            let mut after = Ring { revision: store.revision + 1, ..store };
            after.keys[usize::from(number)] = Life::Destroyed;
            return (store.revision == seen.revision).then_some(after);
        }
        committed(store, seen, wish)
    }

    /// Applies a wish to the fleet's store, and notes what is lost by it.
    fn commit(&self, fleet: &mut Fleet, seen: Ring, wish: Wish) -> bool {
        let Some(after) = self.apply(fleet.store, seen, wish) else { return false };
        let goes_back = |(before, after): (Life, Life)| {
            let swaps = matches!((before, after), (Life::Inactive, Life::Active));
            after < before && !swaps
        };
        fleet.lost_change |= fleet.store.keys.into_iter().zip(after.keys).any(goes_back);
        fleet.store = after;
        true
    }

    fn resolve(&self, fleet: &mut Fleet, node: &mut Node) {
        let Some(Unanswered { wish, seen, applied }) = node.unanswered.take() else { return };
        if self.has(Bug::BlindRetry) {
            // "Somebody else was faster, or it did not arrive: once more."
            let now = fleet.store;
            fleet.twice |= self.commit(fleet, now, wish) && applied;
        } else {
            // The same proposal, under the same revision: it is there, it is written now, or it
            // never will be.
            fleet.twice |= self.commit(fleet, seen, wish) && applied;
        }
    }
}

/// [`Snapshot::apply`] on a ring of the model: the ring after the change, unless it is a conflict
/// or does not fit.
fn committed(store: Ring, seen: Ring, wish: Wish) -> Option<Ring> {
    let id = |number: u8| KeyId::from(u32::from(number));
    let at = Timestamp::UNIX_EPOCH;
    let at_number = |number: u8| Revision::new(number.into(), number.into());
    let empty = Snapshot::empty(RingName::from_static("fleet"));
    let mut snapshot = Snapshot { revision: at_number(store.revision), ..empty };
    for (number, life) in (0..).zip(store.keys) {
        let record = |status| KeyRecord::new(id(number), status, at, ());
        match life {
            Life::Unknown => {}
            Life::Staged => snapshot.records.push(record(KeyStatus::Inactive).staged()),
            Life::Active => snapshot.records.push(record(KeyStatus::Active)),
            Life::Inactive => snapshot.records.push(record(KeyStatus::Inactive)),
            Life::Retired => snapshot.records.push(record(KeyStatus::Retired)),
            Life::Destroyed => snapshot.destroyed.push(Destruction::new(id(number), at)),
        }
    }
    let change = match wish {
        Wish::Add(number) => {
            Change::Add(KeyRecord::new(id(number), KeyStatus::Inactive, at, ()).staged())
        }
        Wish::Activate(number) => {
            let active = (0_u8..).zip(seen.keys).find(|(_, life)| *life == Life::Active)?.0;
            let reactivated = seen.keys[usize::from(number)] == Life::Inactive;
            Change::Activate(Rotation::new(id(active), id(number), at, reactivated))
        }
        Wish::Retire(number) => {
            Change::Retire { retirement: Retirement::new(id(number), at), material: None }
        }
        Wish::Destroy(number) => Change::Destroy(Destruction::new(id(number), at)),
    };
    snapshot.ids = (snapshot.records.len() + snapshot.destroyed.len()) as u64;
    let actor = AuditText::from_str("node").expect("a word");
    let proposal = Proposal {
        expected: at_number(seen.revision),
        // The tag of the proposer: nobody else's, even for the same number.
        next: Revision::new(u64::from(seen.revision) + 1, OURS),
        change,
        provenance: Provenance { actor, grounds: Grounds::Ordinary, at },
        valid_until: None,
    };
    let Ok(Commit::Committed) = snapshot.apply(&proposal) else { return None };

    let mut keys = [Life::Unknown; KEYS];
    let number = |id: &KeyId| id.as_str().parse::<usize>().expect("a number");
    for record in &snapshot.records {
        keys[number(&record.info.id)] = match record.info.status {
            KeyStatus::Active => Life::Active,
            KeyStatus::Inactive if record.info.used => Life::Inactive,
            KeyStatus::Inactive => Life::Staged,
            KeyStatus::Retired => Life::Retired,
            KeyStatus::Revoked => unreachable!("no node revokes"),
        };
    }
    for tombstone in &snapshot.destroyed {
        keys[number(&tombstone.id)] = Life::Destroyed;
    }
    let revision = u8::try_from(snapshot.revision.number).expect("few revisions");
    Some(Ring { revision, keys })
}

impl Model for FleetModel {
    type State = Fleet;
    type Action = Event;

    fn init_states(&self) -> Vec<Fleet> {
        let mut store = Ring { revision: 1, keys: [Life::Unknown; KEYS] };
        store.keys[..self.keys].fill(Life::Staged);
        store.keys[0] = Life::Active;
        let node = Node { ring: store, loading: None, unanswered: None };
        vec![Fleet {
            store,
            nodes: [Some(node); NODES],
            ciphertexts: [false; KEYS],
            lost_change: false,
            went_back: false,
            twice: false,
        }]
    }

    fn actions(&self, fleet: &Fleet, events: &mut Vec<Event>) {
        for (n, node) in fleet.nodes.iter().enumerate() {
            let Some(node) = node else {
                events.push(Event::Start(n));
                continue;
            };
            events.extend([Event::Encrypt(n), Event::Crash(n)]);
            events.push(match node.loading {
                None => Event::StartLoad(n),
                Some(_) => Event::FinishLoad(n),
            });
            if node.unanswered.is_some() {
                events.push(Event::Resolve(n));
                continue;
            }
            for wish in self.wishes(fleet, node) {
                events.push(Event::Commit(n, wish));
                events.push(Event::LoseReply(n, wish));
                events.push(Event::LoseRequest(n, wish));
            }
        }
    }

    fn next_state(&self, before: &Fleet, event: Event) -> Option<Fleet> {
        let mut fleet = before.clone();
        let (Event::Commit(n, _)
        | Event::LoseReply(n, _)
        | Event::LoseRequest(n, _)
        | Event::Resolve(n)
        | Event::StartLoad(n)
        | Event::FinishLoad(n)
        | Event::Encrypt(n)
        | Event::Crash(n)
        | Event::Start(n)) = event;
        let Some(mut node) = fleet.nodes[n] else {
            fleet.nodes[n] = Some(Node { ring: fleet.store, loading: None, unanswered: None });
            return Some(fleet);
        };
        match event {
            Event::Commit(_, wish) => {
                self.commit(&mut fleet, node.ring, wish);
            }
            Event::LoseReply(_, wish) => {
                let (seen, applied) = (node.ring, self.commit(&mut fleet, node.ring, wish));
                node.unanswered = Some(Unanswered { wish, seen, applied });
            }
            Event::LoseRequest(_, wish) => {
                node.unanswered = Some(Unanswered { wish, seen: node.ring, applied: false });
            }
            Event::Resolve(_) => self.resolve(&mut fleet, &mut node),
            Event::StartLoad(_) => node.loading = Some(fleet.store),
            Event::FinishLoad(_) => {
                let loaded = node.loading.take()?;
                let is_older = loaded.revision < node.ring.revision;
                if !is_older || self.has(Bug::InstallsOlder) {
                    fleet.went_back |= is_older;
                    node.ring = loaded;
                }
            }
            Event::Encrypt(_) => {
                let active = node.ring.keys.iter().position(|life| *life == Life::Active)?;
                fleet.ciphertexts[active] = true;
            }
            Event::Crash(_) => {
                fleet.nodes[n] = None;
                return Some(fleet);
            }
            Event::Start(_) => return None,
        }
        // A load in the air does not hold up the answer of a commit, which is a newer ring.
        if matches!(event, Event::Commit(..) | Event::Resolve(_))
            && fleet.store.revision > node.ring.revision
        {
            node.ring = fleet.store;
        }
        fleet.nodes[n] = Some(node);
        (fleet != *before).then_some(fleet)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one active key", |_, fleet: &Fleet| {
                fleet.store.keys.iter().filter(|life| **life == Life::Active).count() == 1
            }),
            Property::always("no change is lost", |_, fleet: &Fleet| !fleet.lost_change),
            Property::always("no node goes back", |_, fleet: &Fleet| !fleet.went_back),
            Property::always("no wish is carried out twice", |_, fleet: &Fleet| !fleet.twice),
            Property::always("every live node reads every ciphertext", |_, fleet: &Fleet| {
                fleet.nodes.iter().flatten().all(|node| {
                    let readable = |life: &Life| !matches!(life, Life::Unknown | Life::Destroyed);
                    let keys = node.ring.keys.iter().zip(fleet.ciphertexts);
                    keys.clone().all(|(life, is_used)| !is_used || readable(life))
                })
            }),
            Property::sometimes("a key is destroyed", |_, fleet: &Fleet| {
                fleet.store.keys.contains(&Life::Destroyed)
            }),
            Property::sometimes("a key is active again", |_, fleet: &Fleet| {
                fleet.store.keys[0] == Life::Active && fleet.store.keys.contains(&Life::Inactive)
            }),
        ]
    }

    fn within_boundary(&self, fleet: &Fleet) -> bool {
        fleet.store.revision <= self.revisions
    }
}
