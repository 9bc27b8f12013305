//! The lifecycle: four statuses, and one table that says what a key of each may do.
//!
//! ```text
//!             activate              retire             destroy
//!  Inactive ───────────▶ Active    Inactive ──▶ Retired ───────▶ (tombstone)
//!     ▲                    │          │           ▲  │                ▲
//!     └── deactivate ──────┘          │   restore │  │ revoke         │ destroy
//!        in a ring only as the        └─ revoke ─▶ Revoked ───────────┘
//!        other half of an activation
//! ```
//!
//! | status | encrypt | decrypt | salvage | activate | deactivate | retire | revoke | restore | destroy | holds |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | [`Active`] | yes | yes | – | – | alone only | – | – | – | – | both halves |
//! | [`Inactive`] | – | yes | – | yes | – | yes | yes | – | – | both halves |
//! | [`Retired`] | – | yes, while the policy allows | – | – | – | – | yes | – | yes | the decrypting half |
//! | [`Revoked`] | – | – | yes | – | – | – | – | to Retired | yes | the decrypting half |
//!
//! A dash does not compile, and the compiler says what to do instead. Each column is a trait here:
//! a function that is generic over the status asks for one, as in `S: CanEncrypt`.
//!
//! An active key that is compromised is replaced first and revoked then. A key that was revoked by
//! mistake is restored as retired: its encrypting half is gone for good.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::text::EscapedText;

pub use self::lifecycle::{
    CanActivate, CanDeactivate, CanDecrypt, CanDestroy, CanEncrypt, CanRestore, CanRetire,
    CanRevoke, CanSalvage,
};
pub(crate) use self::lifecycle::{asked, words};
pub(crate) use self::sealed::{Never, Witness};

mod lifecycle;

/// The status of the one key that encrypts. It also decrypts what it encrypted.
///
/// A marker without values: it stands in the type of a [`Key`](crate::Key) and nowhere else.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a marker has no values, now or ever")]
pub enum Active {}

/// The status of a key that decrypts and may be activated.
///
/// It is *staged* if it was never active, and *demoted* if it was.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a marker has no values, now or ever")]
pub enum Inactive {}

/// The status of a key that decrypts old data until it is destroyed, and is never active again.
///
/// It does not hold the encrypting half any more.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a marker has no values, now or ever")]
pub enum Retired {}

/// The status of a key that is not trusted any more.
///
/// It does not decrypt. A job that seals data again may *salvage* with it.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a marker has no values, now or ever")]
pub enum Revoked {}

/// Says that a type is the status of a key: [`Active`], [`Inactive`], [`Retired`] or [`Revoked`].
///
/// The set is closed: no other crate can add to it.
///
/// # Examples
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
    label = "expected `Active`, `Inactive`, `Retired` or `Revoked`",
    note = "the first parameter of a key is its status: `Key<Active, M>`, or `fn f<S: Status>(key: &Key<S, M>)` for a key of any status",
    note = "the statuses are a closed set: keep what a program knows beyond them beside the key, as in `struct Suspect {{ key: Key<Inactive>, incident: u32 }}`, and remove an `impl` that adds to them"
)]
pub trait Status: sealed::Holds {
    /// This status as a value.
    const STATUS: KeyStatus;
}

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
impl Status for Revoked {
    const STATUS: KeyStatus = KeyStatus::Revoked;
}

/// A key's status at run time, where it is data: in a record, a log line or an error.
///
/// The names parse and print as in a store: `active`, `inactive`, `retired`, `revoked`. Any other
/// word is an error: an unknown status is never taken for a known one.
///
/// # Examples
///
/// ```
/// use key_rotation::KeyStatus;
///
/// let status: KeyStatus = "retired".parse()?;
/// assert_eq!(status, KeyStatus::Retired);
/// assert_eq!(status.to_string(), "retired");
/// assert!(status.can_decrypt() && !status.can_encrypt());
/// assert!("Primary".parse::<KeyStatus>().is_err());
/// # Ok::<(), key_rotation::error::ParseStatusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[expect(
    clippy::exhaustive_enums,
    reason = "the statuses are a closed set, which a match may rely on"
)]
pub enum KeyStatus {
    /// Encrypts and decrypts.
    Active,
    /// Decrypts, and may be activated.
    Inactive,
    /// Decrypts old data.
    Retired,
    /// Is not trusted: does not decrypt.
    Revoked,
}

