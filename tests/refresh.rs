//! A shared ring that follows a store: what is loaded, and what is prepared, is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::cell::RefCell;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use key_rotation::{
    Change, ChangeMismatch, Commit, DecryptionKeyError, InMemoryKeyProvider, Inactive, Key, KeyId,
    KeyProvider, Keyring, MissError, Outcome, RefreshError, RefreshOnMiss, Refreshed, Revision,
    RotationError, RotationService, SharedKeyring, Snapshot, StrictSingleActive, Timestamp,
};
use pollster::block_on;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn staged(id: &str) -> Key<Inactive, String> {
    Key::new(id.parse().unwrap(), format!("wrapped {id}"), at(10))
}

fn done<T>(outcome: Outcome<T>) {
    if let Outcome::LostRace { now } = outcome {
        panic!("lost a race to\n{now}");
    }
}

/// A store that counts its loads, can be down, and answers only at the second asking.
#[derive(Default)]
struct Store {
    keys: InMemoryKeyProvider<String>,
    loads: AtomicU32,
    is_down: AtomicBool,
    /// What a load answers instead, once: a replica that lags behind.
    old: Mutex<Option<Snapshot<String>>>,
}

impl KeyProvider for Store {
    type Material = String;
    type Error = ChangeMismatch;

    async fn load(&self) -> Result<Snapshot<String>, ChangeMismatch> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        later().await;
        if self.is_down.load(Ordering::Relaxed) {
            return Err(ChangeMismatch::KeyNotFound { id: KeyId::from_static("down") });
        }
        let old = self.old.lock().unwrap().take();
        match old {
            Some(old) => Ok(old),
            None => self.keys.load().await,
        }
    }

    async fn commit(
        &self,
        expected: Revision,
        change: &Change<String>,
    ) -> Result<Commit, ChangeMismatch> {
        self.keys.commit(expected, change).await
    }
}

/// Is pending once.
async fn later() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

type Service = RotationService<Arc<Store>, StrictSingleActive>;

/// A store with k1 active.
fn service() -> (Arc<Store>, Service) {
    let store = Arc::new(Store::default());
    let service = RotationService::new(store.clone(), StrictSingleActive);
    let _ = block_on(service.bootstrap(staged("k1"), at(10))).unwrap();
    (store, service)
}

/// A KMS that says what it was asked to unwrap, and answers only at the second asking.
#[derive(Default)]
struct Kms(RefCell<Vec<String>>);

impl Kms {
    async fn unwrap(&self, id: KeyId, wrapped: Arc<String>) -> Result<String, &'static str> {
        self.0.borrow_mut().push(id.to_string());
        later().await;
        let material = wrapped.strip_prefix("wrapped ").ok_or("not a blob")?;
        Ok(format!("unwrapped {material}"))
    }

    fn asked(&self) -> Vec<String> {
        self.0.take()
    }
}

#[test]
fn only_keys_that_are_new_are_prepared() {
    let (_, service) = service();
    let kms = Kms::default();
    let unwrap = |id, wrapped| kms.unwrap(id, wrapped);
    let shared = block_on(service.share_with(at(20), unwrap)).unwrap();
    let refresh = || block_on(service.refresh_with(&shared, at(20), unwrap)).unwrap();
    assert_eq!(kms.asked(), ["k1"]);
    assert_eq!(refresh(), Refreshed::Unchanged);
    let first: *const String = shared.load().active().encryption_key().material();

    done(block_on(service.add(staged("k2"))).unwrap());
    done(block_on(service.add(staged("k3"))).unwrap());
    assert_eq!(refresh(), Refreshed::Newer { revision: Revision::new(3), prepared: 2 });
    assert_eq!(kms.asked(), ["k2", "k3"]);

    done(block_on(service.rotate_to("k2", at(30))).unwrap());
    assert_eq!(refresh(), Refreshed::Newer { revision: Revision::new(4), prepared: 0 });
    done(block_on(service.retire("k3", at(40))).unwrap());
    assert_eq!(refresh(), Refreshed::Newer { revision: Revision::new(5), prepared: 0 });
    assert!(kms.asked().is_empty(), "a rotation between known keys prepares nothing");

    let ring = shared.load();
    assert_eq!(ring.encryption_key().material(), "unwrapped k2");
    let old = ring.decryption_key("k1").unwrap();
    assert!(std::ptr::eq(old.material(), first), "the prepared material has moved");
    assert_eq!(ring.active().activated_at(), Some(at(30)));

    done(block_on(service.destroy("k3", at(50))).unwrap());
    assert_eq!(refresh(), Refreshed::Newer { revision: Revision::new(6), prepared: 0 });
    let gone = shared.load().decryption_key("k3").unwrap_err();
    assert!(matches!(gone, DecryptionKeyError::KeyDestroyed { .. }));
}

