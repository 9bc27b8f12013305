//! Failures of stores, services and shared rings.

use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use key_rotation::conformance::{self, Fixture};
use key_rotation::error::{ChangeMismatch, RotationError};
use key_rotation::key::{Destruction, Retirement, Rotation};
use key_rotation::shared::{RefreshOnMiss, SharedKeyring};
use key_rotation::store::{Change, Commit, Revision, Snapshot};
use key_rotation::{
    KeyProvider, KeyRecord, KeyStatus, Keyring, RotationService, StrictSingleActive, Times,
};
use pollster::block_on;

use super::Produced;
use super::keys::{Never, at, id, record, staged};

fn snapshot() -> Snapshot<u8> {
    let records = vec![
        record("k1", KeyStatus::Active),
        record("k2", KeyStatus::Inactive),
        record("k3", KeyStatus::Retired),
    ];
    let destroyed = vec![Destruction::new(id("k4"), at(20))];
    Snapshot { revision: Revision::new(1), records, destroyed }
}

pub(super) fn mismatches(all: &mut Produced) {
    let add = |record: KeyRecord<u8>| Change::Add(record);
    let before_creation =
        Times { created_at: Some(at(9)), deactivated_at: Some(at(5)), ..Times::default() };
    let impossible = record("k5", KeyStatus::Inactive).with_times(before_creation);
    let changes = [
        Change::Create(record("k5", KeyStatus::Active)),
        add(record("k1", KeyStatus::Inactive)),
        add(record("k4", KeyStatus::Inactive)),
        add(record("k5", KeyStatus::Retired)),
        add(impossible),
        Change::Retire(Retirement::new(id("k9"), at(30))),
        Change::Retire(Retirement::new(id("k2"), at(5))),
        Change::Activate(Rotation::new(id("k1"), id("k2"), at(30), false)),
    ];
    for change in changes {
        all.error(&snapshot().apply(Revision::new(1), &change).unwrap_err());
    }
}

/// How a [`Store`] fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    OutOfReach,
    ReadOnly,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
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

    async fn load(&self) -> Result<Snapshot<u8>, Failure> {
        if self.is_in_reach { Ok(self.holds.clone()) } else { Err(Failure::OutOfReach) }
    }

    async fn commit(&self, _: Revision, _: &Change<u8>) -> Result<Commit, Failure> {
        Err(self.commits)
    }

    fn is_refusal(error: &Failure) -> bool {
        *error == Failure::ReadOnly
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
    all.error(&block_on(service(store(Snapshot::empty())).keyring()).unwrap_err());
    let damaged = Snapshot { records: Vec::new(), ..snapshot() };
    all.error(&block_on(service(store(damaged)).keyring()).unwrap_err());

    let read_only = Store { commits: Failure::ReadOnly, ..store(snapshot()) };
    all.error(&block_on(service(read_only).retire("k2", at(30))).unwrap_err());
    let service = service(store(snapshot()));
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
    type Error = ChangeMismatch;

    async fn load(&self) -> Result<Snapshot<u8>, ChangeMismatch> {
        Ok(Snapshot::empty())
    }

    async fn commit(&self, seen: Revision, _: &Change<u8>) -> Result<Commit, ChangeMismatch> {
        Ok(Commit::Committed(seen.next()))
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
