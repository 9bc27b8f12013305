//! Every interleaving of two readers, a writer and a refresh, up to three preemptions:
//! `scripts/models`.

#![cfg(model = "loom")]
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

#[path = "models/scenario.rs"]
mod scenario;

use std::sync::atomic::{AtomicUsize, Ordering};

use key_rotation::store::Revision;
use loom::thread;
use scenario::{Install, check, install, install_unchecked, read, refresh, shared, update, write};

static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);
/// Whether the update came before the refresh, and whether after it, as bits.
static SEEN: AtomicUsize = AtomicUsize::new(0);

fn explore(scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        EXECUTIONS.fetch_add(1, Ordering::Relaxed);
        scenario();
    });
}

fn fleet_of_threads(install: Install) {
    explore(move || {
        let shared = shared();
        let readers = [(); 2].map(|()| {
            let (reader, shared) = (shared.reader(), shared.clone());
            thread::spawn(move || read(reader, &shared))
        });
        let writer = {
            let shared = shared.clone();
            thread::spawn(move || write(&shared, install))
        };
        refresh(&shared, install);
        writer.join().unwrap();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        check(&shared);
    });
}

#[test]
fn readers_see_whole_rings_in_order() {
    fleet_of_threads(install);
    println!("{} executions", EXECUTIONS.load(Ordering::Relaxed));
}

#[test]
#[should_panic(expected = "an older ring")]
fn the_seeded_bug_is_found() {
    fleet_of_threads(install_unchecked);
}

#[test]
fn an_update_and_a_refresh_take_turns() {
    explore(|| {
        let shared = shared();
        let updater = {
            let shared = shared.clone();
            thread::spawn(move || update(&shared))
        };
        refresh(&shared, install);
        updater.join().unwrap();
        let ring = shared.load();
        assert_eq!((ring.active().id().as_str(), shared.revision()), ("3", Revision::new(3, 3)));
        // The change was made to the refreshed ring, or to the one that the refresh replaced.
        let mut ids: Vec<_> = ring.iter().map(|key| key.id().to_string()).collect();
        assert_eq!(ids.remove(0), "3");
        assert!(ids.is_empty() || ids == ["9"], "{ids:?}");
        SEEN.fetch_or(1 << ids.len(), Ordering::Relaxed);
    });
    assert_eq!(SEEN.load(Ordering::Relaxed), 0b11, "both orders");
}