#[test]
fn plain_material_stays_where_it_is() {
    let (_, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let before: *const String = shared.load().encryption_key().material();
    done(block_on(service.add(staged("k2"))).unwrap());
    let refreshed = block_on(service.refresh(&shared, at(20))).unwrap();
    assert_eq!(refreshed, Refreshed::Newer { revision: Revision::new(2), prepared: 1 });
    assert!(std::ptr::eq(before, shared.load().encryption_key().material()));
}

#[test]
fn a_key_of_the_same_id_from_another_time_is_another_key() {
    let (_, service) = service();
    let now = at(20);
    let other = Key::new(KeyId::from_static("k1"), "other".to_owned(), at(9)).activate(now);
    let shared = SharedKeyring::new(Keyring::new(other));
    let refreshed = block_on(service.refresh(&shared, now)).unwrap();
    assert_eq!(refreshed, Refreshed::Newer { revision: Revision::new(1), prepared: 1 });
    assert_eq!(shared.load().encryption_key().material(), "wrapped k1");
}

#[test]
fn nothing_changes_when_a_refresh_fails() {
    let (store, service) = service();
    let kms = Kms::default();
    let unwrap = |id, wrapped| kms.unwrap(id, wrapped);
    let shared = block_on(service.share_with(at(20), unwrap)).unwrap();
    let before = shared.load();

    let unreadable = Key::new(KeyId::from_static("k2"), "not wrapped".to_owned(), at(10));
    done(block_on(service.add(unreadable)).unwrap());
    let error = block_on(service.refresh_with(&shared, at(30), unwrap)).unwrap_err();
    assert!(
        matches!(error, RefreshError::Prepare { id, source: "not a blob" } if id.as_str() == "k2")
    );

    store.is_down.store(true, Ordering::Relaxed);
    let error = block_on(service.refresh_with(&shared, at(30), unwrap)).unwrap_err();
    assert!(matches!(error, RefreshError::Rotation(RotationError::Provider(_))));
    assert!(Arc::ptr_eq(&before, &shared.load()));
    assert_eq!(shared.confirmed_at(), at(20));

    // What is no ring is not worth a call to the KMS.
    kms.asked();
    let damaged = InMemoryKeyProvider::from_records(before.state().keys().map(|key| {
        key_rotation::KeyRecord::new(
            key.id.clone(),
            key_rotation::KeyStatus::Retired,
            at(10),
            String::new(),
        )
    }));
    let damaged = RotationService::new(damaged, StrictSingleActive);
    let ring =
        Keyring::new(Key::new(KeyId::from_static("k0"), String::new(), at(1)).activate(at(1)));
    let error =
        block_on(damaged.refresh_with(&SharedKeyring::new(ring), at(30), unwrap)).unwrap_err();
    assert!(matches!(error, RefreshError::Rotation(RotationError::InvalidKeyring(_))));
    assert!(kms.asked().is_empty());
}

#[test]
fn a_lagging_replica_neither_replaces_nor_confirms() {
    let (store, service) = service();
    let old = block_on(store.load()).unwrap();
    done(block_on(service.add(staged("k2"))).unwrap());
    let shared = block_on(service.share(at(20))).unwrap();
    *store.old.lock().unwrap() = Some(old);
    assert_eq!(block_on(service.refresh(&shared, at(90))).unwrap(), Refreshed::Unchanged);
    assert_eq!((shared.revision(), shared.confirmed_at()), (Revision::new(2), at(20)));
    assert_eq!(block_on(service.refresh(&shared, at(91))).unwrap(), Refreshed::Unchanged);
    assert_eq!(shared.confirmed_at(), at(91));
}

/// Six a minute: ten seconds between two loads.
fn six(shared: &SharedKeyring<String>) -> RefreshOnMiss<String> {
    RefreshOnMiss::new(shared.clone(), NonZeroU32::new(6).unwrap())
}

#[test]
fn concurrent_misses_share_one_load() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"))).unwrap());
    store.loads.store(0, Ordering::Relaxed);

    let miss = async || {
        let ring = misses.ring_with("k2", at(100), || service.refresh(&shared, at(100))).await;
        ring.unwrap().decryption_key("k2").unwrap().material().clone()
    };
    let mut waiting: Vec<Pin<Box<dyn Future<Output = String> + '_>>> =
        (0..100).map(|_| Box::pin(miss()) as _).collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut rounds = 0;
    while !waiting.is_empty() {
        waiting.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
        rounds += 1;
        assert!(rounds < 10);
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

#[test]
fn waiting_misses_are_woken() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"))).unwrap());
    store.loads.store(0, Ordering::Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let refresh = || service.refresh(&shared, at(100));
                let ring = block_on(misses.ring_with("k2", at(100), refresh)).unwrap();
                assert!(ring.get("k2").is_some());
            });
        }
    });
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_flood_of_made_up_ids_causes_as_many_loads_as_the_limit_lets() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let ask = |id: &str, now| block_on(misses.ring_with(id, now, || service.refresh(&shared, now)));

    let mut not_looked_up = 0;
    for millis in 0..60_000 {
        let now = at(1_000_000 + millis);
        match ask(&format!("made-up-{millis}"), now) {
            Ok(ring) => assert!(ring.decryption_key(&format!("made-up-{millis}")).is_err()),
            Err(MissError::NotLookedUp { id, again_at }) => {
                assert_eq!(id.as_str(), format!("made-up-{millis}"));
                assert!(
                    again_at > now
                        && again_at <= now.saturating_add(std::time::Duration::from_secs(10))
                );
                not_looked_up += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 6);
    assert_eq!(not_looked_up, 60_000 - 6);

    // A key that is new waits for its turn, and no longer.
    done(block_on(service.add(staged("k2"))).unwrap());
    let Err(MissError::NotLookedUp { again_at, .. }) = ask("k2", at(1_059_999)) else {
        panic!("over the limit");
    };
    assert_eq!(again_at, at(1_060_000));
    assert!(ask("k2", again_at).unwrap().get("k2").is_some());
}

/// A minute over the number is no whole number of milliseconds, or less than one.
#[test]
fn the_limit_holds_for_every_number() {
    for limit in [7, 59, 7_000, 60_001] {
        let (store, service) = service();
        let shared = block_on(service.share(at(20))).unwrap();
        let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::new(limit).unwrap());
        store.loads.store(0, Ordering::Relaxed);
        // Three calls in each millisecond, of which most are turned away.
        for call in 0..180_000_u64 {
            let now = at(1_000_000 + call / 3);
            let _ = block_on(misses.ring_with("k9", now, || service.refresh(&shared, now)));
        }
        let loads = store.loads.load(Ordering::Relaxed);
        assert!(loads <= limit.min(60_000), "{limit}: {loads}");
        assert!(loads > limit.min(60_000) / 2, "{limit}: {loads}");
    }
}

