//! A ring that was made elsewhere is adopted by an empty store, in one commit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::sync::{Arc, Barrier};
use std::thread;

use key_rotation::audit::AuditAction;
use key_rotation::error::{RotationError, TakenBy};
use key_rotation::store::Revision;
use key_rotation::{
    InMemoryKeyProvider, Inactive, Key, KeyId, KeyRecord, KeyStatus, Keyring, Outcome, Retired,
    RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

type Store = Arc<InMemoryKeyProvider<String>>;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn key(id: &'static str) -> Key<Inactive, String> {
    Key::new(KeyId::from_static(id), format!("material of {id}"), at(10))
}

fn service(store: &Store) -> RotationService<Store, StrictSingleActive> {
    RotationService::new(Arc::clone(store), StrictSingleActive)
}

/// A ring that has lived: with a key of each status, and a tombstone.
fn lived() -> Keyring<String> {
    let mut ring = Keyring::new(key("k1").activate(at(20)));
    for (id, millis) in [("k2", 30), ("k3", 40), ("k4", 50), ("k5", 60)] {
        let _ = ring.add(key(id), at(millis)).unwrap();
        let _ = ring.rotate_to(id, at(millis + 5)).unwrap();
    }
    let _ = ring.add(key("staged"), at(70)).unwrap();
    let _ = ring.entry::<Inactive>("k1").unwrap().retire(at(80));
    let _ = ring.entry::<Retired>("k1").unwrap().destroy(at(90));
    let _ = ring.entry::<Inactive>("k2").unwrap().retire(at(80));
    let _ = ring.entry::<Inactive>("k3").unwrap().revoke(at(80));
    ring
}

#[test]
fn statuses_times_order_and_tombstones_are_kept() {
    block_on(async {
        let store = Store::default();
        let ring = lived();
        let Outcome::Done(state) = service(&store).adopt(&ring, at(100)).await.unwrap() else {
            panic!("a race with nobody");
        };
        let adopted = service(&store).keyring().await.unwrap();
        assert_eq!(adopted.state().to_string(), state.to_string());
        assert_eq!(adopted.len(), ring.len());
        for (ours, theirs) in adopted.iter().zip(ring.iter()) {
            assert_eq!(ours.id(), theirs.id(), "the order");
            assert_eq!(ours.status(), theirs.status());
            let (ours, theirs) = (ours.info(), theirs.info());
            assert_eq!(ours.used, theirs.used);
            let added_at = Some(at(100));
            assert_eq!(ours.times, key_rotation::Times { added_at, ..theirs.times });
            assert_eq!(ours.added_in, 1);
        }
        let tombstones: Vec<_> =
            adopted.destroyed().map(|gone| (gone.id.as_str(), gone.at)).collect();
        assert_eq!(tombstones, [("k1", at(90))]);
        assert_eq!(adopted.decryption_key("k2").unwrap().material(), "material of k2");
        assert_eq!(adopted.salvage_key("k3").unwrap().material(), "material of k3");

        let events = service(&store).history(Revision::EMPTY).await.unwrap();
        let [event] = &events[..] else { panic!("{events:?}") };
        let AuditAction::Created { ids } = &event.action else { panic!("{event:?}") };
        let mut ids: Vec<&str> = ids.iter().map(KeyId::as_str).collect();
        assert_eq!(ids[0], "k5", "the active one first");
        ids.sort_unstable();
        assert_eq!(ids, ["k1", "k2", "k3", "k4", "k5", "staged"]);

        let again = service(&store).add(key("k1"), at(110)).await.unwrap_err();
        let RotationError::KeyIdTaken(taken) = again else { panic!("{again}") };
        assert_eq!(taken.taken_by, TakenBy::Tombstone { at: at(90) });
    });
}

#[test]
fn an_event_of_which_nobody_knows_the_time_is_dated_by_the_adoption() {
    block_on(async {
        let bare = |id, status| {
            let mut record =
                KeyRecord::new(KeyId::from_static(id), status, at(10), format!("material of {id}"));
            record.info.times = key_rotation::Times::default();
            record
        };
        let records = [
            bare("active", KeyStatus::Active),
            bare("demoted", KeyStatus::Inactive),
            bare("retired", KeyStatus::Retired),
            bare("revoked", KeyStatus::Revoked),
        ];
        let ring = Keyring::from_parts(records, []).unwrap();
        let store = Store::default();
        assert!(matches!(service(&store).adopt(&ring, at(100)).await.unwrap(), Outcome::Done(_)));
        let adopted = service(&store).keyring().await.unwrap();
        let now = Some(at(100));
        for key in adopted.iter() {
            let times = key.info().times;
            assert_eq!(times.added_at, now);
            match key.status() {
                KeyStatus::Active => assert_eq!(times.activated_at, now),
                KeyStatus::Inactive => assert_eq!(times.deactivated_at, now),
                KeyStatus::Retired => assert_eq!(times.retired_at, now),
                KeyStatus::Revoked => assert_eq!(times.revoked_at, now),
            }
        }
    });
}

#[test]
fn a_store_that_is_not_empty_is_left_as_it_is_and_the_ring_stays_with_its_owner() {
    block_on(async {
        let store = Store::default();
        let _ = service(&store).bootstrap(key("first"), at(20)).await.unwrap();
        let ring = lived();
        let error = service(&store).adopt(&ring, at(100)).await.unwrap_err();
        assert_eq!(error.to_string(), "ring `memory` cannot adopt keys: it has keys already");
        assert_eq!(service(&store).keyring().await.unwrap().active().id().as_str(), "first");
        assert_eq!(ring.active().id().as_str(), "k5");

        let reason = "a customer has left".parse().unwrap();
        assert!(matches!(service(&store).close(reason, at(110)).await.unwrap(), Outcome::Done(_)));
        let error = service(&store).adopt(&ring, at(120)).await.unwrap_err();
        assert!(matches!(error, RotationError::Closed { at: closed, .. } if closed == at(110)));
    });
}

#[test]
fn times_after_the_adoption_are_refused_and_nothing_is_written() {
    block_on(async {
        let store = Store::default();
        let error = service(&store).adopt(&lived(), at(64)).await.unwrap_err();
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(text.contains("`memory`"), "{text}");
        assert!(matches!(error, RotationError::Mismatch { .. }), "{text}");
        assert!(matches!(service(&store).keyring().await, Err(RotationError::EmptyStore)));
    });
}

#[test]
fn a_ring_with_a_key_that_was_not_prepared_is_refused_and_the_key_is_named() {
    block_on(async {
        let ring = lived().map_or_leave(|key, material| match key.id.as_str() {
            "k2" => Err("the KMS does not know it".into()),
            _ => Ok(material.clone()),
        });
        let store = Store::default();
        let error = service(&store).adopt(&ring.unwrap(), at(100)).await.unwrap_err();
        assert!(
            matches!(&error, RotationError::Unprepared { id } if id.as_str() == "k2"),
            "{error:?}"
        );
        assert!(matches!(service(&store).keyring().await, Err(RotationError::EmptyStore)));
    });
}

#[test]
fn of_many_that_adopt_and_begin_at_once_one_is_done() {
    const THREADS: usize = 16;
    for _ in 0..20 {
        let store = Store::default();
        let barrier = Barrier::new(THREADS);
        let done: usize = thread::scope(|scope| {
            let begin = |number: usize| {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    let ring = lived();
                    barrier.wait();
                    if number % 2 == 0 {
                        let _ = block_on(service(store).bootstrap(key("first"), at(95))).unwrap();
                        return 0;
                    }
                    match block_on(service(store).adopt(&ring, at(100))) {
                        Ok(Outcome::Done(_)) => 1,
                        Ok(Outcome::LostRace { .. }) | Err(RotationError::NotEmpty { .. }) => 0,
                        Err(error) => panic!("{error}"),
                    }
                })
            };
            let threads: Vec<_> = (0..THREADS).map(begin).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let ring = block_on(service(&store).keyring()).unwrap();
        match ring.active().id().as_str() {
            "first" => assert_eq!((done, ring.len()), (0, 1)),
            "k5" => assert_eq!((done, ring.len()), (1, 5)),
            other => panic!("{other}"),
        }
        assert_eq!(block_on(service(&store).history(Revision::EMPTY)).unwrap().len(), 1);
    }
}
