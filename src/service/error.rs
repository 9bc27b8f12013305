//! [`RotationError`]: what the service answers when it could not do what it was asked.

use thiserror::Error;

use crate::id::KeyId;
use crate::refusal::Refusal;
use crate::ring::{EntryError, InvalidKeyring, TakenId};

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
    /// The store could not be read. Where this answers a change, either nothing was sent, or what
    /// was sent was answered (stored by `bootstrap`, a lost race otherwise) and the reading after
    /// that failed.
    #[error("the key store could not be read")]
    Provider(#[source] E),
    /// The store refused the change for good: nothing was written, and sending the same change
    /// again does not help. See [`KeyProvider::is_refusal`](crate::KeyProvider::is_refusal).
    #[error("the key store refused the change of key `{id}`, and nothing was written")]
    Rejected {
        /// The key that was to change.
        id: KeyId,
        /// Why.
        source: E,
    },
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
    #[error("the policy refuses to change key `{id}`: {reason}")]
    Refused {
        /// The key that was to be changed.
        id: KeyId,
        /// Why not.
        reason: Refusal,
    },
}