/// Clients hang up as soon as they have asked; a refresh that is a task of its own goes on.
#[test]
fn a_refresh_that_outlives_its_caller_serves_the_others() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    done(block_on(service.add(staged("k2"))).unwrap());
    let service = Arc::new(service);
    // Spawned and waited for, as with a runtime's handle.
    let refresh = |now| {
        let (service, shared) = (Arc::clone(&service), shared.clone());
        let task = std::thread::spawn(move || block_on(service.refresh(&shared, now)));
        async move {
            while !task.is_finished() {
                later().await;
            }
            task.join().unwrap()
        }
    };
    store.loads.store(0, Ordering::Relaxed);
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut hangs_up = pin!(misses.ring_with("made-up", at(100_000), || refresh(at(100_000))));
        let _ = hangs_up.as_mut().poll(&mut context);
    }
    let ring = loop {
        match block_on(misses.ring_with("k2", at(100_001), || refresh(at(100_001)))) {
            Ok(ring) => break ring,
            Err(MissError::NotLookedUp { .. }) => std::thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    assert!(ring.get("k2").is_some());
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
}

/// What waited for a slow load has an old time when it goes on, and each another one.
#[test]
fn a_crowd_behind_a_slow_load_causes_no_more_loads() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let mut context = Context::from_waker(Waker::noop());

    let ask = async |seconds: u64| {
        let now = at(1_000_000 + seconds * 1000);
        misses.ring_with("k9", now, || service.refresh(&shared, now)).await
    };
    let mut leader = pin!(ask(0));
    assert!(leader.as_mut().poll(&mut context).is_pending());
    let mut crowd: Vec<Pin<Box<dyn Future<Output = _> + '_>>> =
        (1..=300).rev().map(|seconds| Box::pin(ask(seconds)) as _).collect();
    for follower in &mut crowd {
        assert!(follower.as_mut().poll(&mut context).is_pending());
    }
    assert!(leader.as_mut().poll(&mut context).is_ready());
    for follower in &mut crowd {
        let Poll::Ready(Err(MissError::NotLookedUp { again_at, .. })) =
            follower.as_mut().poll(&mut context)
        else {
            panic!("a second load");
        };
        assert_eq!(again_at, at(1_010_000));
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 1);
    assert!(block_on(ask(301)).is_ok());
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);

    // Threads that read the clock in one order and come in another.
    for seconds in [309, 302, 305, 301, 310, 295, 310, 299] {
        assert!(block_on(ask(seconds)).is_err());
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);
}

