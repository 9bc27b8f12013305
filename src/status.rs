//! The lifecycle: three statuses, and the one table of transitions between them.
//!
//! ```text
//!             activate              retire            destroy
//!  Inactive ───────────▶ Active    Inactive ──▶ Retired ──▶ (tombstone)
//!     ▲                    │
//!     └── deactivate ──────┘
//! ```

use core::fmt;
use core::str::FromStr;

use crate::error::{EscapedText, ParseStatusError};

/// The status of the one key that encrypts: it also decrypts what it encrypted.
///
/// A marker without values: it stands in the type of a [`Key`](crate::Key) and nowhere else.
///
/// ```
/// use key_rotation::{Active, KeyStatus, Status};
/// assert_eq!(Active::STATUS, KeyStatus::Active);
/// ```
#[derive(Debug)]
pub enum Active {}

/// The status of a key that decrypts and may be activated: a new key that waits for its turn, or
/// one that had its turn.
///
/// ```
/// use key_rotation::{Inactive, KeyStatus, Status};
/// assert_eq!(Inactive::STATUS, KeyStatus::Inactive);
/// ```
#[derive(Debug)]
pub enum Inactive {}

/// The status of a key that decrypts old data until it is destroyed, and is never active again.
///
/// ```
/// use key_rotation::{KeyStatus, Retired, Status};
/// assert_eq!(Retired::STATUS, KeyStatus::Retired);
/// ```
#[derive(Debug)]
pub enum Retired {}

/// A status that a key can have: [`Active`], [`Inactive`] or [`Retired`].
///
/// The set is closed: no other crate can add to it.
///
/// ```
/// use key_rotation::{Key, Status};
///
/// /// Works for a key of any status.
/// fn describe<S: Status>(key: &Key<S>) -> String {
///     format!("{} is {}", key.id(), S::STATUS)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the status of a key",
    label = "expected `Active`, `Inactive` or `Retired`",
    note = "what a program wants to know beyond them is data beside the key, as in `struct Suspect {{ key: Key<Inactive>, incident: u32 }}`; to keep a key from use, wrap it in a type of your own"
)]
pub trait Status: sealed::Sealed {
    /// This status as a value.
    const STATUS: KeyStatus;
}

/// A status in which a key may encrypt: [`Active`], and no other.
///
/// ```
/// use key_rotation::{CanEncrypt, EncryptionKey, Key};
///
/// fn for_encryption<S: CanEncrypt>(key: &Key<S>) -> EncryptionKey<'_> {
///     key.encryption_key()
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a key must be `Active` to encrypt, and this one is `{Self}`",
    label = "only the `Active` key gives out an encryption key",
    note = "encrypt with the active key of the ring, `ring.encryption_key()`, and write its id beside the ciphertext: by that id the reader finds the key",
    note = "an `Inactive` key encrypts once it is active: `key.activate(at)`, or in a ring `ring.rotate_to(id, at)?`",
    note = "a `Retired` key never encrypts again; `key.decryption_key()` still reads its old data",
    note = "a function that is generic over the status asks for one that encrypts: `S: CanEncrypt`"
)]
pub trait CanEncrypt: Status {}

/// A status in which a key may be destroyed: [`Retired`], and no other.
///
/// ```
/// use key_rotation::{CanDestroy, Destruction, Key, Timestamp};
///
/// fn shred<S: CanDestroy>(key: Key<S>, at: Timestamp) -> Destruction {
///     key.destroy(at)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a key must be `Retired` to be destroyed, and this one is `{Self}`",
    label = "only a `Retired` key can be destroyed",
    note = "an `Inactive` key is retired first: `key.retire(at).destroy(at)`, or in a ring `ring.entry::<Inactive>(id)?.retire(at)` and then `ring.entry::<Retired>(id)?.destroy(at)`",
    note = "an `Active` key is replaced first, `ring.rotate_to(other_id, at)?`, and is `Inactive` then",
    note = "what was encrypted with a destroyed key can never be read again"
)]
pub trait CanDestroy: Status {}

