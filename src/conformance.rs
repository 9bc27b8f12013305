//! Checks of a store: functions that an author of a [`KeyProvider`] runs against theirs.
//!
//! Say in a [`Fixture`] how a new store is made and what materials look like, and call
//! [`check_all`] in a test. Each behaviour is a function too. A store that does not behave is
//! reported as [`Nonconformance`], which says what was done, what was promised and what was found.
//!
//! | a store that… | is checked by | with a |
//! |---|---|---|
//! | is a [`KeyProvider`] | [`check_all`] | [`Fixture`] |
//! | can be out of reach | [`outage`] | [`Fixture`], and a provider without a store |
//! | can be made to fail | [`honest_errors`] | [`Fixture`], and a handle that fails |
//! | has a [`History`] | [`check_history`] | [`Fixture`] |
//! | can be backed up and restored | [`check_backups`] | [`Backups`] |
//! | keeps rows that somebody may delete | [`check_lost_rows`] | [`LostRows`] |
//! | has many rings ([`RingDirectory`]) | [`check_directory`] | [`Directories`] |
//!
//! # Examples
//!
//! ```
//! use key_rotation::InMemoryKeyProvider;
//! use key_rotation::conformance::{self, Fixture, Nonconformance};
//!
//! struct InMemory;
//!
//! impl Fixture for InMemory {
//!     // Behind an `Arc`, because another handle to the same store is wanted.
//!     type Provider = std::sync::Arc<InMemoryKeyProvider<u8>>;
//!
//!     async fn new_store(&self) -> Self::Provider {
//!         Self::Provider::default()
//!     }
//!     async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
//!         store.clone()
//!     }
//!     fn material(&self, number: u8) -> u8 {
//!         number
//!     }
//!     fn is_material(&self, number: u8, material: &u8) -> bool {
//!         *material == number
//!     }
//! }
//!
//! # fn main() -> Result<(), Nonconformance> {
//! pollster::block_on(conformance::check_all(&InMemory))?;
//! pollster::block_on(conformance::check_history(&InMemory))?;
//! # Ok(()) }
//! ```
//!
//! The futures run on any runtime. Run them against the real thing, a server and not a mock.
//!
//! # What it does not show
//!
//! - That a commit survives a crash, is atomic when the process is killed half-way, and is seen by
//!   other hosts at once. For that, processes have to be killed.
//! - That the store is fast.
//! - What happens between two awaits of one provider. Races are run in one task, in which the
//!   futures take turns where they wait.
//! - That no secret is in an error. The kit does not know what the bytes are.

use alloc::format;
use alloc::string::{String, ToString};
use core::error::Error;
use core::fmt::Display;

use thiserror::Error;

use crate::id::KeyId;
use crate::ring_name::RingName;
use crate::store::{History, KeyProvider, RingDirectory};

pub use self::changes::{
    activate, add, close, create, create_of_many, date, destroy, marks, restore, retire, revoke,
    rewrap,
};
pub use self::directory::{
    lists_closed_rings, lists_rings, tells_what_changed, tells_what_changed_meanwhile,
};
pub use self::history::{
    events, history_after, history_after_losses, history_during_commits, history_of_a_race,
    history_of_a_stranger, no_event_without_a_change, restored_history,
};
pub use self::lineage::{
    nothing_written_after_a_lost_row, resend_after_restore, restore_at_each_revision,
    row_lost_between_polls,
};
pub use self::loads::{load_after_each_commit, load_of_a_stranger, tags};
pub use self::lost::{unknown_outcome, unknown_outcome_among_rivals};
pub use self::outages::{honest_errors, outage};
pub use self::races::{
    create_race, overtaken_writer, reader_during_commits, stale_revision, writer_race,
};
pub use self::refusals::{
    closed_for_good, expired, mismatched_changes, numbers_that_do_not_follow, taken_ids,
};
pub use self::resends::{
    dropped_futures, resend_after_conflict, resend_after_others, resend_in_flight,
    same_proposal_at_once,
};
pub use self::values::{ids, many_rings, materials, times, tombstones};

mod changes;
mod compare;
mod concurrent;
mod directory;
mod history;
mod lineage;
mod loads;
mod lost;
mod model;
mod outages;
mod races;
mod refusals;
mod resends;
mod subject;
mod values;

/// The way to make stores and materials for the checks. See the [module](self).
pub trait Fixture: Sync {
    /// The store that is checked.
    type Provider: KeyProvider;

    /// Makes a new, empty store, which shares no ring with any that was made before.
    fn new_store(&self) -> impl Future<Output = Self::Provider> + Send;

    /// Makes another handle to the same store, as another process would have it.
    fn reopen(&self, store: &Self::Provider) -> impl Future<Output = Self::Provider> + Send;

    /// Makes the material of this number, different for each.
    fn material(&self, number: u8) -> <Self::Provider as KeyProvider>::Material;

    /// Returns true if this is the material of this number.
    fn is_material(&self, number: u8, material: &<Self::Provider as KeyProvider>::Material)
    -> bool;
}

