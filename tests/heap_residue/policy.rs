//! What is done under a policy, for any material.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use key_rotation::{
    Applied, AuditEvent, AuditSink, Cryptoperiods, DecryptionKeyError, DestroyRequest,
    EncryptionKeyError, InMemoryKeyProvider, KeyInfo, KeyStatus, Outcome, Refusal,
    RotationDecision, RotationError, RotationPolicy, RotationService, StrictSingleActive,
    Timestamp, Unreferenced, Usage, days,
};
use pollster::block_on;

use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Place, Places, Specimen, at, id};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a ring is asked under a policy", asking::<M>),
        ("a ring withholds keys", withholding::<M>),
        ("plans are carried out, and grow stale", plans::<M>),
        ("evidence is missing, and policies are passed over", by_force::<M>),
    ]
}

/// Allows nothing.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _key: &KeyInfo, _at: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_encrypt(&self, _key: &KeyInfo, _usage: Usage, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

fn asking<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let places = Places::of(&ring);
    let (active, now) = (Place::of_key(ring.active()), at(9));

    let key = ring.encryption_key_under(&StrictSingleActive, Usage::UNKNOWN, now).unwrap();
    assert_eq!(Place::of(key.material()), active);
    let key = ring.decryption_key_under("active", &StrictSingleActive, now).unwrap();
    assert_eq!(Place::of(key.material()), active);
    let keys = ring.decryption_keys_under(&StrictSingleActive, now);
    let under_policy: Vec<_> = keys.map(|key| Place::of(key.unwrap().material())).collect();
    let keys = ring.decryption_keys();
    assert_eq!(under_policy, keys.map(|key| Place::of(key.material())).collect::<Vec<_>>());

    let refused = ring.encryption_key_under(&Never, Usage::of(7), now).unwrap_err();
    assert!(matches!(refused, EncryptionKeyError::NotAllowed { .. }));
    let refused = ring.decryption_key_under("retired", &Never, now).unwrap_err();
    assert!(matches!(refused, DecryptionKeyError::NotAllowed { .. }));
    assert!(ring.decryption_keys_under(&Never, now).all(|key| key.is_err()));
    places.are_those_of(&ring);
}

/// Panics at a retired key, and forbids any other.
struct Broken;

impl RotationPolicy for Broken {
    fn may_activate(&self, _key: &KeyInfo, _at: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        match key.status {
            KeyStatus::Retired => panic_now(),
            KeyStatus::Active | KeyStatus::Inactive => Err(Refusal::new("never")),
        }
    }
}

fn withholding<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let places = Places::of(&ring);
    panics(|| assert_eq!(ring.withhold(&Broken, at(9)), 0));
    assert_eq!(ring.len(), 4);
    places.are_those_of(&ring);

    let fork = ring.fork();
    assert_eq!(ring.withhold(&Never, at(9)), 3);
    places.are_those_of(&ring);
    places.are_those_of(&fork);
    drop(fork);
    drop(ring.add(forge.key("retired")).unwrap_err());
    assert!(ring.rotate_to("staged", at(9)).is_err());
    let withheld = ring.decryption_key("former").unwrap_err();
    assert!(matches!(withheld, DecryptionKeyError::NotAllowed { .. }));

    let fork = ring.fork();
    assert_eq!((fork.len(), fork.withheld().count(), ring.withhold(&Never, at(9))), (1, 3, 0));
    assert_eq!(fork.state().withheld().len(), 3);
    let (records, _) = ring.into_parts();
    places.are_those_in(&records);

    // With nobody else to hold the material, it is gone with the last pointer of the ring.
    let mut ring = forge.ring();
    let retired = ring.get("retired").map(|key| Arc::downgrade(&key.to_record().material));
    assert_eq!(ring.withhold(&Never, at(9)), 3);
    assert!(retired.unwrap().upgrade().is_none());
}

const PERIODS: Cryptoperiods = Cryptoperiods::builder()
    .originator_usage(days(90))
    .propagation(days(2))
    .recipient_usage(days(30))
    .grace(days(10))
    .retention(days(20))
    .build_static();

/// Counts the events, and prints them.
#[derive(Default)]
struct Counter(AtomicUsize);

impl AuditSink for Counter {
    fn record(&self, event: &AuditEvent) {
        assert!(format!("{event} {event:?}").contains("the test"));
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn plans<M: Specimen>(forge: &Forge<M>) {
    let counter = Arc::new(Counter::default());
    let sink = Arc::clone(&counter) as Arc<dyn AuditSink>;
    let service = RotationService::new(InMemoryKeyProvider::new(), PERIODS)
        .with_audit(sink, "the test".parse().unwrap());
    let mut places = Places::default();
    let (first, second) = (forge.key("first"), forge.key("second"));
    places.note(&first);
    places.note(&second);
    places.are_those_of(&block_on(service.bootstrap(first, at(2))).unwrap());
    assert!(matches!(block_on(service.add(second)).unwrap(), Outcome::Done(_)));

    let day = |day| at(2).saturating_add(days(day));
    for now in [91, 122, 143].map(day) {
        let plan = block_on(service.plan(Usage::UNKNOWN, now)).unwrap();
        let [step] = plan.due() else { panic!("{plan}") };
        let evidence = || Unreferenced::counted(id("first"), 0, now).unwrap().into();
        let applied = block_on(service.apply(step, evidence(), now)).unwrap();
        assert_eq!(applied, Applied::Done);
        let again = block_on(service.apply(step, evidence(), now)).unwrap();
        assert!(matches!(again, Applied::Stale { .. }));
        places.are_those_of(&block_on(service.keyring()).unwrap());
    }
    assert_eq!(block_on(service.keyring()).unwrap().len(), 1);
    assert_eq!(counter.0.load(Ordering::Relaxed), 5);
}

fn by_force<M: Specimen>(forge: &Forge<M>) {
    let ring = forge.ring();
    let (places, (records, _)) = (Places::of(&ring), ring.into_parts());
    let service = RotationService::new(InMemoryKeyProvider::from_records(records), Never);

    let refused = block_on(service.rotate_to("staged", at(6))).unwrap_err();
    assert!(matches!(refused, RotationError::Refused { .. }));
    let reason = || "the active key is known to an attacker".parse().unwrap();
    let decision = block_on(service.rotate_in_emergency("staged", reason(), at(6))).unwrap();
    assert!(matches!(decision, Outcome::Done(RotationDecision::Rotated(_))));
    let refused = block_on(service.rotate_in_emergency("retired", reason(), at(6))).unwrap_err();
    assert!(matches!(refused, RotationError::Entry(_)));
    places.are_those_of(&block_on(service.keyring()).unwrap());

    let refused = block_on(service.destroy("retired", at(7))).unwrap_err();
    assert!(matches!(refused, RotationError::Refused { .. }));
    places.are_those_of(&block_on(service.keyring()).unwrap());
    let forced = DestroyRequest::forced("retired", reason());
    assert!(matches!(block_on(service.destroy(forced, at(7))).unwrap(), Outcome::Done(_)));
    let ring = block_on(service.keyring()).unwrap();
    assert_eq!((ring.len(), ring.destroyed().count()), (3, 1));
    places.are_those_of(&ring);
}