/// The last waker counts, and asking often takes no room.
#[test]
fn a_follower_that_moves_is_woken_where_it_is() {
    struct Woken(AtomicU32);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (_, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    let refresh = || service.refresh(&shared, at(30));
    let [first, last] = [0, 1].map(|_| Arc::new(Woken(AtomicU32::new(0))));

    let mut leader = pin!(misses.ring_with("k9", at(30), refresh));
    let mut follower = pin!(misses.ring_with("k9", at(30), refresh));
    let mut context = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut context).is_pending());
    for place in [&first, &first, &last, &last] {
        let waker = Waker::from(Arc::clone(place));
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // A follower that gives up takes its waker along.
    let gives_up = Arc::new(Woken(AtomicU32::new(0)));
    {
        let mut follower = pin!(misses.ring_with("k9", at(30), refresh));
        let waker = Waker::from(Arc::clone(&gives_up));
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&gives_up), 2);
    }
    assert_eq!(Arc::strong_count(&gives_up), 1);

    assert!(leader.as_mut().poll(&mut context).is_ready());
    assert_eq!(first.0.load(Ordering::Relaxed), 0);
    assert_eq!(last.0.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_known_or_can_be_no_id_is_not_looked_up() {
    let (store, service) = service();
    done(block_on(service.add(staged("k2"))).unwrap());
    done(block_on(service.retire("k2", at(20))).unwrap());
    done(block_on(service.destroy("k2", at(20))).unwrap());
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    for id in ["k1", "k2", "", "two words", "new\nline", &"k".repeat(129)] {
        let ring = block_on(misses.ring_with(id, at(30), || service.refresh(&shared, at(30))));
        assert_eq!(ring.unwrap().decryption_key(id).is_ok(), id == "k1");
    }
    assert_eq!(store.loads.load(Ordering::Relaxed), 0);
}

#[test]
fn a_clock_that_is_set_back_neither_blocks_nor_opens_the_gate() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    store.loads.store(0, Ordering::Relaxed);
    let ask = |now| block_on(misses.ring_with("k9", at(now), || service.refresh(&shared, at(now))));
    assert!(ask(1_000_000_000).is_ok());
    assert!(
        matches!(ask(5_000), Err(MissError::NotLookedUp { again_at, .. }) if again_at == at(15_000))
    );
    assert!(ask(14_999).is_err());
    assert!(ask(15_000).is_ok());
    assert_eq!(store.loads.load(Ordering::Relaxed), 2);
    assert!(
        block_on(misses.ring_with("k9", Timestamp::MAX, || service.refresh(&shared, at(1))))
            .is_ok()
    );
    // At the end of time there is no later: nothing overflows.
    assert!(
        block_on(misses.ring_with("k9", Timestamp::MAX, || service.refresh(&shared, at(1))))
            .is_ok()
    );
}

