//! Failures of stores, services and shared rings.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use key_rotation::conformance::{self, Fixture};
use key_rotation::error::{ChangeMismatch, RotationError};
use key_rotation::key::{Destruction, Retirement, Rotation};
use key_rotation::service::{Leak, NoSupplies, Supplies};
use key_rotation::shared::{RefreshOnMiss, SharedKeyring};
use key_rotation::store::{
    Change, Commit, CommitError, DynKeyProvider, Events, History, Loaded, Proposal, Revision,
    RingName, Snapshot,
};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyProvider, KeyRecord, KeyStatus, Keyring,
    RotationService, StrictSingleActive, Times,
};
use pollster::block_on;

use super::Produced;
use super::keys::{Never, at, id, record, staged};
use super::support::proposal;

fn snapshot() -> Snapshot<u8> {
    let records = vec![
        record("k1", KeyStatus::Active),
        record("k2", KeyStatus::Inactive),
        record("k3", KeyStatus::Retired),
    ];
    let destroyed = vec![Destruction::new(id("k4"), at(20))];
    Snapshot {
        revision: Revision::new(1, 1),
        records,
        destroyed,
        ids: 4,
        ..Snapshot::empty(RingName::from_static("payments"))
    }
}

fn create(record: KeyRecord<u8>) -> Change<u8> {
    Change::Create { records: vec![record], destroyed: vec![] }
}

fn retire(name: &'static str, millis: u64) -> Change<u8> {
    Change::Retire { retirement: Retirement::new(id(name), at(millis)), material: None }
}

pub(super) fn mismatches(all: &mut Produced) {
    let add = |record: KeyRecord<u8>| Change::Add(record);
    let before_creation =
        Times { created_at: Some(at(9)), deactivated_at: Some(at(5)), ..Times::default() };
    let impossible = record("k5", KeyStatus::Inactive).with_times(before_creation);
    let changes = [
        create(record("k5", KeyStatus::Active)),
        add(record("k1", KeyStatus::Inactive)),
        add(record("k4", KeyStatus::Inactive)),
        add(record("k5", KeyStatus::Retired)),
        add(impossible),
        retire("k9", 30),
        retire("k2", 5),
        Change::Activate(Rotation::new(id("k1"), id("k2"), at(30), false)),
    ];
    let head = Revision::new(1, 1);
    for change in changes {
        all.error(&snapshot().apply(&proposal(head, change)).unwrap_err());
    }
    let mut empty = Snapshot::empty(RingName::from_static("payments"));
    let first = proposal(Revision::EMPTY, create(record("k5", KeyStatus::Inactive)));
    all.error(&empty.apply(&first).unwrap_err());
    let does_not_follow = Proposal { next: head, ..proposal(head, retire("k2", 30)) };
    all.error(&snapshot().apply(&does_not_follow).unwrap_err());
    let late = Proposal { valid_until: Some(at(40)), ..proposal(head, retire("k2", 30)) };
    all.error(&Snapshot { store_time: Some(at(41)), ..snapshot() }.apply(&late).unwrap_err());
    let closed = Snapshot { closed: Some(at(40)), ..snapshot() };
    all.error(&closed.clone().apply(&proposal(head, retire("k2", 30))).unwrap_err());
    let lost = Snapshot { ids: 5, ..snapshot() }.into_keyring().unwrap_err();
    all.error(&lost);
    lost.violations().iter().for_each(|violation| all.error(violation));
    for name in ["", "two words", &"r".repeat(129)] {
        all.error(&name.parse::<RingName>().unwrap_err());
    }
}

/// How a [`Store`] fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    OutOfReach,
    ReadOnly,
    Busy,
    Misfit,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store fails: {self:?}")
    }
}

impl Error for Failure {}

/// What it holds may be read, unless it is out of reach; nothing is ever written.
struct Store {
    holds: Snapshot<u8>,
    is_in_reach: bool,
    commits: Failure,
}

impl KeyProvider for Store {
    type Material = u8;
    type Error = Failure;

    async fn load(&self, seen: Revision) -> Result<Loaded<u8>, Failure> {
        let found = self.holds.revision;
        match self.is_in_reach {
            true if seen == Revision::EMPTY => Ok(Loaded::Ring(self.holds.clone())),
            true => Ok(Loaded::NotInHistory { seen, found }),
            false => Err(Failure::OutOfReach),
        }
    }

    async fn commit(&self, proposal: &Proposal<u8>) -> Result<Commit, CommitError<Failure>> {
        Err(match self.commits {
            Failure::OutOfReach => CommitError::Unknown(self.commits),
            Failure::ReadOnly => CommitError::Refused(self.commits),
            Failure::Busy => CommitError::NotWritten(self.commits),
            Failure::Misfit => {
                let (expected, next) = (proposal.expected, proposal.next);
                CommitError::Mismatch(ChangeMismatch::NotTheNext { expected, next })
            }
        })
    }
}

impl History for Store {
    async fn history(&self, seen: Revision) -> Result<Events, Failure> {
        Ok(Events::NotInHistory { seen, found: self.holds.revision })
    }
}

fn store(holds: Snapshot<u8>) -> Store {
    Store { holds, is_in_reach: true, commits: Failure::OutOfReach }
}

fn out_of_reach() -> Store {
    Store { is_in_reach: false, ..store(snapshot()) }
}