impl KeyStatus {
    /// Every status, in the order of the lifecycle.
    pub(crate) const ALL: [Self; 4] = [Self::Active, Self::Inactive, Self::Retired, Self::Revoked];

    /// Returns true if a key of this status may encrypt.
    #[must_use]
    pub const fn can_encrypt(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Returns true if a key of this status may decrypt, as far as the status goes.
    ///
    /// A policy may refuse a single key all the same: see
    /// [`Keyring::enforce`](crate::Keyring::enforce).
    #[must_use]
    pub const fn can_decrypt(self) -> bool {
        match self {
            Self::Active | Self::Inactive | Self::Retired => true,
            Self::Revoked => false,
        }
    }

    /// Returns the word that stands for this status in a store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
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
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| ParseStatusError { found: EscapedText::from(word) })
    }
}

/// Text that names no [`KeyStatus`].
///
/// # Examples
///
/// ```
/// use key_rotation::KeyStatus;
///
/// let error = "primary".parse::<KeyStatus>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`primary` is not the status of a key: it is `active`, `inactive`, `retired` or `revoked`",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{found}` is not the status of a key: it is `active`, `inactive`, `retired` or `revoked`")]
#[non_exhaustive]
pub struct ParseStatusError {
    /// The text found.
    pub found: EscapedText,
}

mod sealed {
    use core::panic::{RefUnwindSafe, UnwindSafe};

    /// The last column of the table: the halves that a key of this status holds. Of the two types
    /// one is `()`, and the other has no value, so that what a key does not hold cannot be written.
    ///
    /// It keeps the set of statuses closed.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be made a status of a key",
        label = "remove this impl: the statuses are a closed set, `Active`, `Inactive`, `Retired` and `Revoked`",
        note = "keep what a program knows beyond the status beside the key, as in `struct Suspect {{ key: Key<Inactive>, incident: u32 }}`",
        note = "to keep a key from use, wrap it in a type of your own; a key that is not trusted any more is revoked: `key.revoke(at)`, or in a ring `ring.entry::<Inactive>(id)?.revoke(at)`"
    )]
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Holds: 'static {
        /// Has a value if the key holds both halves.
        type Both: Witness;
        /// Has a value if the key holds the decrypting half alone.
        type No: Witness;
    }

    #[diagnostic::do_not_recommend]
    impl Holds for super::Active {
        type Both = ();
        type No = Never;
    }

    #[diagnostic::do_not_recommend]
    impl Holds for super::Inactive {
        type Both = ();
        type No = Never;
    }

    #[diagnostic::do_not_recommend]
    impl Holds for super::Retired {
        type Both = Never;
        type No = ();
    }

    #[diagnostic::do_not_recommend]
    impl Holds for super::Revoked {
        type Both = Never;
        type No = ();
    }

    /// A type without values.
    #[derive(Clone, Copy, Debug)]
    #[expect(unnameable_types, reason = "only hidden items have it")]
    pub enum Never {}

    /// A type that has one value, or none.
    #[expect(unnameable_types, reason = "only hidden items have it")]
    pub trait Witness: Copy + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static {
        /// The value, if there is one.
        fn held() -> Option<Self>;
    }

    impl Witness for () {
        fn held() -> Option<Self> {
            Some(())
        }
    }

    impl Witness for Never {
        fn held() -> Option<Self> {
            None
        }
    }
}