/// The way to back a store up and to restore it, for [`check_backups`].
pub trait Backups: Fixture {
    /// A backup: a dump, a copy of a file.
    type Backup: Send + Sync;

    /// Makes a backup of the store as it is now.
    fn backup(&self, store: &Self::Provider) -> impl Future<Output = Self::Backup> + Send;

    /// Puts the content of a backup in the place of what the store has, as an operator does it.
    /// Handles to the store stay as they are.
    fn restore(
        &self,
        store: &Self::Provider,
        backup: &Self::Backup,
    ) -> impl Future<Output = ()> + Send;
}

/// The way to lose a row, for [`check_lost_rows`].
pub trait LostRows: Fixture {
    /// Deletes the row of this key, or its tombstone, behind the provider's back.
    fn delete_row(&self, store: &Self::Provider, id: &KeyId) -> impl Future<Output = ()> + Send;
}

/// The way to make stores of many rings, for [`check_directory`].
pub trait Directories: Sync {
    /// The directory that is checked.
    type Directory: RingDirectory;
    /// A ring of it.
    type Provider: KeyProvider;

    /// Makes a store without rings.
    fn new_directory(&self) -> impl Future<Output = Self::Directory> + Send;

    /// Opens the ring of this name. Nothing is written by that.
    fn ring(
        &self,
        directory: &Self::Directory,
        name: &RingName,
    ) -> impl Future<Output = Self::Provider> + Send;

    /// Makes the material of this number.
    fn material(&self, number: u8) -> <Self::Provider as KeyProvider>::Material;
}

/// A report that a store does not do what its traits promise.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{behaviour}: {found}")]
pub struct Nonconformance {
    behaviour: &'static str,
    found: String,
}

impl Nonconformance {
    fn new(behaviour: &'static str, found: impl Display) -> Self {
        Self { behaviour, found: found.to_string() }
    }

    /// Returns the name of the function that reports this.
    #[must_use]
    pub fn behaviour(&self) -> &'static str {
        self.behaviour
    }
}

/// Checks every behaviour that [`KeyProvider`] promises, the simplest first, but for [`outage`] and
/// [`honest_errors`], which need a store that fails.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_all<F: Fixture>(fixture: &F) -> Result<(), Nonconformance> {
    create(fixture).await?;
    create_of_many(fixture).await?;
    add(fixture).await?;
    activate(fixture).await?;
    retire(fixture).await?;
    revoke(fixture).await?;
    restore(fixture).await?;
    rewrap(fixture).await?;
    date(fixture).await?;
    destroy(fixture).await?;
    close(fixture).await?;
    marks(fixture).await?;
    tombstones(fixture).await?;
    ids(fixture).await?;
    times(fixture).await?;
    materials(fixture).await?;
    many_rings(fixture).await?;
    load_after_each_commit(fixture).await?;
    load_of_a_stranger(fixture).await?;
    tags(fixture).await?;
    stale_revision(fixture).await?;
    mismatched_changes(fixture).await?;
    taken_ids(fixture).await?;
    numbers_that_do_not_follow(fixture).await?;
    closed_for_good(fixture).await?;
    expired(fixture).await?;
    create_race(fixture).await?;
    writer_race(fixture).await?;
    overtaken_writer(fixture).await?;
    reader_during_commits(fixture).await?;
    same_proposal_at_once(fixture).await?;
    resend_in_flight(fixture).await?;
    resend_after_others(fixture).await?;
    resend_after_conflict(fixture).await?;
    dropped_futures(fixture).await?;
    unknown_outcome(fixture).await?;
    unknown_outcome_among_rivals(fixture).await
}

/// Checks what [`History`] promises, beside what [`check_all`] does.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_history<F>(fixture: &F) -> Result<(), Nonconformance>
where
    F: Fixture,
    F::Provider: History,
{
    events(fixture).await?;
    history_after(fixture).await?;
    history_of_a_stranger(fixture).await?;
    no_event_without_a_change(fixture).await?;
    history_of_a_race(fixture).await?;
    history_during_commits(fixture).await?;
    history_after_losses(fixture).await
}

/// Checks that a store that was restored from a backup is not followed by those who knew more. A
/// store with a [`History`] runs [`restored_history`] as well.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_backups<F: Backups>(fixture: &F) -> Result<(), Nonconformance> {
    restore_at_each_revision(fixture).await?;
    resend_after_restore(fixture).await
}

/// Checks that a row that was lost is missed.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_lost_rows<F: LostRows>(fixture: &F) -> Result<(), Nonconformance> {
    row_lost_between_polls(fixture).await?;
    nothing_written_after_a_lost_row(fixture).await
}

/// Checks what [`RingDirectory`] promises.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_directory<F: Directories>(fixture: &F) -> Result<(), Nonconformance> {
    lists_rings(fixture).await?;
    lists_closed_rings(fixture).await?;
    tells_what_changed(fixture).await?;
    tells_what_changed_meanwhile(fixture).await
}

/// An error with all that it came from.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
