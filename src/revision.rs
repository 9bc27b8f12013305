//! [`Revision`]: the version of a stored ring.

use core::fmt;

/// The version of a stored ring. It grows with each commit.
///
/// # Examples
///
/// ```
/// use key_rotation::store::Revision;
///
/// assert!(Revision::EMPTY < Revision::EMPTY.next());
/// assert_eq!(Revision::new(7).as_u64(), 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Revision(u64);

impl Revision {
    /// The revision of a store that nothing was ever written to.
    pub const EMPTY: Self = Self(0);

    /// Makes the revision of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number, to be stored.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Returns the revision after this one.
    ///
    /// Revisions do not run out: a store would have to commit every nanosecond for 584 years.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
