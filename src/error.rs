//! What can go wrong: one small type per operation.
//!
//! Every message names the key id and never the material, reads the same in debug and release
//! builds, and says what to do. Text that came from outside is printed as [`EscapedText`].

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use smol_str::SmolStr;
use thiserror::Error;

use crate::id::KeyId;
use crate::key::Key;
use crate::material::KeyMaterial;
use crate::policy::Refusal;
use crate::receipt::Destruction;
use crate::status::{Inactive, KeyStatus};
use crate::timestamp::Timestamp;

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

/// Text that is no [`KeyId`](crate::KeyId).
///
/// ```
/// use key_rotation::{InvalidKeyId, KeyId};
/// assert_eq!(
///     KeyId::try_from("k 1"),
///     Err(InvalidKeyId::NotVisibleAscii { byte: b' ', position: 1 }),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKeyId {
    /// There is no text.
    #[error("a key id cannot be empty: give it 1 to {} bytes of visible ASCII", KeyId::MAX_LEN)]
    Empty,
    /// The text is longer than [`KeyId::MAX_LEN`](crate::KeyId::MAX_LEN).
    #[error(
        "a key id is at most {} bytes long, and this one has {len}: choose a shorter one",
        KeyId::MAX_LEN
    )]
    TooLong {
        /// The length found, in bytes.
        len: usize,
    },
    /// A byte is outside `!` to `~`.
    #[error(
        "a key id is visible ASCII, `!` to `~`, and this one has byte {byte:#04x} at position {position}: remove it"
    )]
    NotVisibleAscii {
        /// The first such byte.
        byte: u8,
        /// Where it stands, counted from 0.
        position: usize,
    },
}

/// Text that names no [`KeyStatus`].
///
/// ```
/// use key_rotation::KeyStatus;
/// let error = "primary".parse::<KeyStatus>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`primary` is not the status of a key: it is `active`, `inactive` or `retired`",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{found}` is not the status of a key: it is `active`, `inactive` or `retired`")]
pub struct ParseStatusError {
    /// The text found.
    pub found: EscapedText,
}

/// A time that a [`Timestamp`] cannot hold.
///
/// ```
/// use key_rotation::{InvalidTimestamp, Timestamp};
/// assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>(), Err(InvalidTimestamp::BeforeUnixEpoch));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTimestamp {
    /// The text is not an RFC 3339 time.
    #[error("the text is not an RFC 3339 time, such as 2026-11-23T08:36:00Z")]
    Malformed,
    /// The time is before 1970.
    #[error("the time is before 1970-01-01T00:00:00Z: nothing here is that old")]
    BeforeUnixEpoch,
    /// The time is after [`Timestamp::MAX`].
    #[error("the time is after 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write")]
    TooLate,
}

/// Bytes that cannot be a key.
///
/// ```
/// use key_rotation::{KeyMaterial, MaterialError};
/// assert_eq!(KeyMaterial::try_from(vec![0; 32]).unwrap_err(), MaterialError::AllZero);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MaterialError {
    /// There are no bytes.
    #[error("key material cannot be empty")]
    Empty,
    /// Every byte is zero: a buffer that nobody filled, or that was wiped.
    #[error("key material cannot be all zeros: the buffer was never filled, or was wiped already")]
    AllZero,
    /// There are not as many bytes as the cipher wants.
    #[error("the key material has {found} bytes, and {expected} are wanted")]
    WrongLength {
        /// How many were asked for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

/// [`KeyMaterial::try_fill`](crate::KeyMaterial::try_fill) failed.
///
/// ```
/// use key_rotation::{KeyMaterial, TryFillError};
/// let error = KeyMaterial::try_fill(32, |_| Err("no entropy")).unwrap_err();
/// assert_eq!(error, TryFillError::Fill("no entropy"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryFillError<E> {
    /// What was filled in cannot be a key.
    #[error(transparent)]
    Material(MaterialError),
    /// The source of the bytes failed.
    #[error("the key material could not be filled in")]
    Fill(#[source] E),
}

/// No decryption key for that id.
///
/// ```
/// use key_rotation::{DecryptionKeyError, Key, KeyId, Keyring, Timestamp};
/// # let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// let error = ring.decryption_key("k0").unwrap_err();
/// assert!(matches!(error, DecryptionKeyError::KeyNotFound { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecryptionKeyError {
    /// The ring has no such key, and never had one that it knows of.
    #[error("no key has the id `{id}`: load the keyring again, once, in case the key is new")]
    KeyNotFound {
        /// The id asked for.
        id: EscapedText,
    },
    /// The key was destroyed. Its data cannot be read.
    #[error("key `{id}` was destroyed at {at}: what was encrypted with it cannot be read any more")]
    KeyDestroyed {
        /// The key.
        id: KeyId,
        /// When it was destroyed.
        at: Timestamp,
    },
    /// The key is there, and the policy does not let it decrypt.
    #[error("key `{id}` may not decrypt: {reason}")]
    NotAllowed {
        /// The key.
        id: KeyId,
        /// Why not.
        reason: Refusal,
    },
}

