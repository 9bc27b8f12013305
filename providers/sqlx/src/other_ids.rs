//! [`OtherIds`]: rows that are not those of a ring's history.

use std::fmt;

use key_rotation::KeyId;

/// The ids of rows that a ring has lost, and of rows that are not its own.
///
/// # Examples
///
/// ```
/// # use key_rotation_sqlx::Error;
/// fn ids_to_restore(error: &Error) -> Vec<String> {
///     match error {
///         Error::OtherIds { reason, .. } => reason.lost().iter().map(ToString::to_string).collect(),
///         _ => Vec::new(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherIds {
    lost: Vec<KeyId>,
    unknown: Vec<KeyId>,
}

impl OtherIds {
    /// Makes the reason of these ids; none if there are none.
    pub(crate) fn new(mut lost: Vec<KeyId>, mut unknown: Vec<KeyId>) -> Option<Self> {
        lost.sort();
        unknown.sort();
        (!lost.is_empty() || !unknown.is_empty()).then_some(Self { lost, unknown })
    }

    /// Makes the reason of one row that is not there.
    pub(crate) fn lost_one(id: &KeyId) -> Self {
        Self { lost: vec![id.clone()], unknown: Vec::new() }
    }

    /// Returns the ids that the history has and no row: deleted, hidden or renamed.
    #[must_use]
    pub fn lost(&self) -> &[KeyId] {
        &self.lost
    }

    /// Returns the ids that a row has and the history has not: renamed, or put in by hand.
    #[must_use]
    pub fn unknown(&self) -> &[KeyId] {
        &self.unknown
    }
}

impl fmt::Display for OtherIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.lost.is_empty() {
            write!(f, "row {} was deleted, hidden or renamed", Listed(&self.lost))?;
        }
        if !self.lost.is_empty() && !self.unknown.is_empty() {
            f.write_str(", and ")?;
        }
        if !self.unknown.is_empty() {
            write!(f, "row {} was put in or renamed by hand", Listed(&self.unknown))?;
        }
        Ok(())
    }
}

/// The first ids, and how many there are besides.
struct Listed<'i>(&'i [KeyId]);

impl Listed<'_> {
    const MOST: usize = 8;
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, id) in self.0.iter().take(Self::MOST).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}`{id}`")?;
        }
        match self.0.len().saturating_sub(Self::MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
