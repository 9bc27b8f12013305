//! [`KeyId`]: the name of a key, the one thing about it that may be printed anywhere.

use alloc::string::String;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use smol_str::{SmolStr, ToSmolStr};

use crate::error::InvalidKeyId;

pub(crate) use self::sought::{Ends, Long, Sought, Usual};

mod sought;

/// The name of a key: 1 to 128 bytes of visible ASCII (`!` to `~`, no spaces).
///
/// That is what a header, a database column and a log line carry unharmed, so an id can neither
/// forge a line nor hide in one. Ids of up to 23 bytes are stored inline; a longer one is shared
/// between its clones, so cloning never allocates.
///
/// ```
/// use key_rotation::KeyId;
///
/// let id: KeyId = "2026-q4".parse()?;
/// assert_eq!(id.as_str(), "2026-q4");
/// assert_eq!(KeyId::from(42_u64).as_str(), "42");
/// assert!(KeyId::try_from("two words").is_err());
/// # Ok::<(), key_rotation::InvalidKeyId>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(SmolStr);

impl KeyId {
    /// The longest id, in bytes.
    ///
    /// ```
    /// # use key_rotation::KeyId;
    /// assert!(KeyId::try_from("k".repeat(KeyId::MAX_LEN)).is_ok());
    /// assert!(KeyId::try_from("k".repeat(KeyId::MAX_LEN + 1)).is_err());
    /// ```
    pub const MAX_LEN: usize = 128;

    /// An id from a literal. In a `const`, a malformed literal does not compile:
    ///
    /// ```
    /// use key_rotation::KeyId;
    /// const FIRST: KeyId = KeyId::from_static("2026-q4");
    /// ```
    ///
    /// ```compile_fail
    /// use key_rotation::KeyId;
    /// const FIRST: KeyId = KeyId::from_static("2026 q4");
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a `const`, with a malformed id. Text that is not a literal has `TryFrom` and
    /// `FromStr`, which answer with an error.
    #[must_use]
    pub const fn from_static(id: &'static str) -> Self {
        assert!(
            !id.is_empty(),
            "a key id cannot be empty: give it 1 to 128 bytes of visible ASCII"
        );
        assert!(
            id.len() <= Self::MAX_LEN,
            "a key id is at most 128 bytes long: choose a shorter one"
        );
        assert!(
            check(id).is_ok(),
            "a key id is visible ASCII, `!` to `~`: no spaces (use `-`), control characters or letters outside ASCII"
        );
        if id.len() <= SmolStr::INLINE_CAP {
            Self(SmolStr::new_inline(id))
        } else {
            Self(SmolStr::new_static(id))
        }
    }

    /// The id as text.
    ///
    /// ```
    /// # use key_rotation::KeyId;
    /// assert_eq!(KeyId::from_static("k1").as_str(), "k1");
    /// ```
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn ends(&self) -> Ends {
        Ends::of(self.as_str())
    }
}

/// The one place that says what a key id is.
const fn check(id: &str) -> Result<(), InvalidKeyId> {
    let mut rest = id.as_bytes();
    if rest.is_empty() {
        return Err(InvalidKeyId::Empty);
    }
    if rest.len() > KeyId::MAX_LEN {
        return Err(InvalidKeyId::TooLong { len: id.len() });
    }
    while let [byte, tail @ ..] = rest {
        if !byte.is_ascii_graphic() {
            return Err(InvalidKeyId::NotVisibleAscii {
                byte: *byte,
                position: id.len() - rest.len(),
            });
        }
        rest = tail;
    }
    Ok(())
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        check(id)?;
        Ok(Self(SmolStr::new(id)))
    }
}

impl TryFrom<&str> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(id: &str) -> Result<Self, Self::Error> {
        id.parse()
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        id.parse()
    }
}

/// The number in decimal, without leading zeros. Does not allocate.
impl From<u32> for KeyId {
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

/// The number in decimal, without leading zeros. Does not allocate.
impl From<u64> for KeyId {
    fn from(number: u64) -> Self {
        // At most 20 digits, which `SmolStr` keeps inline.
        Self(number.to_smolstr())
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
