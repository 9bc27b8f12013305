//! The conformance kit passes what is right, and catches a provider that is broken on purpose for
//! each behaviour.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use key_rotation::InMemoryKeyProvider;
use key_rotation::conformance;
use pollster::block_on;
use std::sync::Arc;

use self::behaviours::{Checked, DIRECTORY_SUITE, SUITES, names, rings, stores, suite_of};
use self::broken::{Fault, RingFault};
use self::faults::{FAULTS, RING_FAULTS};
use self::memory::{Erased, InMemory, Rings, Stored};

#[path = "conformance/behaviours.rs"]
mod behaviours;
#[path = "conformance/broken.rs"]
mod broken;
#[path = "conformance/faults.rs"]
mod faults;
#[path = "conformance/memory.rs"]
mod memory;

#[test]
fn the_store_in_memory_conforms_by_reference_in_a_box_counted_and_erased() {
    block_on(conformance::check_all(&InMemory::<&'static Stored>::new())).unwrap();
    block_on(conformance::check_all(&InMemory::<Box<&'static Stored>>::new())).unwrap();
    block_on(conformance::check_all(&InMemory::<Arc<Stored>>::new())).unwrap();
    block_on(conformance::check_all(&Erased::new())).unwrap();
}

#[test]
fn the_store_in_memory_conforms_with_a_clock() {
    fn now() -> key_rotation::Timestamp {
        key_rotation::Timestamp::from_unix_millis(1_800_000_000_000)
    }
    let with_clock = InMemory::<Arc<Stored>>::of(|| InMemoryKeyProvider::new().with_clock(now));
    block_on(conformance::check_all(&with_clock)).unwrap();
}

#[test]
fn its_history_conforms_by_reference_in_a_box_and_counted() {
    block_on(conformance::check_history(&InMemory::<&'static Stored>::new())).unwrap();
    block_on(conformance::check_history(&InMemory::<Box<&'static Stored>>::new())).unwrap();
    block_on(conformance::check_history(&InMemory::<Arc<Stored>>::new())).unwrap();
}

#[test]
fn its_backups_conform() {
    block_on(conformance::check_backups(&InMemory::<Arc<Stored>>::new())).unwrap();
    block_on(conformance::restored_history(&InMemory::<Arc<Stored>>::new())).unwrap();
}

#[test]
fn its_directory_conforms_by_value_in_a_box_and_counted() {
    block_on(conformance::check_directory(&Rings(|rings| rings))).unwrap();
    block_on(conformance::check_directory(&Rings(Box::new))).unwrap();
    block_on(conformance::check_directory(&Rings(Arc::new))).unwrap();
}

#[test]
fn the_checks_may_be_moved_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let fixture = InMemory::<Arc<Stored>>::new();
    is_send(&conformance::check_all(&fixture));
    is_send(&conformance::check_history(&fixture));
    is_send(&conformance::check_backups(&fixture));
    is_send(&conformance::check_directory(&Rings(Arc::new)));
}

/// What is wrong with the report of a fault, if something is.
fn flaw(report: Checked, fault: &dyn std::fmt::Debug, name: &str, words: &str) -> Option<String> {
    let Err(report) = report else { return Some(format!("{name} does not catch {fault:?}")) };
    let is_it = report.behaviour() == name && report.to_string().contains(words);
    (!is_it).then(|| format!("{name} is to say \"{words}\" of {fault:?}, and not: {report}"))
}

#[test]
fn each_fault_is_caught_by_the_behaviour_that_it_breaks() {
    let of_stores = FAULTS.iter().filter_map(|(fault, name, words)| {
        flaw(suite_of(name).check(name, &stores(*fault)), fault, name, words)
    });
    let of_rings = RING_FAULTS.iter().filter_map(|(fault, name, words)| {
        flaw(DIRECTORY_SUITE.check(name, &rings(*fault)), fault, name, words)
    });
    let flaws: Vec<_> = of_stores.chain(of_rings).collect();
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}

/// The names of the behaviours that are the first to report some fault, when all of a suite are
/// checked in their order.
fn first_to_report() -> Vec<&'static str> {
    let of_stores = FAULTS.iter().filter_map(|(fault, name, _)| {
        let report = suite_of(name).check_all(&stores(*fault))?;
        Some(report.unwrap_err().behaviour())
    });
    let of_rings = RING_FAULTS.iter().filter_map(|(fault, _, _)| {
        let report = DIRECTORY_SUITE.check_all(&rings(*fault))?;
        Some(report.unwrap_err().behaviour())
    });
    let mut first: Vec<_> = of_stores.chain(of_rings).collect();
    first.sort_unstable();
    first.dedup();
    first
}

#[test]
fn each_behaviour_catches_a_fault_that_none_before_it_does() {
    let first = first_to_report();
    let is_apart = |name: &&str| SUITES.iter().any(|suite| suite.all.is_none() && suite.has(name));
    let idle: Vec<_> =
        names().into_iter().filter(|name| !is_apart(name) && !first.contains(name)).collect();
    assert_eq!(idle, [""; 0]);
}

#[test]
fn each_behaviour_of_the_kit_has_a_fault() {
    let kit = include_str!("../src/conformance.rs");
    let exported = kit.split("pub use self::").skip(1).flat_map(|rest| {
        let list = rest.split_once(";").unwrap().0;
        let list = list.split_once("::").unwrap().1;
        list.trim_matches(['{', '}']).split(',').map(str::trim).filter(|name| !name.is_empty())
    });
    let mut exported: Vec<_> = exported.collect();
    exported.sort_unstable();
    assert_eq!(exported.len(), 55);
    assert_eq!(exported, names());

    let caught_by = FAULTS.iter().map(|(_, name, _)| *name);
    let mut caught_by: Vec<_> =
        caught_by.chain(RING_FAULTS.iter().map(|(_, name, _)| *name)).collect();
    caught_by.sort_unstable();
    caught_by.dedup();
    assert_eq!(exported, caught_by);
}

#[test]
fn no_behaviour_finds_a_fault_where_there_is_none() {
    for suite in &SUITES {
        for (name, _) in suite.behaviours.iter().filter(|(name, _)| *name != "outage") {
            suite.check(name, &stores(Fault::None)).unwrap();
        }
        let _ = suite.check_all(&stores(Fault::None)).transpose().unwrap();
    }
    for (name, _) in DIRECTORY_SUITE.behaviours {
        DIRECTORY_SUITE.check(name, &rings(RingFault::None)).unwrap();
    }
    DIRECTORY_SUITE.check_all(&rings(RingFault::None)).unwrap().unwrap();
}

#[test]
fn a_store_that_misses_its_lost_rows_conforms() {
    block_on(conformance::check_lost_rows(&stores(Fault::None))).unwrap();
}
