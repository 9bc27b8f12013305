//! Who made a change, why and when: in the store's history, in one commit with the change, and the same
//! in an audit sink.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use key_rotation::audit::{AuditAction, AuditEvent, AuditSink, Grounds};
use key_rotation::policy::{Unreferenced, days};
use key_rotation::service::DestroyRequest;
use key_rotation::store::{
    Change, Commit, CommitError, Events, History, Loaded, Proposal, Revision,
};
use key_rotation::{
    AuditText, Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

type Store = Arc<InMemoryKeyProvider<u8>>;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

fn key(name: &'static str) -> Key<Inactive, u8> {
    Key::new(id(name), 7, at(10))
}

fn text(text: &str) -> AuditText {
    text.parse().unwrap()
}

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

fn history(store: &Store) -> Vec<AuditEvent> {
    match block_on(store.history(Revision::EMPTY)).unwrap() {
        Events::Since(events) => events,
        other @ Events::NotInHistory { .. } => panic!("{other:?}"),
    }
}

/// The events that the service has pushed.
#[derive(Default)]
struct Pushed(Mutex<Vec<AuditEvent>>);

impl AuditSink for Pushed {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Pushed {
    fn events(&self) -> Vec<AuditEvent> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn each_change_has_its_actor_grounds_and_time_in_the_history_and_in_the_sink() {
    block_on(async {
        let (store, pushed) = (Store::default(), Arc::new(Pushed::default()));
        let by = |actor| {
            RotationService::new(Arc::clone(&store), StrictSingleActive)
                .acting_as(text(actor))
                .with_audit(pushed.clone())
        };
        let (ada, job) = (by("ada"), by("the job"));
        let _ = ada.bootstrap(key("k1"), at(20)).await.unwrap();
        let _ = done(job.add(key("k2"), at(30)).await.unwrap());
        let _ = done(job.rotate_to("k2", at(40)).await.unwrap());
        let leak = || text("INC-4711: k2 is in a core dump");
        let _ = done(ada.rotate_in_emergency("k1", leak(), at(50)).await.unwrap());
        let _ = done(ada.revoke("k2", leak(), at(60)).await.unwrap());
        let mistake = || text("it was another core dump");
        let _ = done(ada.restore("k2", mistake(), at(70)).await.unwrap());
        let _ = done(job.rewrap("k1", 8, at(80)).await.unwrap());
        let counted = Unreferenced::counted(id("k2"), 0, at(85)).unwrap();
        let _ = done(job.destroy(counted.clone(), at(90)).await.unwrap());
        let _ = done(job.add(key("k3"), at(100)).await.unwrap());
        let _ = done(job.retire("k3", at(110)).await.unwrap());
        let law = || text("GDPR, article 17");
        let _ = done(ada.destroy(DestroyRequest::forced("k3", law()), at(120)).await.unwrap());
        let _ = done(ada.close(law(), at(130)).await.unwrap());

        let activated = |from, to, reactivated| AuditAction::Activated {
            from: id(from),
            to: id(to),
            reactivated,
        };
        let expected = [
            ("ada", Grounds::Ordinary, 20, AuditAction::Created { ids: vec![id("k1")] }),
            ("the job", Grounds::Ordinary, 30, AuditAction::Added { id: id("k2") }),
            ("the job", Grounds::Ordinary, 40, activated("k1", "k2", false)),
            ("ada", Grounds::Emergency(leak()), 50, activated("k2", "k1", true)),
            ("ada", Grounds::Distrust(leak()), 60, AuditAction::Revoked { id: id("k2") }),
            ("ada", Grounds::Forced(mistake()), 70, AuditAction::Restored { id: id("k2") }),
            ("the job", Grounds::Ordinary, 80, AuditAction::Rewrapped { id: id("k1") }),
            (
                "the job",
                Grounds::Unreferenced(counted),
                90,
                AuditAction::Destroyed { id: id("k2") },
            ),
            ("the job", Grounds::Ordinary, 100, AuditAction::Added { id: id("k3") }),
            ("the job", Grounds::Ordinary, 110, AuditAction::Retired { id: id("k3") }),
            ("ada", Grounds::Forced(law()), 120, AuditAction::Destroyed { id: id("k3") }),
            ("ada", Grounds::Forced(law()), 130, AuditAction::Closed { active: id("k1") }),
        ];
        let events = history(&store);
        assert_eq!(events.len(), expected.len());
        for ((number, event), (actor, grounds, millis, action)) in (1..).zip(&events).zip(expected)
        {
            assert_eq!(event.ring.as_str(), "memory");
            assert_eq!(event.revision.number, number);
            assert_eq!(event.provenance.actor, text(actor));
            assert_eq!(event.provenance.grounds, grounds);
            assert_eq!(event.provenance.at, at(millis));
            assert_eq!(event.action, action);
        }
        assert_eq!(pushed.events(), events, "a sink gets what the store has");
    });
}

#[test]
fn an_actor_that_is_not_said_is_unnamed() {
    let store = Store::default();
    let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
    let _ = block_on(service.bootstrap(key("k1"), at(20))).unwrap();
    assert_eq!(history(&store)[0].provenance.actor.as_str(), "unnamed");
}

/// The case of a forced destruction whose reason was kept nowhere, because nobody had asked for a sink.
#[test]
fn a_reason_is_kept_without_a_sink_and_under_a_policy_with_rules() {
    block_on(async {
        let store = Store::default();
        let service = RotationService::new(Arc::clone(&store), Cryptoperiods::QUARTERLY);
        let start = Timestamp::now();
        let _ = service.bootstrap(key("k1"), start).await.unwrap();
        let _ = done(service.add(key("k2"), start).await.unwrap());
        let incident = || text("INC-7: k1 was in a core dump");
        let _ = done(service.rotate_in_emergency("k2", incident(), start).await.unwrap());
        let later = start.saturating_add(days(10));
        let _ = done(service.retire("k1", later).await.unwrap());
        let forced = DestroyRequest::forced("k1", text("INC-7"));
        let _ = done(service.destroy(forced, later).await.unwrap());

        let reasons: Vec<_> = history(&store)
            .into_iter()
            .filter_map(|event| event.provenance.grounds.reason().cloned())
            .collect();
        assert_eq!(reasons, [incident(), text("INC-7")]);
    });
}

/// A store in which somebody else commits right after each commit of ours.
struct Busy(Store);

impl KeyProvider for Busy {
    type Material = u8;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<u8>, Infallible> {
        self.0.load(seen).await
    }

    async fn commit(&self, sent: &Proposal<u8>) -> Result<Commit, CommitError<Infallible>> {
        let answer = self.0.commit(sent).await;
        if matches!(sent.change, Change::Add(_)) {
            let others = RotationService::new(Arc::clone(&self.0), StrictSingleActive)
                .acting_as(text("others"));
            let _ = done(others.rewrap("k1", 9, at(55)).await.unwrap());
        }
        answer
    }
}

#[test]
fn a_sink_gets_the_revision_of_its_own_commit_whatever_others_do_meanwhile() {
    block_on(async {
        let (store, pushed) = (Store::default(), Arc::new(Pushed::default()));
        let ours = RotationService::new(Busy(Arc::clone(&store)), StrictSingleActive)
            .acting_as(text("we"))
            .with_audit(pushed.clone());
        let _ = ours.bootstrap(key("k1"), at(20)).await.unwrap();
        for name in ["k2", "k3", "k4"] {
            let _ = done(ours.add(key(name), at(50)).await.unwrap());
        }
        let of_ours: Vec<_> = history(&store)
            .into_iter()
            .filter(|event| event.provenance.actor == text("we"))
            .collect();
        assert_eq!(pushed.events(), of_ours);
        let numbers: Vec<u64> = of_ours.iter().map(|event| event.revision.number).collect();
        assert_eq!(numbers, [1, 2, 4, 6]);
    });
}

#[test]
fn what_is_refused_or_has_lost_a_race_is_no_event() {
    block_on(async {
        let (store, pushed) = (Store::default(), Arc::new(Pushed::default()));
        let service =
            RotationService::new(Arc::clone(&store), StrictSingleActive).with_audit(pushed.clone());
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        assert!(service.retire("k1", at(30)).await.is_err());
        assert!(service.add(key("k1"), at(30)).await.is_err());
        assert!(service.revoke("nobody", text("a reason"), at(30)).await.is_err());
        // Somebody else was faster.
        let _ = service.bootstrap(key("k2"), at(40)).await.unwrap();
        assert_eq!(pushed.events().len(), 1);
        assert_eq!(history(&store), pushed.events());
    });
}

#[test]
fn a_sink_that_breaks_does_not_undo_a_change() {
    struct Breaks;
    impl AuditSink for Breaks {
        fn record(&self, _: &AuditEvent) {
            panic!("the sink is full");
        }
    }
    let store = Store::default();
    let service =
        RotationService::new(Arc::clone(&store), StrictSingleActive).with_audit(Arc::new(Breaks));
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(service.bootstrap(key("k1"), at(20))).is_ok()
    }));
    assert!(broken.is_err());
    let ring = block_on(service.keyring()).unwrap();
    assert_eq!((ring.active().id().as_str(), history(&store).len()), ("k1", 1));
}

#[test]
fn a_history_goes_on_from_what_was_seen_and_refuses_what_is_not_in_it() {
    block_on(async {
        let store = Store::default();
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        let _ = done(service.add(key("k2"), at(30)).await.unwrap());
        let all = service.history(Revision::EMPTY).await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(service.history(all[0].revision).await.unwrap(), all[1..]);
        assert_eq!(service.history(all[1].revision).await.unwrap(), []);
        let other = Revision::new(2, all[1].revision.tag ^ 1);
        let error = service.history(other).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "revision {other} was seen and is not in the history of the store, which is at {}: \
                 it was restored, wiped or replaced. Find out why before you follow it",
                all[1].revision
            )
        );
    });
}
