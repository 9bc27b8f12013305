//! Values at the borders of the store contract: late proposals, last revisions, closed rings, dates, new
//! wrapping, erased types, tags and names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use key_rotation::audit::{Grounds, Provenance};
use key_rotation::error::{ChangeMismatch, InvalidRingName, RotationError};
use key_rotation::key::{Dating, Retirement};
use key_rotation::live::Refreshed;
use key_rotation::service::DestroyRequest;
use key_rotation::store::{
    Change, Commit, CommitError, DynKeyProvider, InMemoryRings, Loaded, Mark, Proposal, Revision,
    RingDirectory, RingHead, RingName, Snapshot,
};
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, KeyRef, KeyStatus, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use support::{loaded, proposal, revision};

#[path = "support/store.rs"]
mod support;

type Store = Arc<InMemoryKeyProvider<String>>;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn id(id: &'static str) -> KeyId {
    KeyId::from_static(id)
}

fn key(name: &'static str) -> Key<Inactive, String> {
    Key::new(id(name), format!("material of {name}"), at(10))
}

fn add(name: &'static str) -> Change<String> {
    Change::Add(KeyRef::from(&key(name)).to_record())
}

fn service(store: &Store) -> RotationService<Store, StrictSingleActive> {
    RotationService::new(Arc::clone(store), StrictSingleActive)
}

fn done<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(receipt) => receipt,
        Outcome::LostRace { now } => panic!("lost a race to\n{now}"),
    }
}

fn begun() -> Store {
    let store = Store::default();
    let _ = block_on(service(&store).bootstrap(key("k1"), at(20))).unwrap();
    store
}

/// The time by the clock of the stores in the next test.
static CLOCK: AtomicU64 = AtomicU64::new(0);

fn clock() -> Timestamp {
    at(CLOCK.load(Ordering::SeqCst))
}

