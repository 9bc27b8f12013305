//! What can go wrong: one small type per operation.
//!
//! Every message names the key id and never the material, reads the same in debug and release
//! builds, and says what to do. Text that came from outside is printed as [`EscapedText`].

pub use self::escaped::EscapedText;
pub use self::invalid_keyring::{InvalidKeyring, TimeConflict, Violation};
pub(crate) use self::lookup::Absent;
pub use self::lookup::{DecryptionKeyError, EncryptionKeyError, EntryError};
pub use self::rotation::RotationError;
#[cfg(feature = "shared")]
pub use self::shared::{MissError, RefreshError, StaleKeyring};
pub use self::taken::{KeyIdTaken, TakenBy, TakenId};
pub use self::value::{
    InvalidKeyId, InvalidTimestamp, MaterialError, ParseStatusError, TryFillError,
};

mod escaped;
mod invalid_keyring;
mod lookup;
mod rotation;
#[cfg(feature = "shared")]
mod shared;
mod taken;
mod value;
