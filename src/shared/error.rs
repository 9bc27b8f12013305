//! The errors of a shared ring.

use thiserror::Error;

use crate::text::EscapedText;
use crate::timestamp::Timestamp;

/// The error for a shared ring that is not known to be the store's any more. It does not encrypt,
/// and goes on decrypting.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the keyring was {}, which is too long before {now} to encrypt: refresh it", Confirmed(*confirmed_at)
)]
#[non_exhaustive]
pub struct StaleKeyring {
    /// The time at which the ring was last known to be the store's, if it ever was.
    pub confirmed_at: Option<Timestamp>,
    /// The time at which the key was asked for.
    pub now: Timestamp,
}

/// The error for a key that the ring does not have, and of which it is not known whether the store
/// has it.
///
/// `E` is the error of the refresh.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MissError<E> {
    /// The limit does not let the store be asked now.
    #[error(
        "the keyring has no key `{id}`, and the store may not be asked before {again_at}: try again \
         then"
    )]
    NotLookedUp {
        /// The id that was looked for.
        id: EscapedText,
        /// The time from which the store may be asked again.
        again_at: Timestamp,
    },
    /// The refresh failed.
    #[error("the keyring could not be refreshed")]
    Refresh(#[source] E),
}

/// A time in a sentence, if there is one.
struct Confirmed(Option<Timestamp>);

impl core::fmt::Display for Confirmed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(at) => write!(f, "last known to be the store's at {at}"),
            None => f.write_str("never known to be the store's"),
        }
    }
}
