//! Everything that stores, services, plans and records print.

use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex};

use key_rotation::audit::{AuditEvent, AuditSink};
use key_rotation::error::{ChangeMismatch, RotationError, TakenId};
use key_rotation::key::{
    Addition, Closing, Dating, Destruction, Restoration, Retirement, Revocation, Rewrapping,
    Rotation, RotationDecision,
};
use key_rotation::plan::{Because, forecast, plan};
use key_rotation::policy::{
    Due, Evidence, Fleet, KeyUsage, NodeReport, References, RotationPolicy, Step, Unreferenced,
    Until, UsageLimit, days, hours, minutes,
};
use key_rotation::service::{Applied, DestroyRequest, Leak, NoSupplies};
use key_rotation::store::{
    Change, Changed, Commit, CommitError, DynKeyProvider, DynProviderError, History, InMemoryRings,
    Loaded, Mark, Proposal, Revision, RingDirectory, RingHead, RingName,
};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyProvider, KeyRef, Keyring, Outcome,
    RotationService, StrictSingleActive,
};
use pollster::block_on;

use crate::exhibits::{Exhibits, Never, at, damaged, id, ring};
use crate::support::{loaded, proposal, revision};

pub(crate) fn exhibit<M: Send + Sync + 'static>(
    all: &mut Exhibits,
    key: impl Fn(&str) -> Key<Inactive, M> + Copy,
) {
    stores(all, key);
    service_errors(all, key);
    directories(all, key);
    plans(all, key);
    audit(all, key);
    supplies(all, key);
}

/// A leak that is answered, and one for which there is no new key.
fn supplies<M: Send + Sync + 'static>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    let _ = block_on(service.bootstrap(key("first"), at(2))).unwrap();
    let _ = block_on(service.add(key("second"), at(3))).unwrap();
    let leaked = || "leaked".parse().unwrap();
    all.debug("Leak", &Leak::Key);
    all.debug("Replacement", &block_on(service.replace_compromised(Leak::Key, leaked(), at(4))));
    let error = block_on(service.replace_compromised(Leak::Ring, leaked(), at(5))).unwrap_err();
    all.error("NothingSupplied", &error);
    all.debug("NoSupplies", &NoSupplies);
    all.debug("RotationService", &service);
}

fn stores<M: Send + Sync + 'static>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let record = |name: &str| KeyRef::from(&key(name)).to_record();
    let first = KeyRef::from(&key("first").activate(at(2))).to_record();
    let material = |name: &str| record(name).material;
    let changes: [Change<M>; 9] = [
        Change::Create {
            records: vec![first],
            destroyed: vec![Destruction::new(id("old"), at(1))],
        },
        Change::Add(record("second")),
        Change::Activate(Rotation::new(id("first"), id("second"), at(3), false)),
        Change::Retire {
            retirement: Retirement::new(id("first"), at(4)),
            material: Some(material("half")),
        },
        Change::Revoke { revocation: Revocation::new(id("first"), at(4)), material: None },
        Change::Restore(Restoration::new(id("first"), at(4))),
        Change::Rewrap { id: id("second"), material: material("anew") },
        Change::Date(Dating::new(id("second"), at(5))),
        Change::Destroy(Destruction::new(id("first"), at(5))),
    ];
    let store = InMemoryKeyProvider::new();
    let mut revisions = vec![Revision::EMPTY];
    for change in &changes {
        all.debug("Change", change);
        let proposal = proposal(revisions[revisions.len() - 1], change.clone());
        all.debug("Proposal", &proposal);
        all.debug("Commit", &block_on(store.commit(&proposal)).unwrap());
        all.debug("Loaded::Ring", &block_on(store.load(Revision::EMPTY)));
        all.debug("Loaded::Unchanged", &block_on(store.load(proposal.next)));
        all.debug("Snapshot", &loaded(&store));
        all.debug("InMemoryKeyProvider", &store);
        all.debug("Events", &block_on(store.history(proposal.expected)));
        revisions.push(proposal.next);
    }
    all.debug("Loaded::NotInHistory", &block_on(store.load(Revision::new(3, 999_999))));
    let head = revision(&store);
    for misfit in [&changes[0], &changes[1], &changes[2], &changes[3]] {
        let error = block_on(store.commit(&proposal(head, misfit.clone()))).unwrap_err();
        all.error("CommitError", &error);
        let CommitError::Mismatch(error) = error;
        all.error("ChangeMismatch", &error);
    }
    let late = proposal(Revision::EMPTY, changes[0].clone());
    all.debug("Commit::Conflict", &block_on(store.commit(&late)));
    all.shown("Revision", &head);
    let erased = DynKeyProvider::new(InMemoryKeyProvider::<M>::new());
    all.debug("DynKeyProvider", &erased);
    all.shown("Dating", &Dating::new(id("second"), at(5)));
    all.shown("Rewrapping", &Rewrapping::new(id("second"), at(5)));
    let event = late.event(RingName::from_static("payments"), None);
    all.debug("Grounds", &event.provenance.grounds);
    all.debug("Provenance", &event.provenance);
    all.shown("RingName", &RingName::from_static("payments"));
    all.error("InvalidRingName", &"two words".parse::<RingName>().unwrap_err());
    let closing = Closing::new(id("second"), at(9));
    let close: Change<M> = Change::Close(closing.clone());
    all.debug("Change", &close);
    all.shown("Closing", &closing);

    let service = RotationService::new(store, StrictSingleActive);
    all.debug("RotationService", &service);
    let added = block_on(service.add(key("third"), at(5))).unwrap();
    assert!(matches!(added, Outcome::Done(Addition { .. })));
    all.debug("Outcome::Done", &added);
    let rotated = block_on(service.rotate_to("third", at(6))).unwrap();
    assert!(matches!(rotated, Outcome::Done(RotationDecision::Rotated(_))));
    all.debug("Outcome::Done", &rotated);
    let state = block_on(service.state()).unwrap();
    all.shown("KeyringState, of a service", &state);
    all.debug("Outcome::LostRace", &Outcome::<Addition>::LostRace { now: state });
    all.debug("Keyring, of a service", &block_on(service.keyring()));
}