/// No entry of that status for that id.
///
/// ```
/// use key_rotation::{EntryError, Key, KeyId, Keyring, KeyStatus, Retired, Timestamp};
/// # let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// assert_eq!(
///     ring.entry::<Retired>("k1").unwrap_err(),
///     EntryError::WrongStatus {
///         id: KeyId::from_static("k1"),
///         expected: KeyStatus::Retired,
///         found: KeyStatus::Active,
///     },
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The ring has no such key, and never had one that it knows of.
    #[error("no key has the id `{id}`: add it first, or load the keyring again")]
    KeyNotFound {
        /// The id asked for.
        id: EscapedText,
    },
    /// The key was destroyed, and its id is never used again.
    #[error("key `{id}` was destroyed at {at}, and its id is never used again: take another key")]
    KeyDestroyed {
        /// The key.
        id: KeyId,
        /// When it was destroyed.
        at: Timestamp,
    },
    /// The key has another status than the operation needs.
    #[error("key `{id}` is {found}, and this needs a key that is {expected}")]
    WrongStatus {
        /// The key.
        id: KeyId,
        /// The status asked for.
        expected: KeyStatus,
        /// The status that the key has.
        found: KeyStatus,
    },
}

/// Why a lookup found no key: the half that [`DecryptionKeyError`] and [`EntryError`] share.
pub(crate) enum Absent {
    NotFound(EscapedText),
    Destroyed(Destruction),
}

impl From<Absent> for DecryptionKeyError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::NotFound(id) => Self::KeyNotFound { id },
            Absent::Destroyed(Destruction { id, at }) => Self::KeyDestroyed { id, at },
        }
    }
}

impl From<Absent> for EntryError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::NotFound(id) => Self::KeyNotFound { id },
            Absent::Destroyed(Destruction { id, at }) => Self::KeyDestroyed { id, at },
        }
    }
}

/// The id of a key that was to be added is taken. Gives the key back.
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, KeyStatus, TakenBy, Timestamp};
/// # let now = Timestamp::now();
/// let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
///
/// let taken = ring.add(Key::new(KeyId::from_static("k1"), "two", now)).unwrap_err();
/// assert_eq!(taken.taken_by(), TakenBy::Key(KeyStatus::Active));
/// let key = taken.into_key();
/// assert_eq!(key.decryption_key().material(), &"two");
/// ```
#[must_use = "the key that could not be added is in here"]
pub struct KeyIdTaken<M = KeyMaterial> {
    key: Key<Inactive, M>,
    taken_by: TakenBy,
}

impl<M> KeyIdTaken<M> {
    pub(crate) fn new(key: Key<Inactive, M>, taken_by: TakenBy) -> Self {
        Self { key, taken_by }
    }

