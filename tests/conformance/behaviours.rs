//! The behaviours of the kit by name, each with the way to check it on a store with a fault.

use std::future::Future;
use std::pin::Pin;

use key_rotation::conformance::{self as kit, Fixture, Nonconformance};
use pollster::block_on;

use super::broken::{BrokenRings, BrokenStores, Fault, RingFault};

pub(crate) type Checked = Result<(), Nonconformance>;
type Checking<'f> = Pin<Box<dyn Future<Output = Checked> + 'f>>;
type Check<F> = for<'f> fn(&'f F) -> Checking<'f>;

macro_rules! by_name {
    ($($name:ident)*) => {
        &[$((stringify!($name), |fixture| Box::pin(kit::$name(fixture)))),*]
    };
}

/// What `check_all` checks, in its order.
const ALL: &[(&str, Check<BrokenStores>)] = by_name![
    create create_of_many add activate retire revoke restore rewrap date destroy close marks
    tombstones ids times materials many_rings load_after_each_commit load_of_a_stranger tags
    stale_revision mismatched_changes taken_ids numbers_that_do_not_follow closed_for_good expired
    create_race writer_race overtaken_writer reader_during_commits same_proposal_at_once
    resend_in_flight resend_after_others resend_after_conflict dropped_futures unknown_outcome
    unknown_outcome_among_rivals
];

const HISTORY: &[(&str, Check<BrokenStores>)] = by_name![
    events history_after history_of_a_stranger no_event_without_a_change history_of_a_race
    history_during_commits history_after_losses
];

const BACKUPS: &[(&str, Check<BrokenStores>)] =
    by_name![restore_at_each_revision resend_after_restore];

const LOST_ROWS: &[(&str, Check<BrokenStores>)] =
    by_name![row_lost_between_polls nothing_written_after_a_lost_row];

/// What is in no `check_…`.
const APART: &[(&str, Check<BrokenStores>)] = &[
    ("restored_history", |stores| Box::pin(kit::restored_history(stores))),
    ("outage", |stores| {
        Box::pin(async move { kit::outage(stores, &stores.new_store().await).await })
    }),
    ("honest_errors", |stores| {
        Box::pin(async move {
            let right = BrokenStores::new(Fault::None);
            let failing = |store: &<BrokenStores as Fixture>::Provider| {
                let failing = store.with_fault(stores.fault);
                async move { failing }
            };
            kit::honest_errors(&right, failing).await
        })
    }),
];

const DIRECTORY: &[(&str, Check<BrokenRings>)] =
    by_name![lists_rings lists_closed_rings tells_what_changed tells_what_changed_meanwhile];

/// The behaviours that are checked in one go, and the function that does.
pub(crate) struct Suite<F: 'static> {
    pub(crate) behaviours: &'static [(&'static str, Check<F>)],
    pub(crate) all: Option<Check<F>>,
}

pub(crate) const SUITES: [Suite<BrokenStores>; 5] = [
    Suite { behaviours: ALL, all: Some(|stores| Box::pin(kit::check_all(stores))) },
    Suite { behaviours: HISTORY, all: Some(|stores| Box::pin(kit::check_history(stores))) },
    Suite { behaviours: BACKUPS, all: Some(|stores| Box::pin(kit::check_backups(stores))) },
    Suite { behaviours: LOST_ROWS, all: Some(|stores| Box::pin(kit::check_lost_rows(stores))) },
    Suite { behaviours: APART, all: None },
];

pub(crate) const DIRECTORY_SUITE: Suite<BrokenRings> =
    Suite { behaviours: DIRECTORY, all: Some(|rings| Box::pin(kit::check_directory(rings))) };

impl<F> Suite<F> {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.behaviours.iter().any(|(known, _)| *known == name)
    }

    /// Checks one behaviour.
    pub(crate) fn check(&self, name: &str, fixture: &F) -> Checked {
        let (_, check) = self.behaviours.iter().find(|(known, _)| *known == name).unwrap();
        block_on(check(fixture))
    }

    /// Checks all, in their order, as an author of a store does.
    pub(crate) fn check_all(&self, fixture: &F) -> Option<Checked> {
        self.all.map(|check| block_on(check(fixture)))
    }
}

/// The suite of this behaviour of a store.
pub(crate) fn suite_of(name: &str) -> &'static Suite<BrokenStores> {
    const HERE: &[Suite<BrokenStores>] = &SUITES;
    HERE.iter().find(|suite| suite.has(name)).unwrap_or_else(|| panic!("no behaviour `{name}`"))
}

/// The names of all behaviours, sorted.
pub(crate) fn names() -> Vec<&'static str> {
    let of_stores = SUITES.iter().flat_map(|suite| suite.behaviours.iter().map(|(name, _)| *name));
    let of_rings = DIRECTORY_SUITE.behaviours.iter().map(|(name, _)| *name);
    let mut names: Vec<_> = of_stores.chain(of_rings).collect();
    names.sort_unstable();
    names
}

pub(crate) fn stores(fault: Fault) -> BrokenStores {
    BrokenStores::new(fault)
}

pub(crate) fn rings(fault: RingFault) -> BrokenRings {
    BrokenRings::new(fault)
}
