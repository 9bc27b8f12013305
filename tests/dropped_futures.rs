//! Futures that are dropped at every await: of each operation of the service, over a store that makes
//! its callers wait before and after each step.
//!
//! Whatever was dropped, the store is whole, its history is that of its rows, the change has happened
//! or has not, and the same can be asked again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use key_rotation::error::RotationError;
use key_rotation::service::DestroyRequest;
use key_rotation::shared::SharedKeyring;
use key_rotation::store::{
    Commit, CommitError, Events, History, Loaded, Proposal, Revision, Snapshot,
};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, KeyRecord, KeyStatus, Keyring, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use support::loaded;

#[path = "support/store.rs"]
mod support;

/// A store that lets its caller wait so often before and after each step.
struct Slow {
    store: InMemoryKeyProvider<String>,
    waits: usize,
}

/// Gives way so often.
async fn wait(times: usize) {
    let mut left = times;
    poll_fn(|context: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl KeyProvider for Slow {
    type Material = String;
    type Error = Infallible;

    async fn load(&self, seen: Revision) -> Result<Loaded<String>, Infallible> {
        wait(self.waits).await;
        let loaded = self.store.load(seen).await;
        wait(self.waits).await;
        loaded
    }

    async fn commit(&self, sent: &Proposal<String>) -> Result<Commit, CommitError<Infallible>> {
        wait(self.waits).await;
        let answer = self.store.commit(sent).await;
        wait(self.waits).await;
        answer
    }
}

impl History for Slow {
    async fn history(&self, after: Revision) -> Result<Events, Infallible> {
        wait(self.waits).await;
        let events = self.store.history(after).await;
        wait(self.waits).await;
        events
    }
}

const NOW: Timestamp = Timestamp::from_unix_millis(1_000);

fn key(id: &'static str) -> Key<Inactive, String> {
    Key::new(KeyId::from_static(id), format!("material of {id}"), Timestamp::from_unix_millis(10))
}

/// A ring with a key of each status.
fn full() -> InMemoryKeyProvider<String> {
    let record = |id, status| {
        let material = format!("material of {id}");
        KeyRecord::new(KeyId::from_static(id), status, Timestamp::from_unix_millis(10), material)
    };
    InMemoryKeyProvider::from_records([
        record("active", KeyStatus::Active),
        record("staged", KeyStatus::Inactive).staged(),
        record("demoted", KeyStatus::Inactive),
        record("retired", KeyStatus::Retired),
        record("revoked", KeyStatus::Revoked),
    ])
}

type Service<'s> = RotationService<&'s Slow, StrictSingleActive>;

/// The answer to a change: done, or already done by the future that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Done,
    /// The same cannot be done twice.
    NotAgain,
}

fn answer<T>(outcome: Result<Outcome<T>, RotationError<Infallible>>) -> Answer {
    match outcome {
        Ok(Outcome::Done(_)) => Answer::Done,
        Ok(Outcome::LostRace { now }) => panic!("a race with nobody: {now}"),
        Err(
            RotationError::Entry(_)
            | RotationError::KeyIdTaken(_)
            | RotationError::NotEmpty { .. }
            | RotationError::Closed { .. },
        ) => Answer::NotAgain,
        Err(error) => panic!("{error}"),
    }
}

/// An operation, the ring that it begins with, and what it answers when it is asked a second time.
struct Operation {
    name: &'static str,
    begin: fn() -> InMemoryKeyProvider<String>,
    again: Answer,
}

const CHANGES: [Operation; 11] = [
    operation("bootstrap", InMemoryKeyProvider::new, Answer::Done),
    operation("adopt", InMemoryKeyProvider::new, Answer::NotAgain),
    operation("add", full, Answer::NotAgain),
    operation("rotate_to", full, Answer::Done),
    operation("rotate_in_emergency", full, Answer::Done),
    operation("retire", full, Answer::NotAgain),
    operation("revoke", full, Answer::NotAgain),
    operation("restore", full, Answer::NotAgain),
    operation("rewrap", full, Answer::Done),
    operation("destroy", full, Answer::NotAgain),
    operation("close", full, Answer::NotAgain),
];

const fn operation(
    name: &'static str,
    begin: fn() -> InMemoryKeyProvider<String>,
    again: Answer,
) -> Operation {
    Operation { name, begin, again }
}

async fn carry_out(service: &Service<'_>, name: &str) -> Answer {
    let reason = || "INC-4711".parse().unwrap();
    match name {
        "bootstrap" => {
            let ring = service.bootstrap(key("first"), NOW).await.unwrap();
            assert_eq!(ring.active().id().as_str(), "first");
            Answer::Done
        }
        "adopt" => {
            let mut ring = Keyring::new(key("first").activate(NOW));
            let _ = ring.add(key("second"), NOW).unwrap();
            answer(service.adopt(&ring, NOW).await)
        }
        "add" => answer(service.add(key("new"), NOW).await),
        // Asked again, it is the active key already.
        "rotate_to" => answer(service.rotate_to("staged", NOW).await),
        "rotate_in_emergency" => answer(service.rotate_in_emergency("staged", reason(), NOW).await),
        "retire" => answer(service.retire("demoted", NOW).await),
        "revoke" => answer(service.revoke("retired", reason(), NOW).await),
        "restore" => answer(service.restore("revoked", reason(), NOW).await),
        "rewrap" => answer(service.rewrap("active", "wrapped anew".to_owned(), NOW).await),
        "destroy" => {
            answer(service.destroy(DestroyRequest::forced("retired", reason()), NOW).await)
        }
        "close" => answer(service.close(reason(), NOW).await),
        other => panic!("no operation `{other}`"),
    }
}

/// Polls a future so often; what it answered, if it was ready by then.
fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    })
}