fn service(store: Store) -> RotationService<Store, StrictSingleActive> {
    RotationService::new(store, StrictSingleActive)
}

pub(super) fn services(all: &mut Produced) {
    all.error(&block_on(service(out_of_reach()).keyring()).unwrap_err());
    let nothing = Snapshot::empty(RingName::from_static("payments"));
    all.error(&block_on(service(store(nothing)).keyring()).unwrap_err());
    let closed = Snapshot { closed: Some(at(40)), ..snapshot() };
    all.error(&block_on(service(store(closed)).keyring()).unwrap_err());
    let damaged = Snapshot { records: Vec::new(), ..snapshot() };
    all.error(&block_on(service(store(damaged)).keyring()).unwrap_err());

    for commits in [Failure::ReadOnly, Failure::Busy, Failure::Misfit] {
        let failing = Store { commits, ..store(snapshot()) };
        let proposal = proposal(Revision::EMPTY, retire("k2", 30));
        all.error(&block_on(failing.commit(&proposal)).unwrap_err());
        let erased = DynKeyProvider::new(Store { commits, ..store(snapshot()) });
        all.error(&block_on(erased.commit(&proposal)).unwrap_err());
        all.error(&block_on(service(failing).retire("k2", at(30))).unwrap_err());
    }
    let unknown = proposal(Revision::EMPTY, retire("k2", 30));
    all.error(&block_on(store(snapshot()).commit(&unknown)).unwrap_err());
    all.error(&block_on(DynKeyProvider::new(out_of_reach()).load(Revision::EMPTY)).unwrap_err());
    let seen = Revision::new(7, 7);
    all.error(&block_on(service(store(snapshot())).history(seen)).unwrap_err());
    let adopted = || Keyring::new(staged("k1").activate(at(10)));
    all.error(&block_on(service(store(snapshot())).adopt(adopted(), at(30))).unwrap_err());
    let unprepared =
        Keyring::from_records([record("k1", KeyStatus::Active), record("k3", KeyStatus::Retired)])
            .unwrap()
            .map_or_leave(|key, material| {
                if key.id == *"k3" { Err("no access to the KMS".into()) } else { Ok(*material) }
            })
            .unwrap();
    all.error(&block_on(service(store(snapshot())).adopt(unprepared, at(30))).unwrap_err());
    let service = service(store(snapshot()));
    let alone = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    let _ = block_on(alone.bootstrap(staged("k1"), at(30))).unwrap();
    let skewed = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    let _ = block_on(skewed.bootstrap(staged("k1"), at(86_400_000))).unwrap();
    all.error(&block_on(skewed.add(staged("k2"), at(30))).unwrap_err());
    let leaked = "leaked".parse().unwrap();
    all.error(&block_on(alone.replace_compromised(Leak::Ring, leaked, at(30))).unwrap_err());
    let nothing: Result<Key<Inactive, u8>, _> = block_on(NoSupplies.new_key(at(30)));
    all.error(&nothing.unwrap_err());
    all.error(&block_on(service.retire("k2", at(30))).unwrap_err());
    all.error(&block_on(service.retire("k9", at(30))).unwrap_err());
    let taken = block_on(service.add(staged("k2"), at(30))).unwrap_err();
    all.error(&taken);
    let RotationError::KeyIdTaken(taken) = taken else { panic!("{taken}") };
    all.error(&taken);

    let strict = RotationService::new(store(snapshot()), Never);
    all.error(&block_on(strict.rotate_to("k2", at(30))).unwrap_err());
}

pub(super) fn shared_rings(all: &mut Produced) {
    let ring = || Keyring::new(staged("k1").activate(at(10)));
    let mut reader = SharedKeyring::new(ring()).reader();
    all.error(&reader.encryption_key_within(Duration::from_secs(1), at(30)).unwrap_err());

    let broken = async |_, _| Err::<u8, _>(Failure::OutOfReach);
    all.error(&block_on(service(store(snapshot())).share_with(at(30), broken)).unwrap_err());
    all.error(&block_on(service(out_of_reach()).share_with(at(30), broken)).unwrap_err());

    let misses = RefreshOnMiss::new(SharedKeyring::new(ring()), NonZeroU32::MIN);
    let refresh = async || Err::<(), _>(Failure::OutOfReach);
    // The first is asked; for the second it is too early.
    for _ in 0..2 {
        all.error(&block_on(misses.ring_with("k9", at(30), refresh)).unwrap_err());
    }
}

/// Takes each change and forgets it.
struct Forgetful;

impl KeyProvider for Forgetful {
    type Material = u8;
    type Error = Infallible;

    async fn load(&self, _: Revision) -> Result<Loaded<u8>, Infallible> {
        Ok(Loaded::Ring(Snapshot::empty(RingName::from_static("forgotten"))))
    }

    async fn commit(&self, _: &Proposal<u8>) -> Result<Commit, CommitError<Infallible>> {
        Ok(Commit::Committed)
    }
}

struct ForgetfulStores;

impl Fixture for ForgetfulStores {
    type Provider = Forgetful;

    async fn new_store(&self) -> Forgetful {
        Forgetful
    }

    async fn reopen(&self, _: &Forgetful) -> Forgetful {
        Forgetful
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

pub(super) fn conformance(all: &mut Produced) {
    all.error(&block_on(conformance::create(&ForgetfulStores)).unwrap_err());
}
