//! [`Stored`]: what a row of the table of keys says.

use key_rotation::KeyRecord;
use key_rotation::error::EscapedText;
use key_rotation::key::Destruction;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use key_rotation::{KeyId, KeyInfo, KeyStatus, Times, Timestamp};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::RowProblem;
use crate::wrapped::WrappedKey;

/// The status of a tombstone. Not a status of a key.
pub(crate) const DESTROYED: &str = "destroyed";

/// A row that was read.
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
            let time = |column| time(column, row.try_get(column));
            let number = |column| number(column, row.try_get(column));
            let mark = |column| match number(column)? {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(RowProblem::Column { column }),
            };
            let material: Option<Vec<u8>> = value("material", row.try_get("material"))?;
            if status == DESTROYED {
                if material.is_some() {
                    return Err(RowProblem::MaterialOfTombstone);
                }
                let column = "destroyed_at";
                let at = time(column)?.ok_or(RowProblem::Column { column })?;
                return Ok(Self::Tombstone(Destruction::new(id, at)));
            }
            let info = KeyInfo {
                id,
                status: status.parse::<KeyStatus>().map_err(RowProblem::Status)?,
                times: Times {
                    created_at: time("created_at")?,
                    added_at: time("added_at")?,
                    activated_at: time("activated_at")?,
                    deactivated_at: time("deactivated_at")?,
                    retired_at: time("retired_at")?,
                    revoked_at: time("revoked_at")?,
                },
                used: mark("used")?,
                counted: mark("counted")?,
                added_in: number("added_in")?,
                deactivated_in: number("deactivated_in")?,
            };
            let material = WrappedKey::new(material.ok_or(RowProblem::NoMaterial)?).into();
            Ok(Self::Key(KeyRecord { info, material, material_in: number("material_in")? }))
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
fn number(column: &'static str, number: sqlx::Result<i64>) -> Result<u64, RowProblem> {
    u64::try_from(value(column, number)?).map_err(|_| RowProblem::Column { column })
}

/// A time that may not be known.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn time(
    column: &'static str,
    millis: sqlx::Result<Option<i64>>,
) -> Result<Option<Timestamp>, RowProblem> {
    let Some(millis) = value(column, millis)? else { return Ok(None) };
    // A later time would come back as another, because a timestamp is capped.
    u64::try_from(millis)
        .ok()
        .filter(|millis| *millis <= Timestamp::MAX.as_unix_millis())
        .map(|millis| Some(Timestamp::from_unix_millis(millis)))
        .ok_or(RowProblem::Time { column, millis })
}
