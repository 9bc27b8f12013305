//! What the service asks for before it does what cannot be undone, and what it puts on record.

use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::error::EscapedText;
use crate::id::KeyId;
use crate::key::KeyInfo;
use crate::policy::{Refusal, Rule};
use crate::timestamp::Timestamp;

/// A line of text that a person puts on record: a reason, or who did it. 1 to 512 bytes without
/// control characters, so that it cannot forge a log line.
///
/// ```
/// use key_rotation::RecordText;
///
/// let reason: RecordText = "INC-4711: the key was in a core dump".parse()?;
/// assert_eq!(reason.as_str(), "INC-4711: the key was in a core dump");
/// assert!("".parse::<RecordText>().is_err());
/// assert!("two\nlines".parse::<RecordText>().is_err());
/// # Ok::<(), key_rotation::InvalidRecordText>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordText(String);

impl RecordText {
    /// The longest text, in bytes.
    ///
    /// ```
    /// # use key_rotation::RecordText;
    /// assert!("x".repeat(RecordText::MAX_LEN + 1).parse::<RecordText>().is_err());
    /// ```
    pub const MAX_LEN: usize = 512;

    /// The text.
    ///
    /// ```
    /// # use key_rotation::RecordText;
    /// # let actor: RecordText = "alice".parse()?;
    /// assert_eq!(actor.as_str(), "alice");
    /// # Ok::<(), key_rotation::InvalidRecordText>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for RecordText {
    type Err = InvalidRecordText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Beside control characters, those that end a line, turn its direction or cannot be seen.
        let hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.trim().is_empty() {
            Err(InvalidRecordText::Empty)
        } else if text.len() > Self::MAX_LEN {
            Err(InvalidRecordText::TooLong { len: text.len() })
        } else if text.contains(hidden) {
            Err(InvalidRecordText::ControlCharacter)
        } else {
            Ok(Self(String::from(text)))
        }
    }
}

impl fmt::Display for RecordText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Text that cannot be put on record.
///
/// ```
/// use key_rotation::{InvalidRecordText, RecordText};
/// assert_eq!(" ".parse::<RecordText>(), Err(InvalidRecordText::Empty));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRecordText {
    /// It says nothing.
    #[error("the text for the record is empty: say who or why")]
    Empty,
    /// It is longer than [`RecordText::MAX_LEN`].
    #[error("the text for the record has {len} bytes: say it in {}", RecordText::MAX_LEN)]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
    /// It has a line break or another control character in it.
    #[error("the text for the record has a control character in it: write it in one plain line")]
    ControlCharacter,
}

/// The caller's word that no data is left under a key, obtained only by stating a count of zero
/// and when it was counted.
///
/// ```
/// use key_rotation::{KeyId, Timestamp, Unreferenced};
///
/// let (id, now) = (KeyId::from_static("k1"), Timestamp::now());
/// assert!(Unreferenced::counted(id.clone(), 3, now).is_err());
/// let evidence = Unreferenced::counted(id, 0, now)?;
/// # Ok::<(), key_rotation::StillReferenced>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use = "evidence does nothing until a key is destroyed with it"]
pub struct Unreferenced {
    id: KeyId,
    counted_at: Timestamp,
}

impl Unreferenced {
    /// So much data was counted under this key, at this time. Count it when the key is retired.
    ///
    /// # Errors
    ///
    /// [`StillReferenced`] unless the count is zero.
    ///
    /// ```
    /// # use key_rotation::{KeyId, Timestamp, Unreferenced};
    /// let evidence = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
    /// assert_eq!(evidence.id().as_str(), "k1");
    /// # Ok::<(), key_rotation::StillReferenced>(())
    /// ```
    pub fn counted(id: KeyId, count: u64, counted_at: Timestamp) -> Result<Self, StillReferenced> {
        if count == 0 { Ok(Self { id, counted_at }) } else { Err(StillReferenced { id, count }) }
    }

    /// The key.
    ///
    /// ```
    /// # use key_rotation::{KeyId, Timestamp, Unreferenced};
    /// # let evidence = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
    /// assert_eq!(evidence.id().as_str(), "k1");
    /// # Ok::<(), key_rotation::StillReferenced>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// When it was counted.
    ///
    /// ```
    /// # use key_rotation::{KeyId, Timestamp, Unreferenced};
    /// # let now = Timestamp::now();
    /// # let evidence = Unreferenced::counted(KeyId::from_static("k1"), 0, now)?;
    /// assert_eq!(evidence.counted_at(), now);
    /// # Ok::<(), key_rotation::StillReferenced>(())
    /// ```
    #[must_use]
    pub fn counted_at(&self) -> Timestamp {
        self.counted_at
    }
}

