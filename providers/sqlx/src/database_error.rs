//! [`DatabaseError`]: what a database has answered, without what it quotes.

use std::fmt;
use std::io;

/// An error of the database or of the way to it, without its texts.
///
/// A database quotes rows in its messages and details, and a row of this library has a wrapped key
/// in it. So this keeps the code and the kind alone; the server's own log has the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseError {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The database's code: a SQLSTATE, or the extended result code of SQLite.
    Code(String),
    Io(io::ErrorKind),
    Tls,
    Timeout,
    Closed,
    Column(String),
    /// Another statement was carried out than the one that was sent.
    Statement,
    /// A statement has not changed the one row that it should have.
    Rows,
    Other,
}

impl DatabaseError {
    /// Returns the database's code, if it has answered with one: a SQLSTATE of PostgreSQL, or the
    /// extended result code of SQLite.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.kind {
            Kind::Code(code) => Some(code),
            _ => None,
        }
    }

    /// Returns the column that has no value of its type, if that is the error.
    pub(crate) fn column(&self) -> Option<&str> {
        match &self.kind {
            Kind::Column(column) => Some(column),
            _ => None,
        }
    }

    /// The error for a connection that broke before an answer.
    pub(crate) fn lost() -> Self {
        Self { kind: Kind::Io(io::ErrorKind::ConnectionReset) }
    }

    /// The error for a schema that is not there, or that the role may not use.
    #[cfg(feature = "postgres")]
    pub(crate) fn no_schema() -> Self {
        Self { kind: Kind::Code(String::from("3F000")) }
    }

    /// The error for a prepared statement that was another where it was carried out.
    pub(crate) fn statement() -> Self {
        Self { kind: Kind::Statement }
    }

    /// The error for rows that are not there any more when they are to be changed.
    pub(crate) fn rows() -> Self {
        Self { kind: Kind::Rows }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let kind = match error {
            sqlx::Error::Database(error) => match error.code() {
                // Codes are letters and digits.
                Some(code)
                    if code.len() <= 10 && code.bytes().all(|b| b.is_ascii_alphanumeric()) =>
                {
                    Kind::Code(code.into_owned())
                }
                _ => Kind::Other,
            },
            sqlx::Error::Io(error) => Kind::Io(error.kind()),
            sqlx::Error::Tls(_) => Kind::Tls,
            sqlx::Error::PoolTimedOut => Kind::Timeout,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Kind::Closed,
            sqlx::Error::ColumnDecode { index, .. } => Kind::Column(index),
            sqlx::Error::RowNotFound => Kind::Rows,
            _ => Kind::Other,
        };
        Self { kind }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Code(code) => match meaning(code) {
                Some(meaning) => write!(f, "the database has answered {code}: {meaning}"),
                None => write!(f, "the database has answered {code}"),
            },
            Kind::Io(kind) => write!(f, "the connection has failed: {kind}"),
            Kind::Tls => f.write_str("no encrypted connection came about"),
            Kind::Timeout => {
                f.write_str("the pool had no connection in time: it is too small, or the database is out of reach")
            }
            Kind::Closed => f.write_str("the pool or the connection is closed"),
            Kind::Column(column) => write!(f, "column `{column}` has no value of its type"),
            Kind::Statement => write!(f, "another statement was carried out than was sent: {POOLER}"),
            Kind::Rows => f.write_str("a row is not there: it was changed by hand, or is hidden"),
            Kind::Other => f.write_str("the database has failed: its log says more"),
        }
    }
}

impl std::error::Error for DatabaseError {}

/// What to do about prepared statements that are not there, or are others.
const POOLER: &str = "a pooler hands out another server for each transaction and does not keep track \
    of prepared statements: set it to session mode, or let it keep track (PgBouncer from 1.21: \
    `max_prepared_statements = 100`)";
const POOLER_OR_STARTUP: &str = "the way to the server does not speak the protocol as the server does. \
    If it is a pooler: set it to session mode, or let it keep track of prepared statements (PgBouncer \
    from 1.21: `max_prepared_statements = 100`); and let it pass over what it does not know \
    (`ignore_startup_parameters = extra_float_digits,options`)";

/// What the codes mean that a user of this library sees most. Those of five characters are
/// SQLSTATEs (PostgreSQL, appendix A), the shorter ones result codes of SQLite.
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "23505" | "2067" | "1555" => "a row of this key is there already",
        "23514" | "275" => "a CHECK is violated",
        "23502" | "1299" => "a column may not be NULL",
        "23503" | "787" => "a row that is referred to is not there",
        "25006" | "8" | "264" | "520" | "776" | "1032" | "1288" | "1544" => "it is read-only",
        "42501" | "23" => "a right is missing",
        "42P01" | "42703" | "1" => "a table or a column is not there",
        "3F000" => "the schema is not there, or the role may not use it",
        "40001" | "40P01" => "another transaction was in the way",
        "55P03" => "a lock could not be had in time",
        "57014" => "the statement was cancelled",
        "57P01" | "57P02" | "57P03" => "the server is stopping or starting",
        "53300" => "it has too many connections",
        "26000" | "42P05" => POOLER,
        "08P01" => POOLER_OR_STARTUP,
        "5" | "261" | "517" | "773" => "another program holds the file",
        "6" | "262" => "another connection holds the table",
        "13" => "the disk is full",
        "11" | "26" => "the file is damaged, or is no database",
        "14" => "the file cannot be opened",
        _ => return None,
    })
}
