//! A shared ring that follows a store: what is loaded, and what is prepared, is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::cell::RefCell;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use key_rotation::error::{ChangeMismatch, MissError, RefreshError, RotationError};
use key_rotation::live::Refreshed;
use key_rotation::shared::{RefreshOnMiss, SharedKeyring};
use key_rotation::store::{Commit, CommitError, Loaded, Proposal, Revision};
use key_rotation::{
    DecryptionKeyError, InMemoryKeyProvider, Inactive, Key, KeyId, KeyProvider, Keyring, Outcome,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

#[path = "refresh/on_miss.rs"]
mod on_miss;

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

/// Whether the ring of this number was installed, with so many keys prepared.
fn is_newer(refreshed: &Refreshed, number: u64, count: usize) -> bool {
    matches!(refreshed, Refreshed::Newer { revision, prepared }
        if (revision.number, *prepared) == (number, count))
}

/// A store that counts its loads, can be down, and answers only at the second asking.
#[derive(Default)]
struct Store {
    keys: InMemoryKeyProvider<String>,
    loads: AtomicU32,
    is_down: AtomicBool,
    /// A replica that lags behind, which answers a load instead, once.
    old: Mutex<Option<InMemoryKeyProvider<String>>>,
}

impl KeyProvider for Store {
    type Material = String;
    type Error = ChangeMismatch;

    async fn load(&self, seen: Revision) -> Result<Loaded<String>, ChangeMismatch> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        later().await;
        if self.is_down.load(Ordering::Relaxed) {
            return Err(ChangeMismatch::KeyNotFound { id: KeyId::from_static("down") });
        }
        let old = self.old.lock().unwrap().take();
        match old {
            Some(old) => old.load(seen).await.map_err(|never| match never {}),
            None => self.keys.load(seen).await.map_err(|never| match never {}),
        }
    }

    async fn commit(
        &self,
        proposal: &Proposal<String>,
    ) -> Result<Commit, CommitError<ChangeMismatch>> {
        let answer = self.keys.commit(proposal).await;
        answer.map_err(|error| error.map(|never| match never {}))
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

    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    done(block_on(service.add(staged("k3"), at(20))).unwrap());
    assert!(is_newer(&refresh(), 3, 2));
    assert_eq!(kms.asked(), ["k2", "k3"]);

    done(block_on(service.rotate_to("k2", at(30))).unwrap());
    assert!(is_newer(&refresh(), 4, 0));
    done(block_on(service.retire("k3", at(40))).unwrap());
    assert!(is_newer(&refresh(), 5, 0));
    assert!(kms.asked().is_empty(), "a rotation between known keys prepares nothing");

    let ring = shared.load();
    assert_eq!(ring.encryption_key().material(), "unwrapped k2");
    let old = ring.decryption_key("k1").unwrap();
    assert!(std::ptr::eq(old.material(), first), "the prepared material has moved");
    assert_eq!(ring.active().times().activated_at, Some(at(30)));

    done(block_on(service.destroy("k3", at(50))).unwrap());
    assert!(is_newer(&refresh(), 6, 0));
    let gone = shared.load().decryption_key("k3").unwrap_err();
    assert!(matches!(gone, DecryptionKeyError::KeyDestroyed { .. }));
}

#[test]
fn plain_material_stays_where_it_is() {
    let (_, service) = service();
    let shared = block_on(service.share(at(20))).unwrap();
    let before: *const String = shared.load().encryption_key().material();
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    let refreshed = block_on(service.refresh(&shared, at(20))).unwrap();
    assert!(is_newer(&refreshed, 2, 1));
    assert!(std::ptr::eq(before, shared.load().encryption_key().material()));
}

#[test]
fn a_key_of_the_same_id_from_another_time_is_another_key() {
    let (_, service) = service();
    let now = at(20);
    let other = Key::new(KeyId::from_static("k1"), "other".to_owned(), at(9)).activate(now);
    let shared = SharedKeyring::new(Keyring::new(other));
    let refreshed = block_on(service.refresh(&shared, now)).unwrap();
    assert!(is_newer(&refreshed, 1, 1));
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
    done(block_on(service.add(unreadable, at(20))).unwrap());
    let error = block_on(service.refresh_with(&shared, at(30), unwrap)).unwrap_err();
    assert!(
        matches!(error, RefreshError::Prepare { id, source: "not a blob" } if id.as_str() == "k2")
    );

    store.is_down.store(true, Ordering::Relaxed);
    let error = block_on(service.refresh_with(&shared, at(30), unwrap)).unwrap_err();
    assert!(matches!(error, RefreshError::Rotation(RotationError::Provider(_))));
    assert!(Arc::ptr_eq(&before, &shared.load()));
    assert_eq!(shared.confirmed_at(), Some(at(20)));

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
    assert!(matches!(error, RefreshError::Rotation(RotationError::InvalidKeyring { .. })));
    assert!(kms.asked().is_empty());
}

#[test]
fn a_lagging_replica_neither_replaces_nor_confirms() {
    let (store, service) = service();
    let old = store.keys.backup();
    done(block_on(service.add(staged("k2"), at(20))).unwrap());
    let shared = block_on(service.share(at(20))).unwrap();
    *store.old.lock().unwrap() = Some(old);
    // It cannot be told from a store that was restored, and is not followed.
    let error = block_on(service.refresh(&shared, at(90))).unwrap_err();
    assert!(matches!(error, RotationError::NotInHistory { .. }), "{error}");
    assert_eq!((shared.revision().number, shared.confirmed_at()), (2, Some(at(20))));
    assert_eq!(block_on(service.refresh(&shared, at(91))).unwrap(), Refreshed::Unchanged);
    assert_eq!(shared.confirmed_at(), Some(at(91)));
}

/// Six a minute: ten seconds between two loads.
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
        done(service.add(staged("k2"), at(20)).await.unwrap());
        let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::MIN);
        let refresh = || service.refresh_with(&shared, at(30), unwrap_with_kms);
        let ring = misses.ring_with("k2", at(30), refresh).await.unwrap();
        ring.decryption_key("k2").unwrap().material().clone()
    });
    let elsewhere = std::thread::spawn(move || block_on(refreshing));
    assert_eq!(elsewhere.join().unwrap(), "k2: wrapped k2");
}
