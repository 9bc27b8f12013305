//! The conformance kit passes what is right, and catches a provider that is broken on purpose for
//! each behaviour.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use key_rotation::InMemoryKeyProvider;
use key_rotation::conformance::{self, Fixture, Nonconformance};
use pollster::block_on;

use self::broken::{Broken, BrokenStores, Fault};

#[path = "conformance/broken.rs"]
mod broken;

/// The in-memory store, by reference, which is how it is by value and there twice.
struct ByReference;

impl Fixture for ByReference {
    type Provider = &'static InMemoryKeyProvider<u8>;

    async fn new_store(&self) -> Self::Provider {
        // Kept for ever, and known to be: no leak.
        static KEPT: Mutex<Vec<&InMemoryKeyProvider<u8>>> = Mutex::new(Vec::new());
        let store = Box::leak(Box::default());
        KEPT.lock().unwrap().push(store);
        store
    }

    async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
        store
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

struct Boxed;

impl Fixture for Boxed {
    type Provider = Box<&'static InMemoryKeyProvider<u8>>;

    async fn new_store(&self) -> Self::Provider {
        Box::new(ByReference.new_store().await)
    }

    async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
        store.clone()
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

struct Counted;

impl Fixture for Counted {
    type Provider = Arc<InMemoryKeyProvider<u8>>;

    async fn new_store(&self) -> Self::Provider {
        Arc::default()
    }

