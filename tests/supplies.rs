//! What a service gets from its program: new keys, counts, and the half that stays; and a leak, which
//! needs them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use key_rotation::audit::Grounds;
use key_rotation::error::RotationError;
use key_rotation::service::{Leak, NothingSupplied, Replacement, Supplies};
use key_rotation::store::{
    Commit, CommitError, Events, History, Loaded, Proposal, Revision, Snapshot,
};
use key_rotation::{
    AuditText, Cryptoperiods, InMemoryKeyProvider, Inactive, Key, KeyId, KeyInfo, KeyProvider,
    KeyStatus, Outcome, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use support::loaded;

#[path = "support/store.rs"]
mod support;

type Store = Arc<InMemoryKeyProvider<String>>;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn text(text: &str) -> AuditText {
    text.parse().unwrap()
}

fn key(id: &'static str) -> Key<Inactive, String> {
    Key::new(KeyId::from_static(id), format!("both halves of {id}"), at(10))
}

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

/// A program that makes keys `new-1`, `new-2`…, keeps the second half of a key, and counts.
#[derive(Default)]
struct Program {
    made: AtomicU32,
    discarded: Mutex<Vec<String>>,
    counted: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
#[error("the HSM is out of reach")]
struct OutOfReach;

impl Supplies<String> for &Program {
    type Error = OutOfReach;

    async fn new_key(&self, at: Timestamp) -> Result<Key<Inactive, String>, OutOfReach> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let id: KeyId = format!("new-{number}").parse().unwrap();
        Ok(Key::new(id.clone(), format!("both halves of {id}"), at))
    }

    async fn references(&self, _: &KeyId) -> Result<Option<u64>, OutOfReach> {
        Ok(self.counted)
    }

    fn decrypting_half(
        &self,
        key: &KeyInfo,
        stored: &String,
    ) -> Result<Option<String>, OutOfReach> {
        if key.id.as_str() == "stuck" {
            return Err(OutOfReach);
        }
        Ok(Some(stored.replace("both halves", "one half")))
    }

    async fn discard(&self, key: Key<Inactive, String>) {
        self.discarded.lock().unwrap().push(key.id().to_string());
    }
}

type Service<'p, P> = RotationService<P, StrictSingleActive, &'p Program>;

fn service<P>(store: P, program: &Program) -> Service<'_, P>
where
    P: KeyProvider<Material = String>,
{
    RotationService::new(store, StrictSingleActive).supplied_by(program)
}

fn material(store: &Store, id: &str) -> String {
    let snapshot: Snapshot<String> = loaded(store);
    let record = snapshot.records.iter().find(|record| record.info.id.as_str() == id).unwrap();
    (*record.material).clone()
}

fn status(store: &Store, id: &str) -> KeyStatus {
    let snapshot: Snapshot<String> = loaded(store);
    snapshot.records.iter().find(|record| record.info.id.as_str() == id).unwrap().info.status
}

#[test]
fn the_half_that_stays_is_all_that_the_store_has_of_a_retired_or_revoked_key() {
    block_on(async {
        let (store, program) = (Store::default(), Program::default());
        let service = service(Arc::clone(&store), &program);
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        for id in ["k2", "k3", "stuck"] {
            let _ = done(service.add(key(id), at(30)).await.unwrap());
        }
        let _ = done(service.retire("k2", at(40)).await.unwrap());
        let _ = done(service.revoke("k3", text("leaked"), at(40)).await.unwrap());
        assert_eq!(material(&store, "k2"), "one half of k2");
        assert_eq!(material(&store, "k3"), "one half of k3");
        assert_eq!(material(&store, "k1"), "both halves of k1");

        let seen = loaded(&store).revision;
        let error = service.retire("stuck", at(50)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "a change of ring `memory` needs what the service's supplies could not give"
        );
        assert_eq!(error.source().unwrap().to_string(), "the HSM is out of reach");
        assert_eq!(loaded(&store).revision, seen, "the key is not changed");
    });
}

#[test]
fn a_key_is_destroyed_on_the_count_of_the_supplies() {
    block_on(async {
        let store = Store::default();
        let needed = Program { counted: Some(3), ..Program::default() };
        let policy = || Cryptoperiods::QUARTERLY;
        let counts = RotationService::new(Arc::clone(&store), policy()).supplied_by(&needed);
        let _ = counts.bootstrap(key("k1"), at(20)).await.unwrap();
        let _ = done(counts.add(key("k2"), at(30)).await.unwrap());
        let _ = done(counts.retire("k2", at(40)).await.unwrap());
        let error = counts.destroy("k2", at(50)).await.unwrap_err();
        let RotationError::Refused { id, reason } = error else { panic!("{error}") };
        assert_eq!(id.as_str(), "k2");
        assert_eq!(
            reason.reason(),
            "3 pieces of data need key `k2`: encrypt them again with the active key, or give them up"
        );

        let not_needed = Program { counted: Some(0), ..Program::default() };
        let counts = RotationService::new(Arc::clone(&store), policy()).supplied_by(&not_needed);
        let _ = done(counts.destroy("k2", at(60)).await.unwrap());
        let events = counts.history(Revision::EMPTY).await.unwrap();
        let Grounds::Unreferenced(counted) = &events.last().unwrap().provenance.grounds else {
            panic!("{events:?}");
        };
        assert_eq!(counted.counted_at(), at(60));
    });
}

#[test]
fn a_key_that_has_leaked_is_replaced_by_the_spare_and_revoked() {
    block_on(async {
        let (store, program) = (Store::default(), Program::default());
        let service = service(Arc::clone(&store), &program);
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        let _ = done(service.add(key("k2"), at(20)).await.unwrap());
        let leak = || text("INC-4711");
        let replaced = done(service.replace_compromised(Leak::Key, leak(), at(20)).await.unwrap());
        let expected = Replacement {
            active: KeyId::from_static("k2"),
            revoked: vec![KeyId::from_static("k1")],
        };
        assert_eq!(replaced, expected);
        assert_eq!(status(&store, "k1"), KeyStatus::Revoked);
        assert_eq!(material(&store, "k1"), "one half of k1");
        assert_eq!(program.made.load(Ordering::Relaxed), 0, "the spare is there");

        // The same once more does nothing.
        let seen = loaded(&store).revision;
        let again = done(service.replace_compromised(Leak::Key, leak(), at(20)).await.unwrap());
        assert_eq!((again, loaded(&store).revision), (expected, seen));

        // Another leak of the same kind, later, is another leak.
        let replaced = done(service.replace_compromised(Leak::Key, leak(), at(90)).await.unwrap());
        assert_eq!(replaced.active.as_str(), "new-1", "there is no spare");
        assert_eq!(replaced.revoked, [KeyId::from_static("k2")]);

        let events = service.history(Revision::EMPTY).await.unwrap();
        let reasons =
            events.iter().filter(|event| event.provenance.grounds.reason() == Some(&leak()));
        assert_eq!(reasons.count(), 5, "two rotations, two revocations, and a key that was added");
    });
}

#[test]
fn of_a_ring_that_has_leaked_nothing_is_trusted() {
    block_on(async {
        let (store, program) = (Store::default(), Program::default());
        let service = service(Arc::clone(&store), &program);
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        for id in ["k2", "k3", "k4"] {
            let _ = done(service.add(key(id), at(20)).await.unwrap());
        }
        let _ = done(service.rotate_to("k2", at(20)).await.unwrap());
        let _ = done(service.retire("k3", at(20)).await.unwrap());
        let replaced =
            done(service.replace_compromised(Leak::Ring, text("stolen"), at(20)).await.unwrap());
        assert_eq!(replaced.active.as_str(), "new-1");
        let mut revoked: Vec<&str> = replaced.revoked.iter().map(KeyId::as_str).collect();
        revoked.sort_unstable();
        assert_eq!(revoked, ["k1", "k2", "k3", "k4"]);
        let ring = service.keyring().await.unwrap();
        assert_eq!((ring.revoked().count(), ring.inactive().count()), (4, 0));
    });
}

#[test]
fn without_supplies_a_leak_without_a_spare_says_what_is_missing() {
    block_on(async {
        let store = Store::default();
        let service = RotationService::new(Arc::clone(&store), StrictSingleActive);
        let _ = service.bootstrap(key("k1"), at(20)).await.unwrap();
        for leak in [Leak::Key, Leak::Ring] {
            let error =
                service.replace_compromised(leak, text("leaked"), at(30)).await.unwrap_err();
            let source = error.source().unwrap();
            assert!(source.downcast_ref::<NothingSupplied>().is_some());
            assert_eq!(
                source.to_string(),
                "the service makes no keys: give it supplies with `supplied_by`, or add a key first"
            );
        }
        assert_eq!(loaded(&store).revision.number, 1);
    });
}

/// A store that lets its caller wait before and after each step, and in which others may be faster.
struct Slow {
    store: Store,
    rivals: AtomicU32,
}

async fn wait() {
    let mut has_waited = false;
    poll_fn(|_: &mut Context<'_>| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        Poll::Pending
    })
    .await;
}

