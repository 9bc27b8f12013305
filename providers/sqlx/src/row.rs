//! What the rows of the tables say.

use std::str::FromStr;

use key_rotation::audit::{AuditAction, AuditEvent, Grounds, Provenance};
use key_rotation::error::EscapedText;
use key_rotation::key::Destruction;
use key_rotation::policy::Unreferenced;
use key_rotation::store::{Revision, RingHead, RingName};
use key_rotation::{AuditText, KeyId, KeyInfo, KeyRecord, KeyStatus, Times, Timestamp};
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::RowProblem;
use crate::wrapped::WrappedKey;

/// The status of a tombstone. Not a status of a key.
pub(crate) const DESTROYED: &str = "destroyed";

/// A row that says what no row may say.
#[expect(unnameable_types, missing_debug_implementations, reason = "behind the seal")]
pub struct BadRow {
    /// The row: the id of a key, the number of a revision, the name of a ring.
    pub(crate) row: EscapedText,
    pub(crate) reason: RowProblem,
}

/// What can be read of a row.
#[expect(unnameable_types, reason = "behind the seal")]
pub trait FromStored: Sized {
    fn read<R: Row>(row: &R) -> Result<Self, BadRow>
    where
        for<'c> &'c str: ColumnIndex<R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>;
}

/// A row of the table of keys.
pub(crate) enum Stored {
    Key(KeyRecord<WrappedKey>),
    Tombstone(Destruction),
}

impl FromStored for Stored {
    fn read<R: Row>(row: &R) -> Result<Self, BadRow>
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
            let material = material.ok_or(RowProblem::NoMaterial)?;
            let material = WrappedKey::new(material).map_err(RowProblem::Material)?.into();
            Ok(Self::Key(KeyRecord { info, material, material_in: number("material_in")? }))
        };
        read().map_err(|reason| BadRow { row: name, reason })
    }
}

/// A row of the table of events, of a ring that the reader names.
pub(crate) struct StoredEvent {
    revision: Revision,
    action: AuditAction,
    provenance: Provenance,
    stored_at: Option<Timestamp>,
}

impl StoredEvent {
    pub(crate) fn of(self, ring: &RingName) -> AuditEvent {
        let Self { revision, action, provenance, stored_at } = self;
        AuditEvent { ring: ring.clone(), revision, action, provenance, stored_at }
    }
}

impl FromStored for StoredEvent {
    fn read<R: Row>(row: &R) -> Result<Self, BadRow>
    where
        for<'c> &'c str: ColumnIndex<R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    {
        let number = number("revision", row.try_get("revision"));
        let name = number.as_ref().map_or_else(|_| String::new(), u64::to_string);
        let read = || {
            let required = |column| text(column, row.try_get_unchecked(column));
            let optional = |column| maybe_text(column, row.try_get_unchecked(column));
            let time = |column| time(column, row.try_get(column));
            let key = |id: &str| KeyId::try_from(id).map_err(RowProblem::Id);
            let tag: i64 = value("tag", row.try_get("tag"))?;
            let id = key(&required("id")?)?;
            let action = match required("action")?.as_str() {
                "create" => {
                    let more = optional("more_ids")?.unwrap_or_default();
                    let more = more.split_ascii_whitespace().map(key);
                    let ids = std::iter::once(Ok(id.clone())).chain(more);
                    AuditAction::Created { ids: ids.collect::<Result<_, _>>()? }
                }
                "add" => AuditAction::Added { id: id.clone() },
                action @ ("activate" | "reactivate") => {
                    let from = key(&required("from_id")?)?;
                    let reactivated = action == "reactivate";
                    AuditAction::Activated { from, to: id.clone(), reactivated }
                }
                "retire" => AuditAction::Retired { id: id.clone() },
                "revoke" => AuditAction::Revoked { id: id.clone() },
                "restore" => AuditAction::Restored { id: id.clone() },
                "rewrap" => AuditAction::Rewrapped { id: id.clone() },
                "date" => AuditAction::Dated { id: id.clone() },
                "destroy" => AuditAction::Destroyed { id: id.clone() },
                "close" => AuditAction::Closed { active: id.clone() },
                _ => return Err(RowProblem::Column { column: "action" }),
            };
            let reason = || line("reason", &required("reason")?);
            let grounds = match required("grounds")?.as_str() {
                "ordinary" => Grounds::Ordinary,
                "emergency" => Grounds::Emergency(reason()?),
                "forced" => Grounds::Forced(reason()?),
                "distrust" => Grounds::Distrust(reason()?),
                "unreferenced" => {
                    let column = "counted_at";
                    let counted_at = time(column)?.ok_or(RowProblem::Column { column })?;
                    let counted = Unreferenced::counted(id, 0, counted_at);
                    Grounds::Unreferenced(counted.map_err(|_| RowProblem::Column { column })?)
                }
                _ => return Err(RowProblem::Column { column: "grounds" }),
            };
            let actor = line("actor", &required("actor")?)?;
            let at = time("at")?.ok_or(RowProblem::Column { column: "at" })?;
            Ok(Self {
                revision: Revision::new(number?, tag.cast_unsigned()),
                action,
                provenance: Provenance { actor, grounds, at },
                stored_at: time("stored_at")?,
            })
        };
        read().map_err(|reason| BadRow { row: EscapedText::from(name.as_str()), reason })
    }
}