fn is_whole(
    store: &InMemoryKeyProvider<String>,
    begun_at: Revision,
    name: &str,
) -> Snapshot<String> {
    let snapshot = loaded(store);
    if snapshot.closed.is_some() {
        assert!(snapshot.records.is_empty(), "{name}");
    } else if !snapshot.is_empty() {
        let _ = snapshot.clone().into_keyring().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let Events::Since(events) = block_on(store.history(begun_at)).unwrap() else {
        panic!("{name}: the revision from before is gone");
    };
    assert_eq!(events.len() as u64, snapshot.revision.number - begun_at.number, "{name}");
    snapshot
}

#[test]
fn a_change_that_is_dropped_has_happened_or_has_not_and_can_be_asked_again() {
    let (mut drops, mut happened) = (0, 0);
    for Operation { name, begin, again } in CHANGES {
        for waits in 1..=26 {
            for polls in 1.. {
                let slow = Slow { store: begin(), waits };
                let begun_at = loaded(&slow.store).revision;
                let service = RotationService::new(&slow, StrictSingleActive);
                if polled(polls, carry_out(&service, name)).is_some() {
                    break;
                }
                drops += 1;
                let after = is_whole(&slow.store, begun_at, name).revision;
                let has_happened = after.number - begun_at.number;
                assert!(has_happened <= 1, "{name}");
                happened += has_happened;

                let expected = if has_happened == 1 { again } else { Answer::Done };
                assert_eq!(block_on(carry_out(&service, name)), expected, "{name}, {polls} polls");
                let _ = is_whole(&slow.store, begun_at, name);
            }
        }
    }
    assert!(drops > 10_000 && happened > 1_000, "{drops} drops, after {happened} commits");
}

#[test]
fn a_question_that_is_dropped_changes_nothing() {
    for waits in 1..=5 {
        let slow = Slow { store: full(), waits };
        let service = RotationService::new(&slow, StrictSingleActive);
        let begun_at = loaded(&slow.store).revision;
        for polls in 1..=4 * waits {
            let _ = polled(polls, service.keyring());
            let _ = polled(polls, service.state());
            let _ = polled(polls, service.validate());
            let _ = polled(polls, service.history(Revision::EMPTY));
            let _ = polled(polls, service.share(NOW));
        }
        assert_eq!(loaded(&slow.store).revision, begun_at);
    }
}

#[test]
fn a_refresh_that_is_dropped_leaves_the_shared_ring_whole_and_the_next_one_works() {
    let prepare = |id: KeyId, material: Arc<String>| async move {
        wait(2).await;
        Ok::<_, Infallible>(format!("{id}: {material}"))
    };
    for waits in 0..=4 {
        for polls in 1.. {
            let slow = Slow { store: full(), waits };
            let service = RotationService::new(&slow, StrictSingleActive);
            let shared: SharedKeyring<String> = block_on(service.share_with(NOW, prepare)).unwrap();
            let seen = shared.revision();
            assert_eq!(answer(block_on(service.add(key("new"), NOW))), Answer::Done);
            assert_eq!(answer(block_on(service.rotate_to("new", NOW))), Answer::Done);

            let later = Timestamp::from_unix_millis(2_000);
            let is_done = polled(polls, service.refresh_with(&shared, later, prepare)).is_some();
            let newest = loaded(&slow.store).revision;
            if shared.revision() == seen {
                assert_eq!(shared.load().active().id().as_str(), "active");
                assert_eq!(shared.confirmed_at(), Some(NOW));
            } else {
                assert_eq!(shared.revision(), newest);
                assert_eq!(shared.load().active().id().as_str(), "new");
            }
            let _ = block_on(service.refresh_with(&shared, later, prepare)).unwrap();
            assert_eq!((shared.revision(), shared.confirmed_at()), (newest, Some(later)));
            assert_eq!(shared.load().encryption_key().material(), "new: material of new");
            if is_done {
                break;
            }
        }
    }
}
