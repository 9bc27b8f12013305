//! [`enum@Error`]: how a ring in a database fails.

use key_rotation::error::{
    EscapedText, InvalidKeyId, InvalidKeyring, InvalidRingName, ParseStatusError,
};
use key_rotation::store::{Revision, RingName};
use sqlx::migrate::MigrateError;
use thiserror::Error;

use crate::database_error::DatabaseError;
use crate::dialect::Backend;
use crate::other_ids::OtherIds;
use crate::schema_name::SchemaName;
use crate::wrapped::InvalidWrappedKey;

/// A ring in a database could not be read or changed.
///
/// What became of a change is said by the [`CommitError`](key_rotation::store::CommitError) that
/// this is in.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyProvider;
/// use key_rotation::store::Revision;
/// use key_rotation_sqlx::{Error, SqlxKeyProvider};
///
/// # async fn example(store: SqlxKeyProvider<sqlx::Sqlite>) {
/// match store.load(Revision::EMPTY).await {
///     Ok(loaded) => println!("{loaded:?}"),
///     Err(Error::NoSchema { .. }) => println!("call key_rotation_sqlx::migrate first"),
///     Err(Error::Database { source, .. }) => println!("out of reach: {source}"),
///     Err(damage) => println!("for a human to look at: {damage}"),
/// }
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The database has no tables for rings.
    #[error("the database has no tables for ring `{ring}`: run `key_rotation_sqlx::migrate` on it")]
    NoSchema {
        /// The ring that was asked for.
        ring: RingName,
    },
    /// The tables are of another version than this library writes.
    #[error(
        "the tables of ring `{ring}` are of version {found}, and this library knows version {known}: {}",
        if found < known { "run `key_rotation_sqlx::migrate`" } else { "update this program" }
    )]
    UnknownSchema {
        /// The ring that was asked for.
        ring: RingName,
        /// The version in the database.
        found: i64,
        /// The version that this library reads and writes.
        known: i64,
    },
    /// A row that no key, no event and no ring has, by whoever's hand.
    #[error("ring `{ring}`, row `{row}`: {reason}")]
    Row {
        /// The ring.
        ring: RingName,
        /// The id in the row; of the ring's own row, its name; of an event, its revision.
        row: EscapedText,
        /// The problem.
        reason: RowProblem,
    },
    /// The rows do not make a ring, or would not after the change.
    #[error("ring `{ring}`: {reason}")]
    InvalidRing {
        /// The ring.
        ring: RingName,
        /// Every violation, by key id.
        reason: InvalidKeyring,
    },
    /// The rows are not those of the keys that the ring's history has, by whoever's hand.
    #[error("ring `{ring}`: {reason}: restore rings, keys and events from one backup")]
    OtherIds {
        /// The ring.
        ring: RingName,
        /// The ids.
        reason: OtherIds,
    },
    /// The database may not be written to, or not by this program's role.
    #[error("ring `{ring}`: the database is read-only, or a right is missing")]
    ReadOnly {
        /// The ring.
        ring: RingName,
        /// The database's error.
        source: DatabaseError,
    },
    /// The database is out of reach or has failed.
    #[error("the database of ring `{ring}` has failed")]
    Database {
        /// The ring.
        ring: RingName,
        /// The database's error.
        source: DatabaseError,
    },
    /// The rings could not be listed, or what they announce could not be heard.
    #[error("the rings of schema `{schema}` cannot be listed or heard")]
    Rings {
        /// The schema.
        schema: SchemaName,
        /// The database's error.
        source: DatabaseError,
    },
    /// A ring in the list is none.
    #[error("the list of rings of schema `{schema}`, row `{row}`: {reason}")]
    RingRow {
        /// The schema.
        schema: SchemaName,
        /// The name in the row.
        row: EscapedText,
        /// The problem.
        reason: RowProblem,
    },
    /// The tables could not be made or updated.
    #[error("the tables for rings could not be made or updated: {0}")]
    Migration(MigrationProblem),
}