    async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
        store.clone()
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

#[test]
fn the_store_in_memory_conforms_by_value_in_a_box_and_counted() {
    block_on(conformance::check_all(&ByReference)).unwrap();
    block_on(conformance::check_all(&Boxed)).unwrap();
    block_on(conformance::check_all(&Counted)).unwrap();
}

#[test]
fn the_checks_may_be_moved_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let check = conformance::check_all(&Counted);
    is_send(&check);
}

type Check = for<'f> fn(&'f BrokenStores) -> Checking<'f>;
type Checking<'f> = Pin<Box<dyn Future<Output = Result<(), Nonconformance>> + 'f>>;

/// Every behaviour by name, but for `outage`.
const CHECKS: [(&str, Check); 15] = [
    ("create", |f| Box::pin(conformance::create(f))),
    ("add", |f| Box::pin(conformance::add(f))),
    ("activate", |f| Box::pin(conformance::activate(f))),
    ("retire", |f| Box::pin(conformance::retire(f))),
    ("destroy", |f| Box::pin(conformance::destroy(f))),
    ("tombstones", |f| Box::pin(conformance::tombstones(f))),
    ("unchanged_values", |f| Box::pin(conformance::unchanged_values(f))),
    ("stale_revision", |f| Box::pin(conformance::stale_revision(f))),
    ("mismatched_receipts", |f| Box::pin(conformance::mismatched_receipts(f))),
    ("taken_ids", |f| Box::pin(conformance::taken_ids(f))),
    ("many_rings", |f| Box::pin(conformance::many_rings(f))),
    ("create_race", |f| Box::pin(conformance::create_race(f))),
    ("writer_race", |f| Box::pin(conformance::writer_race(f))),
    ("reader_during_commits", |f| Box::pin(conformance::reader_during_commits(f))),
    ("unknown_outcome", |f| Box::pin(conformance::unknown_outcome(f))),
];

fn check(name: &str, fault: Fault) -> Result<(), Nonconformance> {
    let (_, check) = CHECKS.iter().find(|(known, _)| *known == name).unwrap();
    block_on(check(&BrokenStores::new(fault)))
}

/// What catches the fault, and what the report must say.
const FAULTS: [(Fault, &str, &str); 47] = [
    (Fault::CreatesInactive, "create", "a key is"),
    (Fault::RevisionStands, "create", "the revision does not grow"),
    (Fault::RevisionStartsAnew, "add", "the revision does not grow"),
    (Fault::DropsNewKeys, "add", "the keys are"),
    (Fault::LosesStagedKeys, "add", "the store does not load"),
    (Fault::SortsById, "add", "order of their insertion"),
    (Fault::OnlyDemotes, "activate", "a key is"),
    (Fault::OnlyPromotes, "activate", "a key is"),
    (Fault::ForgetsActivatedAt, "activate", "a key is"),
    (Fault::KeepsOldActivation, "activate", "a key is"),
    (Fault::RetiresToInactive, "retire", "a key is"),
    (Fault::RefusesToRetireOnceActive, "retire", "fits and fails"),
    (Fault::ConflictsForNoReason, "retire", "is answered with a conflict"),
    (Fault::KeepsDestroyed, "destroy", "the keys are"),
    (Fault::ForgetsTombstone, "destroy", "the tombstones are"),
    (Fault::OneTombstone, "tombstones", "the tombstones are"),
    (Fault::TombstoneWithoutTime, "tombstones", "the tombstones are"),
    (Fault::Seconds, "unchanged_values", "a key is"),
    (Fault::SignedSeconds, "unchanged_values", "a key is"),
    (Fault::FoldsCase, "unchanged_values", "fails"),
    (Fault::CutsIds, "unchanged_values", "the keys are"),
    (Fault::Patterns, "unchanged_values", "after"),
    (Fault::AddsAsNeverActive, "unchanged_values", "a key is"),
    (Fault::AddsAsUsed, "add", "a key is"),
    (Fault::ForgetsAddedAt, "add", "a key is"),
    (Fault::ForgetsRevisions, "add", "a key is"),
    (Fault::ForgetsMaterialIn, "add", "the material of key"),
    (Fault::MixesMaterials, "unchanged_values", "another material"),
    (Fault::NoRevisionCheck, "stale_revision", "commits what expects"),
    (Fault::OnlyOlderIsStale, "stale_revision", "commits what expects"),
    (Fault::ConflictIsAnError, "stale_revision", "no conflict but an error"),
    (Fault::MismatchIsAConflict, "mismatched_receipts", "is answered with Conflict"),
    (Fault::CreatesAnyway, "mismatched_receipts", "is answered with Committed"),
    (Fault::ActivatesInThePast, "mismatched_receipts", "is answered with Committed"),
    (Fault::MismatchChangesHalf, "mismatched_receipts", "after a refusal"),
    (Fault::Upserts, "taken_ids", "is answered with Committed"),
    (Fault::ReusesTombstones, "taken_ids", "is answered with Committed"),
    (Fault::OneRingForAll, "many_rings", "a new store"),
    (Fault::ChecksThenWrites, "create_race", "8 of 8"),
    (Fault::ChecksThenWrites, "writer_race", "7 of 7"),
    (Fault::TwoWrites, "reader_during_commits", "half a change"),
    (Fault::LagsBehind, "reader_during_commits", "a reader sees"),
    (Fault::ReadsOldCopies, "unknown_outcome", "cannot be resolved"),
    (Fault::RefusesToRetireOnceActive, "unknown_outcome", "a retirement, whose answer was lost"),
    (Fault::ReadsRowsFirst, "unknown_outcome", "lost a race against nobody"),
    (Fault::NamesTheFirstKey, "unknown_outcome", "another first key"),
    (Fault::AppliesTwice, "unknown_outcome", "commits what expects"),
];

#[test]
fn each_fault_is_caught_by_the_behaviour_that_it_breaks() {
    for (fault, name, words) in FAULTS {
        let Err(report) = check(name, fault) else { panic!("{name} does not catch {fault:?}") };
        assert_eq!(report.behaviour(), name);
        assert!(report.to_string().contains(words), "{fault:?}: {report}");
        assert!(block_on(conformance::check_all(&BrokenStores::new(fault))).is_err());
    }
}

#[test]
fn every_behaviour_has_a_fault_and_none_finds_one_where_there_is_none() {
    for (name, _) in CHECKS {
        assert!(
            FAULTS.iter().any(|(_, caught_by, _)| *caught_by == name),
            "{name} is never needed"
        );
        check(name, Fault::None).unwrap_or_else(|report| panic!("{report}"));
    }
    block_on(conformance::check_all(&BrokenStores::new(Fault::None))).unwrap();
}

#[test]
fn an_outage_is_not_missing() {
    let stores = |fault| (BrokenStores::new(fault), Broken::new(fault));
    let report = |fault| {
        let (stores, store) = stores(fault);
        block_on(conformance::outage(&stores, &store))
    };
    report(Fault::IsDown).unwrap();
    let empty = report(Fault::IsDownAndEmpty).unwrap_err();
    assert_eq!(empty.to_string(), "outage: a store that is out of reach loads 0 keys");
    let conflict = report(Fault::IsDownAndBusy).unwrap_err();
    assert!(conflict.to_string().contains("answers Conflict"), "{conflict}");
    assert_eq!(conflict.behaviour(), "outage");
    let refused = report(Fault::IsDownForGood).unwrap_err();
    assert!(refused.to_string().contains("refuses for good"), "{refused}");
}