#[test]
fn a_proposal_that_comes_too_late_by_the_stores_clock_is_never_written() {
    CLOCK.store(1_000, Ordering::SeqCst);
    let with_clock: Store = Arc::new(InMemoryKeyProvider::new().with_clock(clock));
    let _ = block_on(service(&with_clock).bootstrap(key("k1"), at(20))).unwrap();
    assert_eq!(loaded(&with_clock).store_time, Some(at(1_000)));

    let until = |millis| {
        let proposal = proposal(revision(&with_clock), add("k2"));
        Proposal { valid_until: Some(at(millis)), ..proposal }
    };
    let late = until(999);
    for _ in 0..3 {
        let expired = ChangeMismatch::Expired { until: at(999), now: at(1_000) };
        match block_on(with_clock.commit(&late)) {
            Err(CommitError::Mismatch(mismatch)) => assert_eq!(mismatch, expired),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(loaded(&with_clock).records.len(), 1);

    // The last moment.
    let in_time = until(1_000);
    assert_eq!(block_on(with_clock.commit(&in_time)).unwrap(), Commit::Committed);
    // What is written stays so, however late the answer is asked for.
    CLOCK.store(9_000, Ordering::SeqCst);
    assert_eq!(block_on(with_clock.commit(&in_time)).unwrap(), Commit::Committed);
    // Somebody else's commit is a conflict, late or not.
    assert_eq!(block_on(with_clock.commit(&late)).unwrap(), Commit::Conflict);

    let without_clock = begun();
    let late =
        Proposal { valid_until: Some(at(1)), ..proposal(revision(&without_clock), add("k2")) };
    assert_eq!(block_on(without_clock.commit(&late)).unwrap(), Commit::Committed);
    assert_eq!(loaded(&without_clock).store_time, None);
}

#[test]
fn a_revision_has_a_last_number_after_which_nothing_is_written() {
    let last = Revision::new(Revision::MAX_NUMBER, 7);
    assert_eq!(last.next(8), None);
    assert_eq!(Revision::new(u64::MAX, 7).next(8), None);
    let before = Revision::new(Revision::MAX_NUMBER - 1, 6);
    assert_eq!(before.next(7), Some(last));

    let store = begun();
    let mut snapshot: Snapshot<String> = loaded(&store);
    for number in [Revision::MAX_NUMBER, Revision::MAX_NUMBER + 1, u64::MAX] {
        snapshot.revision = Revision::new(number, 7);
        for next in [0, number, number.wrapping_add(1)] {
            let next = Revision::new(next, 9);
            let proposal = Proposal { next, ..proposal(snapshot.revision, add("k2")) };
            let mismatch = snapshot.apply(&proposal).unwrap_err();
            let expected = snapshot.revision;
            assert_eq!(mismatch, ChangeMismatch::NotTheNext { expected, next });
            assert_eq!((snapshot.revision.number, snapshot.records.len()), (number, 1));
        }
    }
    for seen in [Revision::new(u64::MAX, u64::MAX), Revision::new(2, 0), Revision::new(0, 1)] {
        let answer = block_on(store.load(seen)).unwrap();
        assert!(matches!(answer, Loaded::NotInHistory { seen: told, .. } if told == seen));
        let sent = Proposal { next: seen, ..proposal(revision(&store), add("k2")) };
        let sent = Proposal { expected: Revision::new(seen.number, 1), ..sent };
        assert!(matches!(
            block_on(store.commit(&sent)),
            Err(CommitError::Mismatch(ChangeMismatch::NotTheNext { .. }))
        ));
    }
}

#[test]
fn a_closed_ring_is_read_and_refuses_every_change() {
    block_on(async {
        let store = begun();
        let service = service(&store);
        let _ = done(service.add(key("k2"), at(30)).await.unwrap());
        let reason = || "a customer has left".parse().unwrap();
        let closing = done(service.close(reason(), at(40)).await.unwrap());
        assert_eq!((closing.active.as_str(), closing.at), ("k1", at(40)));

        let snapshot = loaded(&store);
        assert_eq!((snapshot.closed, snapshot.records.len()), (Some(at(40)), 0));
        let gone: Vec<_> = snapshot.destroyed.iter().map(|gone| gone.id.as_str()).collect();
        assert_eq!(gone, ["k1", "k2"]);
        let seen = snapshot.revision;
        assert!(matches!(store.load(seen).await.unwrap(), Loaded::Unchanged { .. }));

        let closed =
            "ring `memory` was closed at 1970-01-01T00:00:00.040Z: use a ring of another name";
        let is_closed = |error: RotationError<_>| assert_eq!(error.to_string(), closed);
        is_closed(service.keyring().await.unwrap_err());
        is_closed(service.add(key("k3"), at(50)).await.unwrap_err());
        is_closed(service.rotate_to("k2", at(50)).await.unwrap_err());
        is_closed(service.retire("k2", at(50)).await.unwrap_err());
        is_closed(service.revoke("k2", reason(), at(50)).await.unwrap_err());
        is_closed(
            service.destroy(DestroyRequest::forced("k2", reason()), at(50)).await.unwrap_err(),
        );
        is_closed(service.close(reason(), at(50)).await.unwrap_err());
        is_closed(service.bootstrap(key("k1"), at(50)).await.unwrap_err());
        for change in [
            add("k9"),
            Change::Retire { retirement: Retirement::new(id("k2"), at(50)), material: None },
            Change::Rewrap { id: id("k1"), material: Arc::new(String::new()) },
        ] {
            match store.commit(&proposal(seen, change)).await {
                Err(CommitError::Mismatch(mismatch)) => assert_eq!(mismatch.to_string(), closed),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(service.history(Revision::EMPTY).await.unwrap().len(), 3);
        assert_eq!(revision(&store), seen);
    });
}

#[test]
fn a_date_puts_unknown_and_future_times_right_and_nothing_else() {
    let store = begun();
    let mut staged = KeyRef::from(&key("k2")).to_record();
    staged.info.times.created_at = None;
    staged.info.times.added_at = Some(at(4_000_000_000_000));
    let sent = proposal(revision(&store), Change::Add(staged));
    assert_eq!(block_on(store.commit(&sent)).unwrap(), Commit::Committed);

    let dating = Change::Date(Dating::new(id("k2"), at(70)));
    let sent = proposal(revision(&store), dating);
    assert_eq!(block_on(store.commit(&sent)).unwrap(), Commit::Committed);
    let snapshot = loaded(&store);
    let times = |id: &str| {
        let of = |record: &&key_rotation::KeyRecord<String>| record.info.id.as_str() == id;
        snapshot.records.iter().find(of).unwrap().info.times
    };
    assert_eq!(times("k2").added_at, Some(at(70)));
    assert_eq!(times("k1").activated_at, Some(at(20)));
    let unknown = proposal(revision(&store), Change::Date(Dating::new(id("k9"), at(70))));
    assert!(matches!(
        block_on(store.commit(&unknown)),
        Err(CommitError::Mismatch(ChangeMismatch::KeyNotFound { .. }))
    ));
}

#[test]
fn a_key_that_is_wrapped_anew_is_prepared_anew_and_is_the_same_key() {
    block_on(async {
        let store = begun();
        let service = service(&store);
        let _ = done(service.add(key("k2"), at(30)).await.unwrap());
        let shared = service.share(at(40)).await.unwrap();
        let before = shared.load().get("k1").unwrap().info();
        let stays = shared.load().get("k2").unwrap().to_record().material;

        let receipt = done(service.rewrap("k1", "wrapped anew".to_owned(), at(50)).await.unwrap());
        assert_eq!((receipt.id.as_str(), receipt.at), ("k1", at(50)));
        let refreshed = service.refresh(&shared, at(60)).await.unwrap();
        assert!(matches!(refreshed, Refreshed::Newer { prepared: 1, .. }), "{refreshed:?}");
        let ring = shared.load();
        assert_eq!(ring.encryption_key().material(), "wrapped anew");
        assert_eq!(ring.get("k1").unwrap().info(), before);
        assert!(Arc::ptr_eq(&ring.get("k2").unwrap().to_record().material, &stays));

        let error = service.rewrap("k9", String::new(), at(70)).await.unwrap_err();
        assert!(matches!(error, RotationError::Entry(_)), "{error:?}");
    });
}

#[test]
fn a_store_whose_type_is_chosen_at_run_time_does_the_same() {
    block_on(async {
        let store = begun();
        let erased = DynKeyProvider::new(Arc::clone(&store));
        assert_eq!(erased.erasure(), store.erasure());
        let service = RotationService::new(&erased, StrictSingleActive);
        let _ = done(service.add(key("k2"), at(30)).await.unwrap());
        let _ = done(service.rotate_to("k2", at(40)).await.unwrap());
        assert_eq!(service.keyring().await.unwrap().active().id().as_str(), "k2");
        assert_eq!(loaded(&store).revision.number, 3);
        let boxed: Box<DynKeyProvider<String>> = Box::new(erased);
        assert_eq!(revision(&boxed), revision(&store));
    });
}

#[test]
fn rings_of_a_directory_are_apart_and_are_listed_when_they_are_written() {
    block_on(async {
        let rings = InMemoryRings::<String>::new();
        let [a, b] = [RingName::from_static("a"), RingName::from_static("b")];
        let (ring_a, ring_b) = (rings.ring(&a), rings.ring(&b));
        assert!(rings.rings().await.unwrap().is_empty(), "nothing is written yet");
        let of = |store: &Store| RotationService::new(Arc::clone(store), StrictSingleActive);
        let _ = of(&ring_b).bootstrap(key("k1"), at(20)).await.unwrap();
        let first = rings.changed_since(Mark::START).await.unwrap();
        let head = |ring: &RingName, store: &Store| RingHead {
            ring: ring.clone(),
            revision: revision(store),
            closed: None,
        };
        assert_eq!(first.rings, [head(&b, &ring_b)]);
        let _ = of(&ring_a).bootstrap(key("k1"), at(20)).await.unwrap();
        assert_eq!(rings.rings().await.unwrap(), [head(&a, &ring_a), head(&b, &ring_b)]);
        let since = rings.changed_since(first.mark).await.unwrap();
        assert!(since.rings.contains(&head(&a, &ring_a)));
        assert_eq!(revision(&rings.ring(&a)), revision(&ring_a), "the same ring");
    });
}

#[test]
fn tags_differ_between_all_commits_and_services() {
    let tags: HashSet<u64> = (0..10_000).map(|_| Revision::random_tag()).collect();
    assert_eq!(tags.len(), 10_000);
    let of_threads: HashSet<u64> = std::thread::scope(|scope| {
        let draw = || (0..1_000).map(|_| Revision::random_tag()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(of_threads.len(), 8_000);

    // Two services that propose the same at once: one is told that it was done, and one that it lost.
    let store = begun();
    let same = || {
        let actor = "the job".parse().unwrap();
        let provenance = Provenance { actor, grounds: Grounds::Ordinary, at: at(30) };
        let expected = revision(&store);
        let next = expected.next(Revision::random_tag()).unwrap();
        Proposal { expected, next, change: add("k2"), provenance, valid_until: None }
    };
    let (one, other) = (same(), same());
    assert_eq!(block_on(store.commit(&one)).unwrap(), Commit::Committed);
    assert_eq!(block_on(store.commit(&other)).unwrap(), Commit::Conflict);
    assert_eq!(block_on(store.commit(&one)).unwrap(), Commit::Committed);
}

#[test]
fn a_source_of_tags_is_what_a_service_draws_from() {
    let store = Store::default();
    let service = RotationService::with_tags(Arc::clone(&store), StrictSingleActive, || 0xc0ffee);
    let _ = block_on(service.bootstrap(key("k1"), at(20))).unwrap();
    assert_eq!(revision(&store), Revision::new(1, 0xc0ffee));
}

#[test]
fn a_name_of_a_ring_is_refused_with_the_byte_and_its_place() {
    let parse = |name: &str| name.parse::<RingName>();
    assert_eq!(parse(""), Err(InvalidRingName::Empty));
    assert_eq!(parse(&"x".repeat(129)), Err(InvalidRingName::TooLong { len: 129 }));
    assert_eq!(parse(&"x".repeat(128)).unwrap().as_str().len(), 128);
    for (name, byte, position) in [
        ("a b", b' ', 1),
        ("tab\there", b'\t', 3),
        ("\0", 0, 0),
        ("é", 0xc3, 0),
        ("ok\x7f", 0x7f, 2),
    ] {
        assert_eq!(parse(name), Err(InvalidRingName::NotVisibleAscii { byte, position }));
    }
    let text = parse("a\nb").unwrap_err().to_string();
    assert!(text.contains("0x0a") && text.contains('1'), "{text}");
    assert!(text.is_ascii() && !text.contains('\n'), "{text}");
}

#[test]
fn an_error_of_a_change_names_ring_and_key_and_says_what_to_do() {
    block_on(async {
        // A store that forgets its keys between a load and a commit.
        struct Forgets(Store);
        impl KeyProvider for Forgets {
            type Material = String;
            type Error = std::convert::Infallible;

            async fn load(&self, seen: Revision) -> Result<Loaded<String>, Self::Error> {
                self.0.load(seen).await
            }

            async fn commit(
                &self,
                sent: &Proposal<String>,
            ) -> Result<Commit, CommitError<Self::Error>> {
                let mut other = Snapshot::empty(RingName::from_static("memory"));
                other.revision = sent.expected;
                other.ids = 2;
                other.apply(sent).map_err(CommitError::Mismatch)
            }
        }
        let store = begun();
        let _ = done(service(&store).add(key("k2"), at(30)).await.unwrap());
        let forgetful = RotationService::new(Forgets(Arc::clone(&store)), StrictSingleActive);
        let error = forgetful.retire("k2", at(40)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the change of key `k2` does not fit what the store of ring `memory` holds, and nothing was \
             written"
        );
        assert_eq!(error.source().unwrap().to_string(), "the store has no key `k2`");
        assert_eq!(loaded(&store).records[1].info.status, KeyStatus::Inactive);
    });
}