/// The reason why tables could not be made or updated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MigrationProblem {
    /// The database has failed.
    #[error("{0}")]
    Database(DatabaseError),
    /// A migration was made that this library does not know: by a later version of it.
    #[error("version {0} was made by a later version of this library: update this program")]
    Unknown(i64),
    /// A migration was made by other statements than those that this library has.
    #[error("version {0} was made by other statements than those of this library")]
    Changed(i64),
    /// Temporary tables have the names of this library's tables.
    #[error(
        "a temporary table of this connection has a name that begins with `key_rotation_`: drop it"
    )]
    Shadowed,
    /// The tables of an SQLite file that is attached are not there, or not up to date.
    #[error(
        "SQLite makes them in the schema `main` alone: migrate the file by itself, before it is \
         attached"
    )]
    Attached,
    /// sqlx has failed in another way.
    #[error("the migration has failed")]
    Other,
}

impl From<MigrateError> for MigrationProblem {
    fn from(error: MigrateError) -> Self {
        match error {
            // Their texts may quote rows.
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::Database(error.into())
            }
            MigrateError::VersionMissing(version) => Self::Unknown(version),
            MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
                Self::Changed(version)
            }
            _ => Self::Other,
        }
    }
}

impl From<sqlx::Error> for MigrationProblem {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The problem of a row that no key has.
///
/// # Examples
///
/// ```
/// use key_rotation_sqlx::RowProblem;
///
/// let problem = RowProblem::Time { column: "created_at", millis: -1 };
/// assert_eq!(problem.to_string(), "`created_at` is -1, which is no time in milliseconds up to the year 9999");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// The id is none.
    #[error("the id is not one: {0}")]
    Id(InvalidKeyId),
    /// The status is none.
    #[error("the status is not one: {0}")]
    Status(ParseStatusError),
    /// A time that is none.
    #[error("`{column}` is {millis}, which is no time in milliseconds up to the year 9999")]
    Time {
        /// The column.
        column: &'static str,
        /// The number that stands there.
        millis: i64,
    },
    /// A column that has no value, or one of another type.
    #[error("`{column}` has no value of its type")]
    Column {
        /// The column.
        column: &'static str,
    },
    /// The name of a ring is none.
    #[error("the name is not one: {0}")]
    Ring(InvalidRingName),
    /// The material is none.
    #[error("the material is not one: {0}")]
    Material(InvalidWrappedKey),
    /// A number of the ring is negative.
    #[error("`{column}` is {number}, which is none")]
    Number {
        /// The column.
        column: &'static str,
        /// The number that stands there.
        number: i64,
    },
    /// The revision of the ring is not that of its last commit.
    #[error(
        "the revision is {revision}, and the newest event is of {newest_event}, so one of them was \
         changed by hand: restore rings, keys and events from one backup"
    )]
    RevisionMismatch {
        /// The revision of the ring; 0 if its row is not there.
        revision: Revision,
        /// The revision of the newest event; 0 if there is none.
        newest_event: Revision,
    },
    /// A ring that nothing was ever written to has keys.
    #[error(
        "there are keys, and neither a revision nor an event: restore rings, keys and events from \
         one backup"
    )]
    NoRevision,
    /// A key that is not destroyed has no material.
    #[error("there is no material, and the key is not destroyed")]
    NoMaterial,
    /// A tombstone still has material.
    #[error("the key is destroyed, and there is material")]
    MaterialOfTombstone,
}

impl Error {
    /// Makes the error of a question about this ring.
    pub(crate) fn database<DB: Backend>(ring: &RingName) -> impl Fn(sqlx::Error) -> Self {
        let ring = ring.clone();
        move |error| Self::of::<DB>(ring.clone(), error.into())
    }

    pub(crate) fn of<DB: Backend>(ring: RingName, source: DatabaseError) -> Self {
        if DB::is_read_only(&source) {
            Self::ReadOnly { ring, source }
        } else {
            Self::Database { ring, source }
        }
    }

    /// Returns true if to try again does not help.
    pub(crate) fn is_refusal<DB: Backend>(&self) -> bool {
        match self {
            Self::Database { source, .. } | Self::Rings { source, .. } => DB::is_refusal(source),
            _ => true,
        }
    }
}
