//! What a shared ring and its refreshing answer when they could not do what they were asked.

use thiserror::Error;

use super::{EscapedText, RotationError};
use crate::id::KeyId;
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
/// assert_eq!(error.confirmed_at, Timestamp::UNIX_EPOCH);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the keyring was last known to be the store's at {confirmed_at}, which is too long before {now} \
     to encrypt: refresh it"
)]
#[non_exhaustive]
pub struct StaleKeyring {
    /// When the ring was last known to be the store's; the UNIX epoch if it never was.
    pub confirmed_at: Timestamp,
    /// When the key was asked for.
    pub now: Timestamp,
}

/// A refresh that prepares keys did not succeed. The shared ring is as it was.
///
/// `E` is the provider's error, `F` that of the preparation.
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RefreshError, RotationService, StrictSingleActive, Timestamp};
/// # pollster::block_on(async {
/// # let now = Timestamp::now();
/// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
/// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "blob", now), now).await?;
/// let refused = service.share_with(now, |_id, _blob| async { Err::<(), _>("no access to the KMS") }).await;
/// assert!(matches!(refused, Err(RefreshError::Prepare { id, .. }) if id.as_str() == "k1"));
/// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefreshError<E, F> {
    /// The store's ring could not be loaded.
    #[error(transparent)]
    Rotation(#[from] RotationError<E>),
    /// A key could not be prepared.
    #[error("key `{id}` could not be prepared")]
    Prepare {
        /// The key.
        id: KeyId,
        /// Why not.
        source: F,
    },
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
