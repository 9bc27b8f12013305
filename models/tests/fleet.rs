//! The fleet in every state up to a revision; and each built-in fault, found.

use key_rotation_models::{Bug, FleetModel};
use stateright::{Checker, HasDiscoveries, Model};

/// Everything up to this revision, and no more states than these: `scripts/fleet-model` goes further.
fn limit(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |limit| limit.parse().expect("a number"))
}

#[test]
fn no_state_is_wrong() {
    let revisions = u8::try_from(limit("FLEET_REVISIONS", 6)).expect("few");
    let states = limit("FLEET_STATES", 200_000);
    let model = FleetModel { revisions, keys: 1, bug: None };
    let checker = model.checker().target_state_count(states).spawn_bfs().join();
    let unique = checker.unique_state_count();
    println!(
        "{unique} unique states up to revision {revisions}, {} steps deep",
        checker.max_depth()
    );
    for property in [
        "one active key",
        "no change is lost",
        "no node goes back",
        "no wish is carried out twice",
        "every live node reads every ciphertext",
    ] {
        checker.assert_no_discovery(property);
    }
    assert!(unique > states / 10);
}

fn finds(bug: Bug, property: &'static str, keys: usize) {
    let model = FleetModel { revisions: 6, keys, bug: Some(bug) };
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .target_state_count(3_000_000)
        .spawn_bfs()
        .join();
    let path = checker.discovery(property).unwrap_or_else(|| panic!("{bug:?} is not found"));
    let unique = checker.unique_state_count();
    println!("{bug:?}, found within {unique} states: {:?}", path.into_actions());
}

#[test]
fn a_store_without_a_revision_check_loses_a_change() {
    finds(Bug::NoRevisionCheck, "no change is lost", 1);
}

#[test]
fn activation_without_propagation_leaves_a_ciphertext_unreadable() {
    finds(Bug::NoPropagation, "every live node reads every ciphertext", 1);
}

#[test]
fn a_blind_retry_carries_a_wish_out_twice() {
    finds(Bug::BlindRetry, "no wish is carried out twice", 3);
}

#[test]
fn an_older_ring_is_installed() {
    finds(Bug::InstallsOlder, "no node goes back", 1);
}

#[test]
fn a_key_that_is_destroyed_before_it_is_retired_takes_a_ciphertext_with_it() {
    finds(Bug::DestroysBeforeRetiring, "every live node reads every ciphertext", 2);
}