#[test]
fn a_refresh_that_fails_or_is_cancelled_lets_the_others_go() {
    let (store, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let misses = six(&shared);
    let refresh = || service.refresh(&shared, at(30));

    store.is_down.store(true, Ordering::Relaxed);
    let error = block_on(misses.ring_with("k2", at(30), refresh)).unwrap_err();
    assert!(matches!(error, MissError::Refresh(RotationError::Provider(_))), "{error}");
    assert!(matches!(
        block_on(misses.ring_with("k2", at(31), refresh)),
        Err(MissError::NotLookedUp { .. })
    ));
    store.is_down.store(false, Ordering::Relaxed);

    let mut context = Context::from_waker(Waker::noop());
    let mut follower = pin!(misses.ring_with("k2", at(20_001), refresh));
    {
        let mut leader = pin!(misses.ring_with("k2", at(20_000), refresh));
        assert!(leader.as_mut().poll(&mut context).is_pending());
        assert!(follower.as_mut().poll(&mut context).is_pending());
    }
    let Poll::Ready(Err(MissError::NotLookedUp { again_at, .. })) = follower.poll(&mut context)
    else {
        panic!("the follower waits for a leader that is gone");
    };
    assert_eq!(again_at, at(30_000));
    assert!(block_on(misses.ring_with("k2", at(30_000), refresh)).is_ok());
}

/// The futures can be moved to another thread, as a runtime of several threads does it.
#[test]
fn a_runtime_may_move_what_is_waiting() {
    fn spawnable<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    async fn unwrap_with_kms(id: KeyId, wrapped: Arc<String>) -> Result<String, ChangeMismatch> {
        later().await;
        Ok(format!("{id}: {wrapped}"))
    }
    let (_, service) = service();
    let refreshing = spawnable(async move {
        let shared = service.share_with(at(20), unwrap_with_kms).await.unwrap();
        done(service.add(staged("k2")).await.unwrap());
        let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::MIN);
        let refresh = || service.refresh_with(&shared, at(30), unwrap_with_kms);
        let ring = misses.ring_with("k2", at(30), refresh).await.unwrap();
        ring.decryption_key("k2").unwrap().material().clone()
    });
    let elsewhere = std::thread::spawn(move || block_on(refreshing));
    assert_eq!(elsewhere.join().unwrap(), "k2: wrapped k2");
}