/// There is data under the key.
///
/// ```
/// use key_rotation::{KeyId, StillReferenced};
/// assert_eq!(
///     StillReferenced { id: KeyId::from_static("k1"), count: 3 }.to_string(),
///     "3 pieces of data need key `k1`: encrypt them again with the active key, or give them up",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{count} pieces of data need key `{id}`: encrypt them again with the active key, or give them up"
)]
pub struct StillReferenced {
    /// The key.
    pub id: KeyId,
    /// How much data was counted.
    pub count: u64,
}

/// Why a key may be destroyed.
///
/// ```
/// use key_rotation::{Evidence, KeyId, Timestamp, Unreferenced};
///
/// let counted = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
/// let evidence = Evidence::from(counted);
/// let forced = Evidence::Forced("the customer asked for erasure".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Evidence {
    /// Nothing is said. Only a policy without rules agrees.
    None,
    /// No data is left under the key.
    Unreferenced(Unreferenced),
    /// It is to be destroyed all the same, for this reason.
    Forced(RecordText),
}

impl Evidence {
    /// Whether this is evidence for destroying this key.
    ///
    /// # Errors
    ///
    /// The reason why not: nothing is said, it is about another key, or it was counted before the
    /// key was retired.
    ///
    /// ```
    /// # use key_rotation::{Evidence, Key, KeyId, KeyRef, Rule, Timestamp};
    /// # let now = Timestamp::now();
    /// let key = Key::new(KeyId::from_static("k1"), (), now).retire(now);
    /// let refusal = Evidence::None.covers(&KeyRef::from(&key).info()).unwrap_err();
    /// assert_eq!(refusal.rule(), Some(Rule::Evidence));
    /// ```
    pub fn covers(&self, key: &KeyInfo) -> Result<(), Refusal> {
        let refuse = |reason| Err(Refusal::new(reason).by(Rule::Evidence));
        match self {
            Self::Forced(_) => Ok(()),
            Self::None => {
                refuse("nothing shows that its data is not needed: count it and state zero")
            }
            Self::Unreferenced(counted) if counted.id != key.id => {
                refuse("the data that was counted is that of another key")
            }
            Self::Unreferenced(counted) if counted.counted_at < key.status_since => {
                refuse("its data was counted before it was retired: count again")
            }
            Self::Unreferenced(_) => Ok(()),
        }
    }
}

impl From<Unreferenced> for Evidence {
    fn from(counted: Unreferenced) -> Self {
        Self::Unreferenced(counted)
    }
}

/// Which key to destroy, and why it may be: what
/// [`RotationService::destroy`](crate::RotationService::destroy) takes.
///
/// An [`Unreferenced`] is one. A key id alone is one too, without evidence: a policy without rules
/// ([`StrictSingleActive`](crate::StrictSingleActive)) agrees to it, and any other refuses.
///
/// ```
/// use key_rotation::{DestroyRequest, KeyId, Timestamp, Unreferenced};
///
/// let counted = Unreferenced::counted(KeyId::from_static("k1"), 0, Timestamp::now())?;
/// let request = DestroyRequest::from(counted);
/// let forced = DestroyRequest::forced("k1", "the customer asked for erasure".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DestroyRequest {
    pub(crate) id: String,
    pub(crate) evidence: Evidence,
}

impl DestroyRequest {
    /// Destroys the key although nobody has shown that its data is not needed. The reason is
    /// recorded.
    ///
    /// ```
    /// # use key_rotation::DestroyRequest;
    /// let request = DestroyRequest::forced("k1", "the customer asked for erasure".parse()?);
    /// # Ok::<(), key_rotation::InvalidRecordText>(())
    /// ```
    #[must_use]
    pub fn forced(id: &str, reason: RecordText) -> Self {
        Self { id: String::from(id), evidence: Evidence::Forced(reason) }
    }
}

// By hand, because the id may come from outside.
impl fmt::Debug for DestroyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestroyRequest")
            .field("id", &EscapedText::from(self.id.as_str()))
            .field("evidence", &self.evidence)
            .finish()
    }
}

impl From<Unreferenced> for DestroyRequest {
    fn from(counted: Unreferenced) -> Self {
        Self { id: String::from(counted.id.as_str()), evidence: Evidence::Unreferenced(counted) }
    }
}

impl From<&str> for DestroyRequest {
    fn from(id: &str) -> Self {
        Self { id: String::from(id), evidence: Evidence::None }
    }
}

impl From<&String> for DestroyRequest {
    fn from(id: &String) -> Self {
        Self::from(id.as_str())
    }
}

impl From<&KeyId> for DestroyRequest {
    fn from(id: &KeyId) -> Self {
        Self::from(id.as_str())
    }
}