    /// The key that could not be added, unharmed.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// if let Err(taken) = ring.add(Key::new(KeyId::from_static("k1"), (), now)) {
    ///     let key = taken.into_key();
    /// }
    /// ```
    pub fn into_key(self) -> Key<Inactive, M> {
        self.key
    }

    /// What has the id already.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, KeyStatus, TakenBy, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// let taken = ring.add(Key::new(KeyId::from_static("k1"), (), now)).unwrap_err();
    /// assert_eq!(taken.taken_by(), TakenBy::Key(KeyStatus::Active));
    /// ```
    #[must_use]
    pub fn taken_by(&self) -> TakenBy {
        self.taken_by
    }
}

impl<M> fmt::Display for KeyIdTaken<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, self.key.id(), self.taken_by)
    }
}

impl<M> fmt::Debug for KeyIdTaken<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIdTaken")
            .field("id", self.key.id())
            .field("taken_by", &self.taken_by)
            .finish_non_exhaustive()
    }
}

impl<M> core::error::Error for KeyIdTaken<M> {}

/// One wording for a taken id, in [`KeyIdTaken`] and in [`RotationError::KeyIdTaken`].
fn write_taken(f: &mut fmt::Formatter<'_>, id: &KeyId, taken_by: TakenBy) -> fmt::Result {
    write!(f, "the key id `{id}` is taken by {taken_by}: give the new key another id")
}

/// What has a key id already.
///
/// ```
/// use key_rotation::{KeyStatus, TakenBy};
/// assert_eq!(TakenBy::Key(KeyStatus::Retired).to_string(), "a key that is retired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBy {
    /// A key of this status.
    Key(KeyStatus),
    /// A key that was destroyed at this time.
    Tombstone {
        /// When it was destroyed.
        at: Timestamp,
    },
}

impl fmt::Display for TakenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(status) => write!(f, "a key that is {status}"),
            Self::Tombstone { at } => write!(f, "a key that was destroyed at {at}"),
        }
    }
}

/// Records that do not make a ring, with everything that is wrong with them.
///
/// ```
/// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp, Violation};
/// # let now = Timestamp::now();
///
/// let records = ["k1", "k1"].map(|id| {
///     KeyRecord::new(KeyId::from_static(id), KeyStatus::Inactive, now, ())
/// });
/// let error = Keyring::from_records(records).unwrap_err();
/// assert_eq!(
///     error.violations(),
///     [
///         Violation::NoActiveKey,
///         Violation::DuplicateKeyId { id: KeyId::from_static("k1") },
///     ],
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKeyring {
    // A slice, so that the error is two words wide. Never empty.
    violations: Box<[Violation]>,
}

impl InvalidKeyring {
    pub(crate) fn new(violations: Vec<Violation>) -> Self {
        Self { violations: violations.into_boxed_slice() }
    }

    /// All that is wrong: first the number of active keys, then the rest in the order of the
    /// records.
    ///
    /// ```
    /// # use key_rotation::{Keyring, Violation};
    /// let error = Keyring::<()>::from_records([]).unwrap_err();
    /// assert_eq!(error.violations(), [Violation::NoActiveKey]);
    /// ```
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl fmt::Display for InvalidKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the records do not make a keyring: ")?;
        for (n, violation) in self.violations.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

impl core::error::Error for InvalidKeyring {}

/// One thing that is wrong with a set of records.
///
/// ```
/// use key_rotation::{KeyId, Violation};
/// let violation = Violation::DuplicateKeyId { id: KeyId::from_static("k1") };
/// assert_eq!(violation.to_string(), "key id `k1` stands there more than once: remove all but one");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// No record is active.
    #[error("no key is active: mark the one that encrypts")]
    NoActiveKey,
    /// More than one record is active.
    #[error("{} keys are active ({}): leave one", ids.len(), Listed(ids))]
    MultipleActiveKeys {
        /// The keys that are marked active, in the order of the records.
        ids: Vec<KeyId>,
    },
    /// Several records, or several tombstones, have this id.
    #[error("key id `{id}` stands there more than once: remove all but one")]
    DuplicateKeyId {
        /// The id.
        id: KeyId,
    },
    /// A record has the id of a destroyed key.
    #[error("key `{id}` was destroyed, and its id cannot be used again: remove the record")]
    DestroyedKeyId {
        /// The id.
        id: KeyId,
    },
    /// The times of a record contradict each other.
    #[error("the times of key `{id}` contradict each other: {conflict}")]
    InconsistentTimes {
        /// The key.
        id: KeyId,
        /// How.
        conflict: TimeConflict,
    },
}

