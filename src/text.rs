//! Text that people read: what a person puts on record, and text from outside as it may be shown.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt::{self, Write};
use core::str::FromStr;

use thiserror::Error;

/// A line of text that a person puts on record: a reason, or who did it.
///
/// It has 1 to 512 bytes, and neither control characters nor characters that cannot be seen or turn
/// the direction of a line, so that it cannot forge a line of a log.
///
/// # Examples
///
/// ```
/// use key_rotation::AuditText;
///
/// let reason: AuditText = "INC-4711: the key was in a core dump".parse()?;
/// assert_eq!(reason.as_str(), "INC-4711: the key was in a core dump");
/// assert!("".parse::<AuditText>().is_err());
/// assert!("two\nlines".parse::<AuditText>().is_err());
/// # Ok::<(), key_rotation::error::InvalidAuditText>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuditText(String);

impl AuditText {
    /// The longest text, in bytes.
    pub const MAX_LEN: usize = 512;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The reason for which a key is revoked before it is destroyed.
    pub(crate) fn before_destruction() -> Self {
        Self(String::from("a step before its destruction"))
    }

    /// The name of an actor who has not said one.
    pub(crate) fn unnamed() -> Self {
        Self(String::from("unnamed"))
    }
}

impl FromStr for AuditText {
    type Err = InvalidAuditText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            Err(InvalidAuditText::Empty)
        } else if text.len() > Self::MAX_LEN {
            Err(InvalidAuditText::TooLong { len: text.len() })
        } else if text.contains(is_hidden) {
            Err(InvalidAuditText::HiddenCharacter)
        } else {
            Ok(Self(String::from(text)))
        }
    }
}

/// Returns true for a character that ends a line, turns its direction, or cannot be seen.
///
/// These are Unicode's categories Cc and Cf, its line and paragraph separators, and the fillers and
/// variation selectors that print as nothing (Unicode 16, `Default_Ignorable_Code_Point`).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{034f}'
                | '\u{0600}'..='\u{0605}'
                | '\u{061c}'
                | '\u{06dd}'
                | '\u{070f}'
                | '\u{0890}'..='\u{0891}'
                | '\u{08e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

impl fmt::Display for AuditText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Text that cannot be put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidAuditText {
    /// It says nothing.
    #[error("the text for the record is empty: say who or why")]
    Empty,
    /// It is longer than [`AuditText::MAX_LEN`].
    #[error("the text for the record has {len} bytes: say it in {}", AuditText::MAX_LEN)]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
    /// It has a line break in it, or another character that cannot be seen.
    #[error(
        "the text for the record has a character in it that cannot be seen: write it in one plain line"
    )]
    HiddenCharacter,
}

/// Text that came from outside, as it may be shown: cut, and escaped when it is printed.
///
/// An id that is looked up comes from the header of a ciphertext, which an attacker may write. In
/// this form it can neither start a new line of a log, nor move the cursor of a terminal, nor fill
/// a disk. It is kept where the error is, so a flood of made-up ids allocates nothing.
///
/// # Examples
///
/// ```
/// use key_rotation::error::EscapedText;
///
/// assert_eq!(EscapedText::from("2026-q4").to_string(), "2026-q4");
/// assert_eq!(EscapedText::from("k\n[ok] login").to_string(), r"k\n[ok] login");
/// let long = EscapedText::from("k".repeat(10_000_000).as_str());
/// assert!(long.to_string().len() < 128);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EscapedText {
    /// How many bytes are kept.
    len: u8,
    is_cut: bool,
    bytes: [u8; Self::KEPT],
}

impl EscapedText {
    /// The number of bytes that are kept of a text. The name of a key of the large clouds fits in,
    /// and an error with such a text stays small.
    pub const KEPT: usize = 94;

    /// Returns what is kept of the text, as it came. Do not show it unescaped.
    fn kept(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        // It was cut between characters.
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl From<&str> for EscapedText {
    #[inline]
    fn from(text: &str) -> Self {
        let mut len = text.len().min(Self::KEPT);
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        let mut bytes = [0; Self::KEPT];
        if let (Some(to), Some(from)) = (bytes.get_mut(..len), text.as_bytes().get(..len)) {
            to.copy_from_slice(from);
        }
        // `KEPT` fits.
        Self { len: len as u8, is_cut: len < text.len(), bytes }
    }
}

impl PartialEq<str> for EscapedText {
    fn eq(&self, other: &str) -> bool {
        let shown = self.to_string();
        shown == other
    }
}

impl PartialEq<&str> for EscapedText {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for EscapedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = 0;
        for escaped in self.kept().chars().map(char::escape_default) {
            // Escaped, a text is up to six times as long.
            shown += escaped.len();
            if shown > Self::KEPT {
                return f.write_str("...");
            }
            write!(f, "{escaped}")?;
        }
        if self.is_cut { f.write_str("...") } else { Ok(()) }
    }
}

impl fmt::Debug for EscapedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EscapedText({self})")
    }
}

/// The reason why a key could not be prepared: one line, escaped and cut when it is made.
///
/// Do not put the material into it, nor an error that quotes it.
///
/// # Examples
///
/// ```
/// use key_rotation::ring::Reason;
///
/// let error = "nothing".parse::<u8>().unwrap_err();
/// let reason = Reason::new(format_args!("no access to the KMS: {error}"));
/// assert_eq!(reason.as_str(), "no access to the KMS: invalid digit found in string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Arc<str>);

impl Reason {
    /// The longest reason, in bytes. A longer one is cut.
    pub const MAX_LEN: usize = 256;

    /// Keeps what the reason prints, in one line.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        let mut line = OneLine { text: String::new() };
        // It stops where the line is full.
        let _ = write!(line, "{reason}");
        Self(Arc::from(line.text))
    }

    /// Returns the reason.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Escapes what is written, and takes no more than a reason may have.
struct OneLine {
    text: String,
}

impl fmt::Write for OneLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let mut place = [0; 4];
            let plain: &str = c.encode_utf8(&mut place);
            let escaped = c.escape_default();
            let len = if is_hidden(c) { escaped.len() } else { plain.len() };
            if self.text.len() + len > Reason::MAX_LEN {
                return Err(fmt::Error);
            }
            if is_hidden(c) {
                self.text.extend(escaped);
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

impl From<&str> for Reason {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for Reason {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(feature = "serde")]
pub(crate) use self::as_text::parsed;

/// What serializes as text.
#[cfg(feature = "serde")]
mod as_text {
    use alloc::borrow::Cow;
    use core::fmt::Display;
    use core::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{AuditText, EscapedText, Reason};

    /// Reads what [`FromStr`] reads, with its error.
    pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }

    impl Serialize for AuditText {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> Deserialize<'de> for AuditText {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            parsed(deserializer)
        }
    }

    impl Serialize for Reason {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl Serialize for EscapedText {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
}
