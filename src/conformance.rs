//! Checks of a store: functions that an author of a [`KeyProvider`] runs against theirs.
//!
//! Say in a [`Fixture`] how a new store is made and what materials look like, and call
//! [`check_all`] in a test. Each behaviour is a function too. A store that does not behave is
//! reported as [`Nonconformance`], which says what was done, what was promised and what was found.
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
//! # Ok(()) }
//! ```
//!
//! The futures run on any runtime. Run them against the real thing, a server and not a mock. Call
//! [`outage`] as well, with a store that is out of reach: a store in memory has no such state, so
//! [`check_all`] cannot include it.
//!
//! # What it does not show
//!
//! - That a commit survives a crash, is atomic when the process is killed half-way, and is seen by
//!   other hosts at once. For that, processes have to be killed.
//! - That the store is fast.
//! - What happens between two awaits of one provider. Races are run in one task, in which the
//!   futures take turns where they wait.

use alloc::format;
use alloc::string::{String, ToString};
use core::error::Error;
use core::fmt::Display;

use thiserror::Error;

use crate::store::KeyProvider;

pub use self::changes::{activate, add, create, destroy, retire};
pub use self::outages::{outage, unknown_outcome};
pub use self::races::{create_race, reader_during_commits, stale_revision, writer_race};
pub use self::refusals::{mismatched_receipts, taken_ids};
pub use self::values::{many_rings, tombstones, unchanged_values};

mod changes;
mod concurrent;
mod outages;
mod races;
mod refusals;
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

/// A report that a store does not do what [`KeyProvider`] promises.
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

/// Checks every behaviour but [`outage`], the simplest first.
///
/// # Errors
///
/// [`Nonconformance`]: the first that was found.
pub async fn check_all<F: Fixture>(fixture: &F) -> Result<(), Nonconformance> {
    create(fixture).await?;
    add(fixture).await?;
    activate(fixture).await?;
    retire(fixture).await?;
    destroy(fixture).await?;
    tombstones(fixture).await?;
    unchanged_values(fixture).await?;
    stale_revision(fixture).await?;
    mismatched_receipts(fixture).await?;
    taken_ids(fixture).await?;
    many_rings(fixture).await?;
    create_race(fixture).await?;
    writer_race(fixture).await?;
    reader_during_commits(fixture).await?;
    unknown_outcome(fixture).await
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
