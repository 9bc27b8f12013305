#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(clippy::result_large_err, reason = "an error is rare, and holds what it names")]

pub use crate::dialect::Backend;
pub use crate::error::{Error, RowProblem};
#[cfg(feature = "postgres")]
pub use crate::listen::CommitListener;
pub use crate::provider::SqlxKeyProvider;
pub use crate::ring_name::{InvalidRingName, RingName};
pub use crate::schema::migrate;
pub use crate::wrapped::WrappedKey;

mod commit;
mod dialect;
mod error;
mod failpoint;
#[cfg(feature = "postgres")]
mod listen;
mod load;
mod provider;
mod ring_name;
mod row;
mod schema;
mod wrapped;

#[cfg(feature = "failpoints")]
pub use crate::failpoint::{FAILPOINTS, LOST_ANSWER};
