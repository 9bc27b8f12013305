//! [`Evidence`]: the reason why a key may be destroyed.

use thiserror::Error;

use crate::id::KeyId;
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// The caller's word that no data is left under a key.
///
/// The only way to one is to state a count of zero, and when it was counted.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::Unreferenced;
/// use key_rotation::{KeyId, Timestamp};
///
/// let (id, now) = (KeyId::from_static("k1"), Timestamp::now());
/// assert!(Unreferenced::counted(id.clone(), 3, now).is_err());
/// let evidence = Unreferenced::counted(id, 0, now)?;
/// # Ok::<(), key_rotation::error::StillReferenced>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "evidence does nothing until a key is destroyed with it"]
pub struct Unreferenced {
    id: KeyId,
    counted_at: Timestamp,
}

impl Unreferenced {
    /// States how much data was counted under this key, and when. Count after the key was retired.
    ///
    /// # Errors
    ///
    /// [`StillReferenced`] unless the count is zero.
    pub fn counted(id: KeyId, count: u64, counted_at: Timestamp) -> Result<Self, StillReferenced> {
        if count == 0 { Ok(Self { id, counted_at }) } else { Err(StillReferenced { id, count }) }
    }

    /// Returns the id of the key.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the time of the count.
    #[must_use]
    pub fn counted_at(&self) -> Timestamp {
        self.counted_at
    }
}

/// The error for a key that data still needs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{count} pieces of data need key `{id}`: encrypt them again with the active key, or give them up"
)]
#[non_exhaustive]
pub struct StillReferenced {
    /// The key.
    pub id: KeyId,
    /// The number of pieces of data that were counted.
    pub count: u64,
}

/// The reason why a key may be destroyed.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::{Evidence, Unreferenced};
/// use key_rotation::{KeyId, Timestamp};
///
/// let counted = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
/// let evidence = Evidence::from(counted);
/// let forced = Evidence::Forced("the customer asked for erasure".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a policy answers to each")]
pub enum Evidence {
    /// Nothing is said. Only a policy without rules agrees.
    None,
    /// No data is left under the key.
    Unreferenced(Unreferenced),
    /// The key is to be destroyed all the same, for this reason.
    Forced(AuditText),
}

impl From<Unreferenced> for Evidence {
    fn from(counted: Unreferenced) -> Self {
        Self::Unreferenced(counted)
    }
}