/// A directory of rings, and what it answers.
fn directories<M: Send + Sync + 'static>(
    all: &mut Exhibits,
    key: impl Fn(&str) -> Key<Inactive, M>,
) {
    let rings = InMemoryRings::<M>::new();
    let name = RingName::from_static("payments");
    let service = RotationService::new(rings.ring(&name), StrictSingleActive);
    let _ = block_on(service.bootstrap(key("k1"), at(2))).unwrap();
    all.debug("InMemoryRings", &rings);
    let heads: Vec<RingHead> = block_on(rings.rings()).unwrap();
    all.debug("RingHead", &heads);
    let changed: Changed = block_on(rings.changed_since(Mark::START)).unwrap();
    all.debug("Changed", &changed);
    all.debug("Mark", &changed.mark);
    let sealed = DynKeyProvider::new(Failing(rings.ring(&name)));
    let error: DynProviderError = block_on(sealed.load(Revision::EMPTY)).unwrap_err();
    all.error("DynProviderError", &error);
}

/// A store whose loads fail, with what it holds.
struct Failing<P>(P);

impl<P: KeyProvider<Error = Infallible>> KeyProvider for Failing<P> {
    type Material = P::Material;
    type Error = ChangeMismatch;

    async fn load(&self, _: Revision) -> Result<Loaded<P::Material>, ChangeMismatch> {
        Err(ChangeMismatch::KeyNotFound { id: id("k") })
    }

    async fn commit(
        &self,
        proposal: &Proposal<P::Material>,
    ) -> Result<Commit, CommitError<ChangeMismatch>> {
        self.0.commit(proposal).await.map_err(|error| error.map(|never| match never {}))
    }
}

fn service_errors<M: Send + Sync + 'static>(
    all: &mut Exhibits,
    key: impl Fn(&str) -> Key<Inactive, M>,
) {
    let empty = RotationService::new(InMemoryKeyProvider::<M>::new(), StrictSingleActive);
    let error = block_on(empty.keyring()).unwrap_err();
    assert!(matches!(error, RotationError::EmptyStore));
    all.error("RotationError::EmptyStore", &error);

    let store = InMemoryKeyProvider::from_records(damaged(&key));
    let error = block_on(RotationService::new(store, Never).validate()).unwrap_err();
    assert!(matches!(error, RotationError::InvalidKeyring { .. }));
    all.error("RotationError::InvalidKeyring", &error);

    let (records, _) = ring(&key).into_parts();
    let service = RotationService::new(InMemoryKeyProvider::from_records(records), Never);
    let error = block_on(service.add(key("active"), at(9))).unwrap_err();
    assert!(matches!(error, RotationError::KeyIdTaken(_)));
    all.error("RotationError::KeyIdTaken", &error);
    let RotationError::KeyIdTaken(taken) = error else { panic!("{error}") };
    let taken: TakenId = taken;
    all.error("TakenId", &taken);
    let error = block_on(service.retire("active", at(9))).unwrap_err();
    assert!(matches!(error, RotationError::Entry(_)));
    all.error("RotationError::Entry", &error);
    let error = block_on(service.rotate_to("inactive", at(9))).unwrap_err();
    assert!(matches!(error, RotationError::Refused { .. }));
    all.error("RotationError::Refused", &error);

    let source = || ChangeMismatch::KeyNotFound { id: id("k") };
    all.error("RotationError::Provider", &RotationError::Provider(source()));
    let (ring, id) = (|| RingName::from_static("payments"), || Some(id("k")));
    for error in [
        RotationError::OutcomeUnknown { ring: ring(), id: id(), source: source() },
        RotationError::Rejected { ring: ring(), id: id(), source: source() },
        RotationError::NotWritten { ring: ring(), id: id(), source: source() },
        RotationError::Mismatch { ring: ring(), id: id(), source: source() },
    ] {
        all.error("RotationError of a commit", &error);
    }
}

