#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(clippy::result_large_err, reason = "an error is rare, and holds what it names")]

pub use crate::database_error::DatabaseError;
pub use crate::dialect::Backend;
pub use crate::error::{Error, MigrationProblem, RowProblem};
#[cfg(feature = "postgres")]
pub use crate::listen::{Announcement, CommitListener};
pub use crate::other_ids::OtherIds;
pub use crate::provider::SqlxKeyProvider;
pub use crate::rings::SqlxRings;
pub use crate::schema::migrate;
pub use crate::schema_name::{InvalidSchemaName, SchemaName};
pub use crate::wrapped::{InvalidWrappedKey, WrappedKey};

mod commit;
mod database_error;
mod dialect;
mod error;
mod failpoint;
mod lent;
#[cfg(feature = "postgres")]
mod listen;
mod load;
mod other_ids;
mod provider;
mod rings;
mod row;
mod schema;
mod schema_name;
mod statements;
mod wrapped;

#[cfg(feature = "failpoints")]
pub use crate::failpoint::{FAILPOINTS, LOST_ANSWER};
