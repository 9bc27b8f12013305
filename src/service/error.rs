//! [`RotationError`]: the answer of a service that could not do what it was asked.

use thiserror::Error;

use crate::id::KeyId;
use crate::refusal::Refusal;
use crate::ring::{EntryError, InvalidKeyring, TakenId};

/// The error of a [`RotationService`](crate::RotationService). The store is as it was, except where
/// the variant says otherwise.
///
/// `E` is the provider's error.
///
/// # Examples
///
/// ```
/// use key_rotation::service::RotationError;
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
///
/// let store = InMemoryKeyProvider::<KeyMaterial>::new();
/// let service = RotationService::new(store, StrictSingleActive);
/// match pollster::block_on(service.keyring()) {
///     Ok(ring) => println!("encrypting with {}", ring.active().id()),
///     Err(RotationError::EmptyStore) => println!("a cold start: call `bootstrap`"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RotationError<E> {
    /// The store could not be read.
    ///
    /// As the answer to a change this means one of two things. Nothing was sent; or the store has
    /// answered (`bootstrap` has stored the key, any other change has lost a race) and the reading
    /// after that failed.
    #[error("the key store could not be read")]
    Provider(#[source] E),
    /// The store refused the change for good: nothing was written, and sending the same change
    /// again does not help. See [`KeyProvider::is_refusal`](crate::KeyProvider::is_refusal).
    #[error("the key store refused the change of key `{id}`, and nothing was written")]
    Rejected {
        /// The key that was to change.
        id: KeyId,
        /// The store's error.
        source: E,
    },
    /// A change was sent, and it is not known what became of it: neither the store's answer nor
    /// reading the store again told. Look at the store's state before trying again.
    #[error(
        "whether the change of key `{id}` was stored is not known: look at the state before trying again"
    )]
    OutcomeUnknown {
        /// The key that was to change.
        id: KeyId,
        /// The store's error.
        source: E,
    },
    /// The store has neither keys nor tombstones: a cold start, not damage.
    #[error("the key store is empty: create the first key with `bootstrap`")]
    EmptyStore,
    /// The content of the store does not make a ring: damage.
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
        /// The reason.
        reason: Refusal,
    },
}
