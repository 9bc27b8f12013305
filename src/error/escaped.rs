//! [`EscapedText`]: how text from outside is shown.

use alloc::string::String;
use core::fmt;

use smol_str::SmolStr;

use crate::id::KeyId;

/// Text that came from outside, as it may be shown: escaped to visible ASCII and spaces, and cut
/// at 128 bytes.
///
/// An id that is looked up comes from a ciphertext header, which an attacker may write. In this
/// form it can neither start a new log line, nor move a terminal's cursor, nor fill a disk.
///
/// ```
/// use key_rotation::EscapedText;
///
/// assert_eq!(EscapedText::from("2026-q4").as_str(), "2026-q4");
/// assert_eq!(EscapedText::from("k\n[ok] login").as_str(), r"k\n[ok] login");
/// assert_eq!(EscapedText::from("k".repeat(10_000_000).as_str()).as_str().len(), 128);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EscapedText(SmolStr);

impl EscapedText {
    /// The longest text that is shown, in bytes, after escaping.
    ///
    /// ```
    /// # use key_rotation::{EscapedText, KeyId};
    /// assert_eq!(EscapedText::MAX_LEN, KeyId::MAX_LEN);
    /// ```
    pub const MAX_LEN: usize = KeyId::MAX_LEN;

    /// The escaped text.
    ///
    /// ```
    /// # use key_rotation::EscapedText;
    /// assert_eq!(EscapedText::from("a\0b").as_str(), r"a\u{0}b");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for EscapedText {
    fn from(text: &str) -> Self {
        // What an id may be stays as it is: the usual miss, which a flood of made-up ids is too.
        let is_plain =
            |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        if text.len() <= Self::MAX_LEN && text.bytes().all(is_plain) {
            return Self(SmolStr::new(text));
        }
        let mut shown = String::new();
        for escaped in text.chars().map(char::escape_default) {
            if shown.len() + escaped.len() > Self::MAX_LEN {
                break;
            }
            shown.extend(escaped);
        }
        Self(SmolStr::from(shown))
    }
}

impl AsRef<str> for EscapedText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for EscapedText {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for EscapedText {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for EscapedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
