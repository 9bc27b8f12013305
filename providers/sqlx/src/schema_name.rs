//! [`SchemaName`]: where in a database the tables are.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The name of the schema that has the tables: 1 to 50 of the characters `a` to `z`, `0` to `9` and
/// `_`, and no digit first. PostgreSQL keeps those that begin with `pg_` for itself.
///
/// Every statement names it, so neither a search path nor a temporary table nor the tables of
/// another schema change what is read. In SQLite it is the name of a file that is attached.
///
/// # Examples
///
/// ```
/// use key_rotation_sqlx::SchemaName;
///
/// let schema: SchemaName = "payments".parse()?;
/// assert!("pay ments".parse::<SchemaName>().is_err());
/// # Ok::<(), key_rotation_sqlx::InvalidSchemaName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName(String);

impl SchemaName {
    /// The longest name, in bytes: the name of a channel of PostgreSQL has 13 more.
    pub const MAX_LEN: usize = 50;

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The schema that a database of this kind has from the start.
    pub(crate) fn usual(name: &'static str) -> Self {
        Self(String::from(name))
    }
}

impl FromStr for SchemaName {
    type Err = InvalidSchemaName;

    fn from_str(name: &str) -> Result<Self, InvalidSchemaName> {
        if name.is_empty() || name.len() > Self::MAX_LEN {
            return Err(InvalidSchemaName::Length { len: name.len() });
        }
        if name.starts_with("pg_") || name == "information_schema" {
            return Err(InvalidSchemaName::Reserved);
        }
        let is_wrong = |(position, byte): (usize, u8)| match byte {
            b'a'..=b'z' | b'_' => None,
            b'0'..=b'9' if position > 0 => None,
            _ => Some(InvalidSchemaName::Byte { byte, position }),
        };
        match name.bytes().enumerate().find_map(is_wrong) {
            Some(wrong) => Err(wrong),
            None => Ok(Self(String::from(name))),
        }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A name that no schema for rings can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSchemaName {
    /// It is empty or too long.
    #[error("the name of a schema has 1 to {} bytes, and this one has {len}", SchemaName::MAX_LEN)]
    Length {
        /// The length found, in bytes.
        len: usize,
    },
    /// It has a byte that it cannot have.
    #[error(
        "the name of a schema is `a` to `z`, `0` to `9` and `_`, with no digit first, and this one \
         has byte {byte:#04x} at position {position}"
    )]
    Byte {
        /// The first such byte.
        byte: u8,
        /// Where it stands, counted from 0.
        position: usize,
    },
    /// PostgreSQL keeps it for itself: it begins with `pg_`, or is `information_schema`.
    #[error(
        "PostgreSQL keeps the names that begin with `pg_`, and `information_schema`, for itself"
    )]
    Reserved,
}