/// The table of legal transitions: `S: TransitionTo<Next>` holds for [`Inactive`] to [`Active`],
/// [`Active`] to [`Inactive`] and [`Inactive`] to [`Retired`].
///
/// Every transition of a [`Key`](crate::Key) and of an [`Entry`](crate::Entry) asks this table.
///
/// ```
/// use key_rotation::{Active, Key, Timestamp, TransitionTo};
///
/// fn promote<S: TransitionTo<Active>>(key: Key<S>, at: Timestamp) -> Key<Active> {
///     key.activate(at)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "there is no transition from `{Self}` to `{Next}`",
    label = "a key that is `{Self}` cannot become `{Next}`",
    note = "the transitions are `Inactive` to `Active` (activate), `Active` to `Inactive` (deactivate, outside a ring) and `Inactive` to `Retired` (retire)",
    note = "an `Active` key of a ring becomes `Inactive` when another is activated, and can be retired then: `ring.rotate_to(other_id, at)?` and then `ring.entry::<Inactive>(id)?.retire(at)`",
    note = "a `Retired` key stays `Retired`; to have a key that encrypts, add a new one and activate that: `ring.add(Key::new(id, material, created_at))?` and then `ring.rotate_to(id, at)?`"
)]
pub trait TransitionTo<Next: Status>: Status {}

/// A key's status at run time, where it is data: in a record, a log line or an error.
///
/// The names parse and print as in a store: `active`, `inactive`, `retired`. Any other word is an
/// error; an unknown status is never taken for a known one.
///
/// ```
/// use key_rotation::KeyStatus;
///
/// let status: KeyStatus = "retired".parse()?;
/// assert_eq!(status, KeyStatus::Retired);
/// assert_eq!(status.to_string(), "retired");
/// assert!(status.can_decrypt() && !status.can_encrypt());
/// assert!("Primary".parse::<KeyStatus>().is_err());
/// # Ok::<(), key_rotation::ParseStatusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum KeyStatus {
    /// Encrypts and decrypts.
    Active,
    /// Decrypts, and may be activated.
    Inactive,
    /// Decrypts old data, and can only be destroyed.
    Retired,
}

impl KeyStatus {
    /// Whether a key of this status may encrypt.
    ///
    /// ```
    /// # use key_rotation::KeyStatus;
    /// assert!(KeyStatus::Active.can_encrypt());
    /// assert!(!KeyStatus::Inactive.can_encrypt());
    /// ```
    #[must_use]
    pub const fn can_encrypt(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether a key of this status may decrypt: every status may. What a policy says about the
    /// age of a retired key comes on top, in
    /// [`Keyring::decryption_key_under`](crate::Keyring::decryption_key_under).
    ///
    /// ```
    /// # use key_rotation::KeyStatus;
    /// assert!(KeyStatus::Retired.can_decrypt());
    /// ```
    #[must_use]
    pub const fn can_decrypt(self) -> bool {
        match self {
            Self::Active | Self::Inactive | Self::Retired => true,
        }
    }

    /// The word that stands for this status in a store.
    ///
    /// ```
    /// # use key_rotation::KeyStatus;
    /// assert_eq!(KeyStatus::Inactive.as_str(), "inactive");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyStatus {
    type Err = ParseStatusError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Active, Self::Inactive, Self::Retired]
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| ParseStatusError { found: EscapedText::from(word) })
    }
}

// `do_not_recommend` keeps the impls out of error messages, so that what a reader sees there is
// the text above and not a list of other types.

#[diagnostic::do_not_recommend]
impl Status for Active {
    const STATUS: KeyStatus = KeyStatus::Active;
}
#[diagnostic::do_not_recommend]
impl Status for Inactive {
    const STATUS: KeyStatus = KeyStatus::Inactive;
}
#[diagnostic::do_not_recommend]
impl Status for Retired {
    const STATUS: KeyStatus = KeyStatus::Retired;
}

#[diagnostic::do_not_recommend]
impl CanEncrypt for Active {}
#[diagnostic::do_not_recommend]
impl CanDestroy for Retired {}

#[diagnostic::do_not_recommend]
impl<S, Next> TransitionTo<Next> for S
where
    S: sealed::Legal<Next> + Status,
    Next: Status,
{
}

mod sealed {
    /// Keeps the set of statuses closed.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be made a status of a key",
        label = "the statuses are a closed set: `Active`, `Inactive` and `Retired`",
        note = "what a program wants to know beyond them is data beside the key, as in `struct Suspect {{ key: Key<Inactive>, incident: u32 }}`; to keep a key from use, wrap it in a type of your own"
    )]
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}

    #[diagnostic::do_not_recommend]
    impl Sealed for super::Active {}
    #[diagnostic::do_not_recommend]
    impl Sealed for super::Inactive {}
    #[diagnostic::do_not_recommend]
    impl Sealed for super::Retired {}

    /// The table of legal transitions.
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Legal<Next> {}

    impl Legal<super::Active> for super::Inactive {}
    impl Legal<super::Inactive> for super::Active {}
    impl Legal<super::Retired> for super::Inactive {}
}