/// Two times of a record that cannot both be true. Equal times never conflict, and
/// [`Timestamp::UNIX_EPOCH`], which stands for an unknown time, conflicts with nothing.
///
/// ```
/// use key_rotation::TimeConflict;
/// assert_eq!(TimeConflict::ActiveWithoutActivation.to_string(), "it is active and was never activated");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeConflict {
    /// An active key has no time of activation.
    #[error("it is active and was never activated")]
    ActiveWithoutActivation,
    /// The status is older than the key.
    #[error("its status began before it was created")]
    StatusBeforeCreation,
    /// The last activation is older than the key.
    #[error("it was activated before it was created")]
    ActivationBeforeCreation,
    /// The status is older than the last activation, which began a status.
    #[error("its status began before its last activation")]
    StatusBeforeActivation,
}

/// Ids in a sentence.
struct Listed<'a>(&'a [KeyId]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, id) in self.0.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}`{id}`")?;
        }
        Ok(())
    }
}

/// A [`RotationService`](crate::RotationService) could not do what it was asked. The store is as
/// it was, except where the variant says otherwise.
///
/// `E` is the provider's error.
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationError, RotationService, StrictSingleActive};
///
/// let service = RotationService::new(InMemoryKeyProvider::<KeyMaterial>::new(), StrictSingleActive);
/// let error = pollster::block_on(service.keyring()).unwrap_err();
/// assert!(matches!(error, RotationError::EmptyStore));
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RotationError<E> {
    /// The store could not be read. Nothing was sent to it.
    #[error("the key store could not be read")]
    Provider(#[source] E),
    /// A change was sent, and neither the store's answer nor reading it again told what became of
    /// it. Look at the store's state before trying again.
    #[error(
        "whether the change of key `{id}` was stored is not known: look at the state before trying again"
    )]
    OutcomeUnknown {
        /// The key that was to change.
        id: KeyId,
        /// What the store answered.
        source: E,
    },
    /// The store has neither keys nor tombstones: a cold start, not damage.
    #[error("the key store is empty: create the first key with `bootstrap`")]
    EmptyStore,
    /// What the store holds does not make a ring: damage.
    #[error(transparent)]
    InvalidKeyring(#[from] InvalidKeyring),
    /// There is no key of that id, or it has another status.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The id of the key that was to be added is taken.
    #[error(transparent)]
    KeyIdTaken(TakenId),
    /// The policy refused.
    #[error("the policy refuses to activate key `{id}`: {reason}")]
    Refused {
        /// The key that was to be activated.
        id: KeyId,
        /// Why not.
        reason: Refusal,
    },
}

/// The id of a key that was to be added to a store is taken.
///
/// [`KeyIdTaken`] without the key: [`RotationService::add`](crate::RotationService::add) borrows
/// the key, and so has none to give back.
///
/// ```
/// use key_rotation::{KeyId, KeyStatus, TakenBy, TakenId};
/// let taken = TakenId { id: KeyId::from_static("k1"), taken_by: TakenBy::Key(KeyStatus::Active) };
/// assert_eq!(
///     taken.to_string(),
///     "the key id `k1` is taken by a key that is active: give the new key another id",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenId {
    /// The id.
    pub id: KeyId,
    /// What has it already.
    pub taken_by: TakenBy,
}

impl fmt::Display for TakenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_taken(f, &self.id, self.taken_by)
    }
}

impl core::error::Error for TakenId {}
