//! [`StoredRow`]: a row of the table of keys, and what it says.

use key_rotation::{Destruction, EscapedText, KeyId, KeyRecord, KeyStatus, Timestamp};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::{Error, RowProblem};
use crate::ring_name::RingName;
use crate::wrapped::WrappedKey;

/// The status of a tombstone. Not a status of a key.
pub(crate) const DESTROYED: &str = "destroyed";

/// A row as the database gives it.
#[expect(unnameable_types, missing_debug_implementations, reason = "behind the seal")]
pub struct StoredRow {
    id: String,
    status: String,
    created_at: i64,
    activated_at: Option<i64>,
    status_since: i64,
    material: Option<Vec<u8>>,
}

/// What a row says.
pub(crate) enum Stored {
    Key(KeyRecord<WrappedKey>),
    Tombstone(Destruction),
}

impl StoredRow {
    /// Reads the columns in the order of the statement in `load.rs`.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn read<R: Row>(row: &R) -> sqlx::Result<Self>
    where
        usize: ColumnIndex<R>,
        String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    {
        Ok(Self {
            id: row.try_get(0)?,
            status: row.try_get(1)?,
            created_at: row.try_get(2)?,
            activated_at: row.try_get(3)?,
            status_since: row.try_get(4)?,
            material: row.try_get(5)?,
        })
    }

    /// What the row says, if it says what a row may say.
    pub(crate) fn parse(self, ring: &RingName) -> Result<Stored, Error> {
        let row = EscapedText::from(self.id.as_str());
        self.stored().map_err(|source| Error::Row { ring: ring.clone(), row, source })
    }

    fn stored(self) -> Result<Stored, RowProblem> {
        let id = KeyId::try_from(self.id).map_err(RowProblem::Id)?;
        let created_at = time("created_at", self.created_at)?;
        let activated_at = self.activated_at.map(|at| time("activated_at", at)).transpose()?;
        let status_since = time("status_since", self.status_since)?;
        if self.status == DESTROYED {
            return match self.material {
                None => Ok(Stored::Tombstone(Destruction::new(id, status_since))),
                Some(_) => Err(RowProblem::MaterialOfTombstone),
            };
        }
        let status: KeyStatus = self.status.parse().map_err(RowProblem::Status)?;
        let material = WrappedKey::new(self.material.ok_or(RowProblem::NoMaterial)?);
        let record = KeyRecord::new(id, status, created_at, material);
        Ok(Stored::Key(record.with_times(activated_at, status_since)))
    }
}

fn time(column: &'static str, millis: i64) -> Result<Timestamp, RowProblem> {
    // A later time would come back as another, because a timestamp is capped.
    u64::try_from(millis)
        .ok()
        .filter(|millis| *millis <= Timestamp::MAX.as_unix_millis())
        .map(Timestamp::from_unix_millis)
        .ok_or(RowProblem::Time { column, millis })
}