impl KeyProvider for &Slow {
    type Material = String;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<String>, Infallible> {
        wait().await;
        let loaded = self.store.load(seen).await;
        wait().await;
        loaded
    }

    async fn commit(&self, sent: &Proposal<String>) -> Result<Commit, CommitError<Infallible>> {
        wait().await;
        if self.rivals.load(Ordering::Relaxed) > 0 {
            let number = self.rivals.fetch_sub(1, Ordering::Relaxed);
            let id: KeyId = format!("rival-{number}").parse().unwrap();
            let others = RotationService::new(Arc::clone(&self.store), StrictSingleActive);
            let _ = done(others.add(Key::new(id, String::new(), at(10)), at(30)).await.unwrap());
        }
        let answer = self.store.commit(sent).await;
        wait().await;
        answer
    }
}

impl History for &Slow {
    async fn history(&self, after: Revision) -> Result<Events, Infallible> {
        wait().await;
        self.store.history(after).await
    }
}

fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    })
}

async fn polled_to_the_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        context.waker().wake_by_ref();
        future.as_mut().poll(context)
    })
    .await
}

#[test]
fn an_answer_to_a_leak_goes_on_where_it_was_dropped() {
    for (leak, spare) in
        [(Leak::Key, true), (Leak::Key, false), (Leak::Ring, true), (Leak::Ring, false)]
    {
        let mut drops = 0;
        for polls in 1.. {
            let (store, program) = (Store::default(), Program::default());
            let direct = RotationService::new(Arc::clone(&store), StrictSingleActive);
            let _ = block_on(direct.bootstrap(key("k0"), at(20))).unwrap();
            let _ = done(block_on(direct.add(key("k1"), at(20))).unwrap());
            let _ = done(block_on(direct.rotate_to("k1", at(25))).unwrap());
            if spare {
                let _ = done(block_on(direct.add(key("k2"), at(30))).unwrap());
            }
            let slow = Slow { store: Arc::clone(&store), rivals: AtomicU32::new(0) };
            let service = service(&slow, &program);
            let answer = || service.replace_compromised(leak, text("INC-4711"), at(40));
            let is_done = polled(polls, answer()).is_some();
            drops += usize::from(!is_done);

            let replaced = done(block_on(polled_to_the_end(answer())).unwrap());
            let ring = block_on(direct.keyring()).unwrap();
            assert_eq!(ring.active().id(), &replaced.active, "{leak:?}, {polls} polls");
            assert!(replaced.active.as_str() != "k1");
            assert_eq!(status(&store, "k1"), KeyStatus::Revoked);
            let (rotations, events) = {
                let events = block_on(direct.history(Revision::EMPTY)).unwrap();
                let emergencies = events.iter().filter(|event| {
                    matches!(event.provenance.grounds, Grounds::Emergency(_))
                        && event.action.to_string().contains("became active")
                });
                (emergencies.count(), events)
            };
            assert_eq!(rotations, 1, "one key was replaced, once: {events:?}");
            match leak {
                Leak::Key => assert_eq!(status(&store, "k0"), KeyStatus::Inactive),
                Leak::Ring => {
                    assert_eq!(ring.inactive().count(), 0);
                    assert_eq!(ring.revoked().count(), if spare { 3 } else { 2 });
                }
            }
            if is_done {
                break;
            }
        }
        assert!(drops > 10, "{leak:?}: {drops}");
    }
}

#[test]
fn a_key_that_was_made_in_vain_is_given_back() {
    let (store, program) = (Store::default(), Program::default());
    let direct = RotationService::new(Arc::clone(&store), StrictSingleActive);
    let _ = block_on(direct.bootstrap(key("k1"), at(20))).unwrap();
    let slow = Slow { store: Arc::clone(&store), rivals: AtomicU32::new(1) };
    let service = service(&slow, &program);
    let answer = || service.replace_compromised(Leak::Ring, text("INC-4711"), at(40));
    let first = block_on(polled_to_the_end(answer())).unwrap();
    assert!(matches!(first, Outcome::LostRace { .. }), "{first:?}");
    assert_eq!(*program.discarded.lock().unwrap(), ["new-1"]);

    let replaced = done(block_on(polled_to_the_end(answer())).unwrap());
    assert_eq!(replaced.active.as_str(), "new-2");
    assert_eq!(status(&store, "rival-1"), KeyStatus::Revoked, "it was in the ring, too");
}
