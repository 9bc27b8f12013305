//! [`RotationError`]: the answer of a service that could not do what it was asked.

use alloc::boxed::Box;

use core::time::Duration;

use thiserror::Error;

use crate::id::KeyId;
use crate::refusal::Refusal;
use crate::revision::Revision;
use crate::ring::{EntryError, InvalidKeyring, TakenId};
use crate::ring_name::RingName;
use crate::store::ChangeMismatch;
use crate::timestamp::Timestamp;

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
    /// The change does not fit what the store holds: the store or its provider is wrong. Nothing was
    /// written.
    #[error(
        "the change{} does not fit what the store of ring `{ring}` holds, and nothing was written",
        Of(id)
    )]
    Mismatch {
        /// The ring.
        ring: RingName,
        /// The key that was to change.
        id: Option<KeyId>,
        /// The reason.
        source: ChangeMismatch,
    },
    /// The store refused the change for good. Nothing was written, and to try again does not help.
    #[error("the store of ring `{ring}` refused the change{}, and nothing was written", Of(id))]
    Rejected {
        /// The ring.
        ring: RingName,
        /// The key that was to change.
        id: Option<KeyId>,
        /// The store's error.
        source: E,
    },
    /// The store could not write the change now. Nothing was written: try again later.
    #[error(
        "the store of ring `{ring}` could not write the change{} now: nothing was written, try again later",
        Of(id)
    )]
    NotWritten {
        /// The ring.
        ring: RingName,
        /// The key that was to change.
        id: Option<KeyId>,
        /// The store's error.
        source: E,
    },
    /// A change was sent several times, and it is not known what became of it. Look at the store's
    /// state or history before trying again.
    #[error(
        "it is not known whether the change{} of ring `{ring}` was stored: look at the state or the history before trying again",
        Of(id)
    )]
    OutcomeUnknown {
        /// The ring.
        ring: RingName,
        /// The key that was to change.
        id: Option<KeyId>,
        /// The store's error.
        source: E,
    },
    /// Nothing was ever written to the store: a cold start, not damage.
    #[error("the key store is empty: create the first key with `bootstrap`, or `adopt` a ring")]
    EmptyStore,
    /// A ring was to be adopted by a store that has one.
    #[error("ring `{ring}` cannot adopt keys: it has keys already")]
    NotEmpty {
        /// The ring.
        ring: RingName,
    },
    /// The ring was closed: every key of it is destroyed, and its name is never used again.
    #[error("ring `{ring}` was closed at {at}: use a ring of another name")]
    Closed {
        /// The ring.
        ring: RingName,
        /// When it was closed.
        at: Timestamp,
    },
    /// The store does not have the revision that was seen: it was restored from a backup, wiped, or
    /// is another store. Keep the ring that you have, and find out what happened.
    #[error(
        "revision {seen} was seen and is not in the history of the store, which is at {found}: it \
         was restored, wiped or replaced. Find out why before you follow it"
    )]
    NotInHistory {
        /// The revision that was seen.
        seen: Revision,
        /// The revision that the store has.
        found: Revision,
    },
    /// The content of the store does not make a ring: damage.
    #[error("ring `{ring}` is damaged: {reason}")]
    InvalidKeyring {
        /// The ring.
        ring: RingName,
        /// Everything that is wrong.
        reason: InvalidKeyring,
    },
    /// The time of the change differs too much from the store's clock, or from what the ring carries.
    /// Nothing was written.
    #[error(
        "the change of ring `{ring}` is dated {at}, and {clock} is {} ms from it where {} are allowed: \
         put the clock right; if a key carries a time that is yet to come, date it",
        apart.as_millis(),
        allowed.as_millis()
    )]
    ClockSkew {
        /// The ring.
        ring: RingName,
        /// The time of the change.
        at: Timestamp,
        /// The time by the store's clock, or the latest that the ring carries.
        clock: Timestamp,
        /// How much they differ.
        apart: Duration,
        /// How much they may differ.
        allowed: Duration,
    },
    /// The service's [supplies](crate::service::Supplies) could not give what was needed: a new key, a
    /// count, the half that stays. Nothing was written.
    #[error("a change of ring `{ring}` needs what the service's supplies could not give")]
    Supplies {
        /// The ring.
        ring: RingName,
        /// The error of the supplies.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// There is no key of that id, or it has another status.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The id of the key that was to be added is taken.
    #[error(transparent)]
    KeyIdTaken(TakenId),
    /// The ring that was to be adopted has a key whose material could not be prepared.
    #[error(
        "key `{id}` has no material to be stored: adopt the ring that the prepared one was made of"
    )]
    Unprepared {
        /// The key.
        id: KeyId,
    },
    /// The policy refused.
    #[error("the policy refuses to change key `{id}`: {reason}")]
    Refused {
        /// The key that was to be changed.
        id: KeyId,
        /// The reason.
        reason: Refusal,
    },
}

/// The key of a change, in a sentence.
struct Of<'a>(&'a Option<KeyId>);

impl core::fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(id) => write!(f, " of key `{id}`"),
            None => Ok(()),
        }
    }
}
