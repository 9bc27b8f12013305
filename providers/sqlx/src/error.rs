//! [`enum@Error`]: how a ring in a database fails.

use key_rotation::error::{
    ChangeMismatch, EscapedText, InvalidKeyId, InvalidKeyring, ParseStatusError,
};
use key_rotation::store::Revision;
use sqlx::migrate::MigrateError;
use thiserror::Error;

use crate::dialect::Backend;
use crate::ring_name::RingName;

/// A ring in a database could not be read or changed. Nothing is changed, unless this is
/// [`Database`](Self::Database) and answers a commit: then what became of the change is for the
/// service to find out.
///
/// Of those, only an error of the `COMMIT` itself, as when the connection is lost there, leaves
/// anything to find out. After one of an earlier statement nothing is written, but a later try may
/// succeed, and [`KeyProvider`](key_rotation::KeyProvider) has no word for that: it is not a
/// refusal. So the service reads the ring and sends the change a second time, and if that fails
/// too it answers [`OutcomeUnknown`](key_rotation::error::RotationError::OutcomeUnknown). A `source` that
/// says `database is locked` is such a case: another program has held the SQLite file for longer
/// than the pool's `busy_timeout`, twice; the change is not stored, and can be tried again.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyProvider;
/// use key_rotation_sqlx::{Error, SqlxKeyProvider};
///
/// # async fn example(store: SqlxKeyProvider<sqlx::Sqlite>) {
/// match store.load().await {
///     Ok(snapshot) => println!("at revision {}", snapshot.revision),
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
    /// A row that no key has, by whoever's hand.
    #[error("ring `{ring}`, row `{row}`: {reason}")]
    Row {
        /// The ring.
        ring: RingName,
        /// The id in the row; of the ring's own row, its name.
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
    /// The change does not fit the rows.
    #[error("ring `{ring}`: {reason}")]
    Mismatch {
        /// The ring.
        ring: RingName,
        /// In what.
        reason: ChangeMismatch,
    },
    /// The database may not be written to, or not by this program's role.
    #[error("ring `{ring}`: the database is read-only, or a right is missing")]
    ReadOnly {
        /// The ring.
        ring: RingName,
        /// The database's error.
        source: sqlx::Error,
    },
    /// The database is out of reach or has failed.
    #[error("the database of ring `{ring}` has failed")]
    Database {
        /// The ring.
        ring: RingName,
        /// The database's error.
        source: sqlx::Error,
    },
    /// The tables could not be made or updated.
    #[error("the tables for rings could not be made or updated")]
    Migration(#[from] MigrateError),
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
    /// The revision of the ring is negative.
    #[error("the revision is {0}, which is none")]
    Revision(i64),
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
        move |source| {
            let ring = ring.clone();
            if DB::is_read_only(&source) {
                Self::ReadOnly { ring, source }
            } else {
                Self::Database { ring, source }
            }
        }
    }

    /// Returns true if it is certain that nothing was written, and that it does not help to try again.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self, Self::Database { .. })
    }
}
