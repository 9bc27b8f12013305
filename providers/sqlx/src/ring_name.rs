//! [`RingName`]: which of a database's rings.

use std::fmt;
use std::str::FromStr;

use key_rotation::KeyId;
use thiserror::Error;

/// The name of a ring in a database that holds several: 1 to 128 bytes of visible ASCII, as in a
/// key id.
///
/// # Examples
///
/// ```
/// use key_rotation_sqlx::RingName;
///
/// let ring: RingName = "payments".parse()?;
/// assert_eq!(ring.as_str(), "payments");
/// assert!("two words".parse::<RingName>().is_err());
/// # Ok::<(), key_rotation_sqlx::InvalidRingName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RingName(KeyId);

impl RingName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for RingName {
    type Err = InvalidRingName;

    fn from_str(name: &str) -> Result<Self, InvalidRingName> {
        KeyId::try_from(name).map(Self).map_err(|_| InvalidRingName { len: name.len() })
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RingName").field(&self.as_str()).finish()
    }
}

/// A name that no ring can have.
///
/// # Examples
///
/// ```
/// use key_rotation_sqlx::RingName;
///
/// let error = "".parse::<RingName>().unwrap_err();
/// assert_eq!(error.to_string(), "a ring's name is 1 to 128 bytes of visible ASCII; this one has 0 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a ring's name is 1 to 128 bytes of visible ASCII; this one has {len} bytes")]
pub struct InvalidRingName {
    len: usize,
}
