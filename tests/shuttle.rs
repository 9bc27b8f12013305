//! Random schedules of two readers, a writer and a refresh: `scripts/models`.

#![cfg(model = "shuttle")]
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

#[path = "models/scenario.rs"]
mod scenario;

use scenario::{Install, check, install, install_unchecked, read, refresh, shared, update, write};
use shuttle::thread;

const SCHEDULES: usize = 100_000;

fn fleet_of_threads(install: Install) {
    let shared = shared();
    let readers = [(); 2].map(|()| {
        let (reader, shared) = (shared.reader(), shared.clone());
        thread::spawn(move || read(reader, &shared))
    });
    let writer = {
        let shared = shared.clone();
        thread::spawn(move || write(&shared, install))
    };
    let updater = {
        let shared = shared.clone();
        thread::spawn(move || update(&shared))
    };
    refresh(&shared, install);
    writer.join().unwrap();
    updater.join().unwrap();
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    check(&shared);
}

#[test]
fn readers_see_whole_rings_in_order() {
    shuttle::check_random(|| fleet_of_threads(install), SCHEDULES);
    // Three points at which the schedule changes find every bug of three ordering constraints
    // with a known probability.
    shuttle::check_pct(|| fleet_of_threads(install), SCHEDULES, 3);
}

#[test]
#[should_panic(expected = "an older ring")]
fn the_seeded_bug_is_found() {
    shuttle::check_random(|| fleet_of_threads(install_unchecked), SCHEDULES);
}
