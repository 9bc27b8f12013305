//! [`Revision`]: the version of a stored ring.

use core::fmt;

/// The version of a stored ring: a number that grows by one with each commit, and a tag.
///
/// The tag is drawn anew for each commit, by the one who proposes it. So two histories that have
/// parted, as after a restore from a backup, have different revisions under the same number.
/// Revisions have no order: of two tags, none is later.
///
/// # Examples
///
/// ```
/// use key_rotation::store::Revision;
///
/// let seventh = Revision::new(7, 0xc0ffee);
/// assert_eq!(seventh.to_string(), "7-0000000000c0ffee");
/// assert_ne!(seventh, Revision::new(7, 0xbeef));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "stores write it field by field")]
pub struct Revision {
    /// The number of commits up to this one. At most [`MAX_NUMBER`](Self::MAX_NUMBER).
    pub number: u64,
    /// The tag of the commit. It serializes as sixteen hexadecimal digits, because a number of
    /// JSON may lose the last of them.
    #[cfg_attr(feature = "serde", serde(with = "as_digits"))]
    pub tag: u64,
}

impl Revision {
    /// The revision of a store that nothing was ever written to.
    pub const EMPTY: Self = Self::new(0, 0);

    /// The greatest number, 2⁶³ − 1, which every database can hold. A thousand commits a second
    /// reach it in 292 million years.
    pub const MAX_NUMBER: u64 = u64::MAX >> 1;

    /// Makes the revision of this number and tag.
    #[must_use]
    pub const fn new(number: u64, tag: u64) -> Self {
        Self { number, tag }
    }

    /// Returns the revision after this one, with this tag; `None` after the last number.
    #[must_use]
    pub const fn next(self, tag: u64) -> Option<Self> {
        if self.number < Self::MAX_NUMBER { Some(Self::new(self.number + 1, tag)) } else { None }
    }
}

#[cfg(feature = "std")]
impl Revision {
    /// Draws a tag, by the random keys that the standard library draws for its hash tables.
    ///
    /// A process that was forked has its parent's keys, so the process and the time are hashed too.
    #[must_use]
    pub fn random_tag() -> u64 {
        use core::hash::{BuildHasher, Hasher};
        use std::collections::hash_map::RandomState;
        use std::time::SystemTime;

        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        hasher.write_u128(since.map_or(0, |since| since.as_nanos()));
        hasher.finish()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.number, self.tag)
    }
}

#[cfg(feature = "serde")]
mod as_digits {
    use alloc::borrow::Cow;

    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(tag: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{tag:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let digits = Cow::<str>::deserialize(deserializer)?;
        let wrong = || D::Error::invalid_value(Unexpected::Str(&digits), &"16 hexadecimal digits");
        let is_plain = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = if is_plain { u64::from_str_radix(&digits, 16).ok() } else { None };
        number.ok_or_else(wrong)
    }
}