const PERIODS: Cryptoperiods = Cryptoperiods::builder(hours(1), minutes(5))
    .originator_usage(days(90))
    .recipient_usage(days(30))
    .grace(days(10))
    .retention(days(20))
    .usage_limit(UsageLimit::of(100))
    .build_static();

fn plans<M: Send + Sync + 'static>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let now = at(1).saturating_add(days(1000));
    let full = ring(&key);
    let without_staged = Keyring::new(key("k").activate(at(2)));
    let of_unknown_age = Keyring::new(key("k").activate(now.saturating_add(days(1))));
    for ring in [&full, &without_staged, &of_unknown_age] {
        let usage = KeyUsage {
            id: ring.active().id().clone(),
            encryptions: 99,
            last_encryption: None,
            last_decryption: None,
        };
        let node = NodeReport {
            node: "node-1".parse().unwrap(),
            revision: Revision::EMPTY,
            lease_end: now,
            unprepared: vec![id("staged")],
            usage: vec![usage.clone()],
        };
        let references = References { id: id("retired"), count: 3, counted_at: now };
        all.debug("KeyUsage", &usage);
        all.debug("NodeReport", &node);
        all.debug("References", &references);
        let fleet = Fleet { nodes: vec![node], references: vec![references] };
        all.debug("Fleet", &fleet);
        for (fleet, now) in [(&Fleet::UNKNOWN, now), (&fleet, now), (&fleet, at(3))] {
            let plan = plan(&PERIODS, &ring.state(), fleet, now);
            let until = now.saturating_add(days(200));
            let forecast = forecast(&PERIODS, &ring.state(), fleet, now, until);
            all.shown("Forecast", &forecast);
            forecast.steps().iter().for_each(|step| all.debug("Foreseen", step));
            all.shown("RotationPlan", &plan);
            all.shown("Health", &plan.health());
            for step in plan.due() {
                all.shown("DueStep", step);
                let because: &Because = &step.because;
                all.shown("Because", because);
            }
            plan.blocked().iter().for_each(|blocked| all.shown("Blocked", blocked));
            plan.doubts().iter().for_each(|doubt| all.shown("Doubt", doubt));
            plan.upcoming().iter().for_each(|upcoming| all.shown("Upcoming", upcoming));
        }
    }
    let service = RotationService::new(InMemoryKeyProvider::new(), PERIODS);
    let _ = block_on(service.bootstrap(key("first"), at(2))).unwrap();
    let _ = block_on(service.add(key("second"), at(2))).unwrap();
    all.debug("Staged", &block_on(service.stage(at(3))).unwrap());
    let late = at(2).saturating_add(days(95));
    all.debug("Maintenance", &block_on(service.maintain(late)));
    all.debug("And", &PERIODS.and(StrictSingleActive));
    all.debug("Timing", &PERIODS.timing());
    all.debug("Due", &Due::From(now));
    all.debug("Step", &Step::Date);
    all.debug("Until", &Until::At(now));
    all.debug("Applied::Done", &Applied::Done);
    all.debug("Applied::Stale", &Applied::Stale { now: full.state() });
}

#[derive(Default)]
struct Printer(Mutex<Exhibits>);

impl AuditSink for Printer {
    fn record(&self, event: &AuditEvent) {
        let mut all = self.0.lock().unwrap();
        all.shown("AuditEvent", event);
        all.shown("AuditAction", &event.action);
    }
}

fn audit<M: Send + Sync + 'static>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let printer = Arc::new(Printer::default());
    let sink = Arc::clone(&printer) as Arc<dyn AuditSink>;
    let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive)
        .acting_as("the test".parse().unwrap())
        .with_audit(sink);
    all.debug("RotationService, with a record", &service);
    let done = |outcome| assert!(matches!(outcome, Outcome::Done(_)));
    let emergency = || "it is known to an attacker".parse().unwrap();
    let _ = block_on(service.bootstrap(key("k1"), at(2))).unwrap();
    assert!(matches!(block_on(service.add(key("k2"), at(2))).unwrap(), Outcome::Done(_)));
    done(block_on(service.rotate_in_emergency("k2", emergency(), at(3))).unwrap());
    assert!(matches!(block_on(service.retire("k1", at(4))).unwrap(), Outcome::Done(_)));

    let counted = Unreferenced::counted(id("k1"), 0, at(5)).unwrap();
    all.debug("Unreferenced", &counted);
    all.error("StillReferenced", &Unreferenced::counted(id("k1"), 7, at(5)).unwrap_err());
    for evidence in [Evidence::None, Evidence::from(counted), Evidence::Forced(emergency())] {
        all.debug("Evidence", &evidence);
    }
    let request = DestroyRequest::forced("k1", emergency());
    all.debug("DestroyRequest", &request);
    let destroyed = block_on(service.destroy(request, at(6))).unwrap();
    assert!(matches!(destroyed, Outcome::Done(_)));

    let events = mem::take(&mut *printer.0.lock().unwrap());
    assert!(events.0.len() >= 5);
    all.0.extend(events.0);
}