/// The ids that came with one commit.
pub(crate) struct UsedIds(pub(crate) Vec<KeyId>);

impl FromStored for UsedIds {
    fn read<R: Row>(row: &R) -> Result<Self, BadRow>
    where
        for<'c> &'c str: ColumnIndex<R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    {
        let number = number("revision", row.try_get("revision"));
        let name = number.as_ref().map_or_else(|_| String::new(), u64::to_string);
        let read = || {
            let id = text("id", row.try_get_unchecked("id"))?;
            let more = maybe_text("more_ids", row.try_get_unchecked("more_ids"))?;
            let more = more.as_deref().unwrap_or_default().split_ascii_whitespace();
            let ids = std::iter::once(&*id).chain(more).map(KeyId::try_from);
            Ok(Self(ids.collect::<Result<_, _>>().map_err(RowProblem::Id)?))
        };
        read().map_err(|reason| BadRow { row: EscapedText::from(name.as_str()), reason })
    }
}

impl FromStored for RingHead {
    fn read<R: Row>(row: &R) -> Result<Self, BadRow>
    where
        for<'c> &'c str: ColumnIndex<R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    {
        let ring = text("ring", row.try_get_unchecked("ring"));
        let name = EscapedText::from(ring.as_deref().unwrap_or_default());
        let read = || {
            let tag: i64 = value("tag", row.try_get("tag"))?;
            let number = number("revision", row.try_get("revision"))?;
            Ok(Self {
                ring: RingName::from_str(&ring?).map_err(RowProblem::Ring)?,
                revision: Revision::new(number, tag.cast_unsigned()),
                closed: time("closed_at", row.try_get("closed_at"))?,
            })
        };
        read().map_err(|reason| BadRow { row: name, reason })
    }
}

fn value<T>(column: &'static str, value: sqlx::Result<T>) -> Result<T, RowProblem> {
    value.map_err(|_| RowProblem::Column { column })
}

/// A text from its bytes, which may be none: what is not UTF-8 gets a character that nothing here
/// may have.
fn text(column: &'static str, bytes: sqlx::Result<Vec<u8>>) -> Result<String, RowProblem> {
    Ok(String::from_utf8_lossy(&value(column, bytes)?).into_owned())
}

fn maybe_text(
    column: &'static str,
    bytes: sqlx::Result<Option<Vec<u8>>>,
) -> Result<Option<String>, RowProblem> {
    Ok(value(column, bytes)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// A line for the record.
fn line(column: &'static str, text: &str) -> Result<AuditText, RowProblem> {
    text.parse().map_err(|_| RowProblem::Column { column })
}

fn number(column: &'static str, number: sqlx::Result<i64>) -> Result<u64, RowProblem> {
    u64::try_from(value(column, number)?).map_err(|_| RowProblem::Column { column })
}

/// A time that may not be known.
fn time(
    column: &'static str,
    millis: sqlx::Result<Option<i64>>,
) -> Result<Option<Timestamp>, RowProblem> {
    value(column, millis)?.map(|millis| time_of(column, millis)).transpose()
}

/// A time in milliseconds. A later one would come back as another, because a timestamp is capped.
pub(crate) fn time_of(column: &'static str, millis: i64) -> Result<Timestamp, RowProblem> {
    u64::try_from(millis)
        .ok()
        .filter(|millis| *millis <= Timestamp::MAX.as_unix_millis())
        .map(Timestamp::from_unix_millis)
        .ok_or(RowProblem::Time { column, millis })
}
