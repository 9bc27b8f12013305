//! [`Stored`]: what a row of the table of keys says.

use key_rotation::{Destruction, EscapedText, KeyRecord};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use key_rotation::{KeyId, KeyStatus, Timestamp};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::RowProblem;
use crate::wrapped::WrappedKey;

/// The status of a tombstone. Not a status of a key.
pub(crate) const DESTROYED: &str = "destroyed";

/// What a row says.
#[expect(unnameable_types, missing_debug_implementations, reason = "behind the seal")]
pub enum Stored {
    Key(KeyRecord<WrappedKey>),
    Tombstone(Destruction),
}

/// A row that says what no row may say.
#[expect(unnameable_types, missing_debug_implementations, reason = "behind the seal")]
pub struct BadRow {
    /// The id in the row.
    pub(crate) row: EscapedText,
    pub(crate) reason: RowProblem,
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl Stored {
    /// Reads a row of the statement in `load.rs`.
    pub(crate) fn read<R: Row>(row: &R) -> Result<Self, BadRow>
    where
        for<'c> &'c str: ColumnIndex<R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    {
        let id = text("id", row.try_get_unchecked("id"));
        let name = EscapedText::from(id.as_deref().unwrap_or_default());
        let read = || {
            let id = KeyId::try_from(id?).map_err(RowProblem::Id)?;
            let status = text("status", row.try_get_unchecked("status"))?;
            let created_at = time("created_at", row.try_get("created_at"))?;
            let activated_at = row.try_get("activated_at").transpose();
            let activated_at = activated_at.map(|at| time("activated_at", at)).transpose()?;
            let status_since = time("status_since", row.try_get("status_since"))?;
            let material: Option<Vec<u8>> = value("material", row.try_get("material"))?;
            if status == DESTROYED {
                return match material {
                    None => Ok(Self::Tombstone(Destruction::new(id, status_since))),
                    Some(_) => Err(RowProblem::MaterialOfTombstone),
                };
            }
            let status: KeyStatus = status.parse().map_err(RowProblem::Status)?;
            let material = WrappedKey::new(material.ok_or(RowProblem::NoMaterial)?);
            let record = KeyRecord::new(id, status, created_at, material);
            Ok(Self::Key(record.with_times(activated_at, status_since)))
        };
        read().map_err(|reason| BadRow { row: name, reason })
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn value<T>(column: &'static str, value: sqlx::Result<T>) -> Result<T, RowProblem> {
    value.map_err(|_| RowProblem::Column { column })
}

/// A text from its bytes, which may be none: neither an id nor a status has a replacement character.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn text(column: &'static str, bytes: sqlx::Result<Vec<u8>>) -> Result<String, RowProblem> {
    Ok(String::from_utf8_lossy(&value(column, bytes)?).into_owned())
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn time(column: &'static str, millis: sqlx::Result<i64>) -> Result<Timestamp, RowProblem> {
    let millis = value(column, millis)?;
    // A later time would come back as another, because a timestamp is capped.
    u64::try_from(millis)
        .ok()
        .filter(|millis| *millis <= Timestamp::MAX.as_unix_millis())
        .map(Timestamp::from_unix_millis)
        .ok_or(RowProblem::Time { column, millis })
}
