//! What is done under a policy, for any material.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use key_rotation::audit::{AuditEvent, AuditSink};
use key_rotation::error::{DecryptionKeyError, RotationError};
use key_rotation::key::RotationDecision;
use key_rotation::policy::{Fleet, Refusal, Step, days, hours, minutes};
use key_rotation::service::{Applied, DestroyRequest};
use key_rotation::{
    Cryptoperiods, InMemoryKeyProvider, KeyInfo, KeyStatus, Keyring, Outcome, RotationPolicy,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use super::scanner::living;
use super::scenarios::{Scenario, panic_now, panics};
use super::specimen::{Forge, Places, Specimen, at, swept};

pub(crate) fn all<M: Specimen>() -> Vec<Scenario<M>> {
    vec![
        ("a policy is enforced, and another", enforcing::<M>),
        ("plans are carried out, and grow stale", plans::<M>),
        ("evidence is missing, and policies are passed over", by_force::<M>),
    ]
}

/// Allows nothing.
struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _key: &KeyInfo, _: &Fleet, _at: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_encrypt(
        &self,
        _key: &KeyInfo,
        _usage: Option<u64>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

/// Panics at a retired key, and forbids any other.
struct Broken;

impl RotationPolicy for Broken {
    fn may_activate(&self, _key: &KeyInfo, _: &Fleet, _at: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn may_decrypt(&self, key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        match key.status {
            KeyStatus::Retired => panic_now(),
            KeyStatus::Active | KeyStatus::Inactive | KeyStatus::Revoked => {
                Err(Refusal::new("never"))
            }
        }
    }
}

fn enforcing<M: Specimen>(forge: &Forge<M>) {
    let mut ring = forge.ring();
    let (places, living_before) = (Places::of(&ring), living());
    let refused = |ring: &Keyring<M>| ring.state().refused().len();
    panics(|| ring.enforce(&Broken, at(9)));
    assert_eq!(refused(&ring), 0);
    places.are_those_of(&ring);

    // Nothing is dropped, and so nothing is lost.
    ring.enforce(&Never, at(9));
    assert_eq!((refused(&ring), ring.decryption_keys().count(), living()), (4, 0, living_before));
    places.are_those_of(&ring);
    for name in ["active", "former", "staged", "retired"] {
        let not_allowed = ring.decryption_key(name).unwrap_err();
        assert!(matches!(not_allowed, DecryptionKeyError::NotAllowed { .. }));
    }
    let (fork, reader) = (ring.fork(), ring.decryption_only());
    assert!(reader.decryption_key("former").is_err());
    places.are_those_of(&fork);
    drop(ring.add(forge.key("retired"), at(9)).unwrap_err());
    let _ = ring.rotate_to("staged", at(9)).unwrap();
    let mapped = swept(|| ring.map(|_, _| forge.material()));
    assert_eq!((refused(&mapped), mapped.len()), (4, 5));
    drop((fork, reader, mapped));

    ring.enforce(&StrictSingleActive, at(9));
    assert_eq!((refused(&ring), ring.decryption_keys().count()), (0, 4));
    assert_eq!(living(), living_before);
    places.are_those_of(&ring);
    ring.enforce(&Never, at(9));
    let (records, _) = ring.into_parts();
    places.are_those_in(&records);
}

const PERIODS: Cryptoperiods = Cryptoperiods::builder(hours(1), minutes(5))
    .originator_usage(days(90))
    .propagation(days(2))
    .recipient_usage(days(30))
    .data_lifetime(days(5))
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
        .acting_as("the test".parse().unwrap())
        .with_audit(sink);
    let mut places = Places::default();
    let (first, second) = (forge.key("first"), forge.key("second"));
    places.note(&first);
    places.note(&second);
    places.are_those_of(&block_on(service.bootstrap(first, at(2))).unwrap());
    assert!(matches!(block_on(service.add(second, at(2))).unwrap(), Outcome::Done(_)));

    let day = |day| at(2).saturating_add(days(day));
    for (now, step) in [(91, Step::Activate), (122, Step::Retire), (153, Step::Destroy)] {
        let now = day(now);
        let plan = block_on(service.plan(now)).unwrap();
        let step = plan.due().iter().find(|due| due.step == step).unwrap();
        let applied = block_on(service.apply(step, now)).unwrap();
        assert_eq!(applied, Applied::Done);
        let again = block_on(service.apply(step, now)).unwrap();
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
    assert_eq!((ring.len(), ring.destroyed().count()), (4, 1));
    places.are_those_of(&ring);
}
