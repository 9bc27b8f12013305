//! What a shared ring and its refreshing answer when they could not do what they were asked.

use thiserror::Error;

use crate::text::EscapedText;
use crate::timestamp::Timestamp;

/// A shared ring is not known to be the store's any more, so it does not encrypt. It goes on
/// decrypting.
///
/// ```
/// use std::time::Duration;
/// use key_rotation::{Key, KeyId, Keyring, SharedKeyring, Timestamp};
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
///
/// let mut reader = SharedKeyring::new(ring).reader();
/// let error = reader.encryption_key_within(Duration::from_secs(60), now).unwrap_err();
/// assert_eq!(error.confirmed_at, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the keyring was {}, which is too long before {now} to encrypt: refresh it", Confirmed(*confirmed_at)
)]
#[non_exhaustive]
pub struct StaleKeyring {
    /// When the ring was last known to be the store's, if it ever was.
    pub confirmed_at: Option<Timestamp>,
    /// When the key was asked for.
    pub now: Timestamp,
}

/// The ring does not have a key, and whether the store has it is not known.
///
/// `E` is the error of the refresh.
///
/// ```
/// use key_rotation::{EscapedText, MissError, Timestamp};
/// let error: MissError<std::io::Error> = MissError::NotLookedUp {
///     id: EscapedText::from("k9"),
///     again_at: Timestamp::from_unix_millis(1_000),
/// };
/// assert_eq!(
///     error.to_string(),
///     "the keyring has no key `k9`, and the store may not be asked before 1970-01-01T00:00:01.000Z: \
///      try again then",
/// );
/// ```
#[derive(Debug, Error)]
pub enum MissError<E> {
    /// The limit does not let the store be asked now.
    #[error(
        "the keyring has no key `{id}`, and the store may not be asked before {again_at}: try again \
         then"
    )]
    NotLookedUp {
        /// The id that was looked for.
        id: EscapedText,
        /// When the store may be asked again.
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
