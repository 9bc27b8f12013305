//! Stores: a compare-and-swap of small, typed changes.
//!
//! A store of your own is an impl of [`KeyProvider`]; the module `conformance` (with the feature of
//! that name) checks that it does what the trait promises.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::id::KeyId;
use crate::key::KeyRecord;
use crate::key::{Destruction, Retirement, Rotation};
use crate::material::KeyMaterial;
use crate::ring::InvalidKeyring;
use crate::ring::Keyring;

pub use self::apply::ChangeMismatch;
#[cfg(feature = "std")]
pub use self::memory::InMemoryKeyProvider;
pub use crate::revision::Revision;

mod apply;
#[cfg(feature = "std")]
mod memory;

/// A store of keys.
///
/// A store keeps records, tombstones, and a [`Revision`] that grows with each change. It has two
/// operations. The second gives a fleet of processes one active key: a change is written only if
/// nothing has changed since the writer looked.
///
/// # What `commit` promises
///
/// - If `expected` is not the store's revision, the answer is [`Commit::Conflict`], and nothing
///   changes.
/// - If the revision matches and the change fits the rows, the whole change is written in one
///   atomic step, and the answer is [`Commit::Committed`] with a greater revision.
/// - If the revision matches and the change does not fit the rows, the answer is an error, and
///   nothing changes.
/// - Any other error means that the store is out of reach, or that it is not known what became of
///   the change. [`is_refusal`](Self::is_refusal) tells the two kinds of error apart.
///
/// [`Snapshot::apply`] is this in code, for a store that keeps the whole ring in one place.
///
/// # Examples
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, KeyProvider, Keyring};
///
/// /// Works with any store.
/// async fn active_key_id<P: KeyProvider>(store: &P) -> Option<String> {
///     let snapshot = store.load().await.ok()?;
///     let ring = snapshot.into_keyring().ok()?;
///     Some(ring.active().id().to_string())
/// }
/// # let store: InMemoryKeyProvider = InMemoryKeyProvider::new();
/// # assert_eq!(pollster::block_on(active_key_id(&store)), None);
/// ```
pub trait KeyProvider: Send + Sync {
    /// The material of the stored keys: bytes, wrapped blobs, handles.
    type Material: Send + Sync + 'static;
    /// The error of the store.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Loads everything in the store, as of one revision.
    fn load(&self) -> impl Future<Output = Result<Snapshot<Self::Material>, Self::Error>> + Send;

    /// Writes the change, if the store is still at the expected revision.
    fn commit(
        &self,
        expected: Revision,
        change: &Change<Self::Material>,
    ) -> impl Future<Output = Result<Commit, Self::Error>> + Send;

    /// Says whether this error of a commit is the store's last word: nothing was written, and the
    /// same change would be refused again.
    ///
    /// A change that does not fit the rows is such an error, and so is a store that cannot be
    /// written to. A lost connection never is. If the answer is true, the service answers
    /// [`RotationError::Rejected`](crate::service::RotationError::Rejected) at once. If it is
    /// false, which is the default, the service reads the store again to find out what became of
    /// the change.
    fn is_refusal(error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

/// The content of a store, as of one revision.
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "providers write it field by field")]
pub struct Snapshot<M = KeyMaterial> {
    /// The revision.
    pub revision: Revision,
    /// The keys.
    pub records: Vec<KeyRecord<M>>,
    /// The tombstones.
    pub destroyed: Vec<Destruction>,
}

impl<M> Snapshot<M> {
    /// Makes the snapshot of a store that nothing was ever written to.
    pub fn empty() -> Self {
        Self { revision: Revision::EMPTY, records: Vec::new(), destroyed: Vec::new() }
    }

    /// Returns true if there are neither keys nor tombstones: a cold start. A store with tombstones
    /// alone is not empty but damaged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.destroyed.is_empty()
    }

    /// Makes the ring of these records and tombstones.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`], as for [`Keyring::from_parts`].
    pub fn into_keyring(self) -> Result<Keyring<M>, InvalidKeyring> {
        Keyring::from_parts(self.records, self.destroyed)
    }
}

impl<M> Clone for Snapshot<M> {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision,
            records: self.records.clone(),
            destroyed: self.destroyed.clone(),
        }
    }
}

impl<M> fmt::Debug for Snapshot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("records", &self.records)
            .field("destroyed", &self.destroyed)
            .finish()
    }
}

/// A change of a stored ring. There are no others: a provider handles every one.
///
/// # Examples
///
/// ```
/// use key_rotation::key::Retirement;
/// use key_rotation::store::Change;
/// use key_rotation::{KeyId, Timestamp};
///
/// let change: Change = Change::Retire(Retirement::new(KeyId::from_static("k1"), Timestamp::now()));
/// assert_eq!(change.id().as_str(), "k1");
/// ```
#[expect(clippy::exhaustive_enums, reason = "a provider handles every change")]
pub enum Change<M = KeyMaterial> {
    /// Writes the first key of an empty store, active. A store with a record or a tombstone refuses
    /// it.
    Create(KeyRecord<M>),
    /// Writes a new inactive key.
    Add(KeyRecord<M>),
    /// Makes another key the active one: two rows in one atomic write.
    Activate(Rotation),
    /// Makes an inactive key retired.
    Retire(Retirement),
    /// Removes a retired key, and writes its tombstone.
    Destroy(Destruction),
}

impl<M> Change<M> {
    /// Returns the id of the key that changes; of a rotation, that of the key that becomes active.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        match self {
            Self::Create(record) | Self::Add(record) => &record.info.id,
            Self::Activate(rotation) => &rotation.to,
            Self::Retire(retirement) => &retirement.id,
            Self::Destroy(destruction) => &destruction.id,
        }
    }
}

impl<M> Clone for Change<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Create(record) => Self::Create(record.clone()),
            Self::Add(record) => Self::Add(record.clone()),
            Self::Activate(rotation) => Self::Activate(rotation.clone()),
            Self::Retire(retirement) => Self::Retire(retirement.clone()),
            Self::Destroy(destruction) => Self::Destroy(destruction.clone()),
        }
    }
}

// By hand, because a derive would ask for `M: Debug`.
impl<M> fmt::Debug for Change<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(record) => f.debug_tuple("Create").field(record).finish(),
            Self::Add(record) => f.debug_tuple("Add").field(record).finish(),
            Self::Activate(rotation) => f.debug_tuple("Activate").field(rotation).finish(),
            Self::Retire(retirement) => f.debug_tuple("Retire").field(retirement).finish(),
            Self::Destroy(tombstone) => f.debug_tuple("Destroy").field(tombstone).finish(),
        }
    }
}

/// The answer of a store to a change. A lost race is an answer and not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
#[expect(clippy::exhaustive_enums, reason = "a change is written, or it is not")]
pub enum Commit {
    /// The change is written, and this is the store's revision now.
    Committed(Revision),
    /// The store was no longer at the expected revision. Nothing is written.
    Conflict,
}

impl<P: KeyProvider> KeyProvider for &P {
    type Material = P::Material;
    type Error = P::Error;

    fn load(&self) -> impl Future<Output = Result<Snapshot<Self::Material>, Self::Error>> + Send {
        (**self).load()
    }

    fn commit(
        &self,
        expected: Revision,
        change: &Change<Self::Material>,
    ) -> impl Future<Output = Result<Commit, Self::Error>> + Send {
        (**self).commit(expected, change)
    }

    fn is_refusal(error: &Self::Error) -> bool {
        P::is_refusal(error)
    }
}

impl<P: KeyProvider> KeyProvider for Box<P> {
    type Material = P::Material;
    type Error = P::Error;

    fn load(&self) -> impl Future<Output = Result<Snapshot<Self::Material>, Self::Error>> + Send {
        (**self).load()
    }

    fn commit(
        &self,
        expected: Revision,
        change: &Change<Self::Material>,
    ) -> impl Future<Output = Result<Commit, Self::Error>> + Send {
        (**self).commit(expected, change)
    }

    fn is_refusal(error: &Self::Error) -> bool {
        P::is_refusal(error)
    }
}

impl<P: KeyProvider> KeyProvider for Arc<P> {
    type Material = P::Material;
    type Error = P::Error;

    fn load(&self) -> impl Future<Output = Result<Snapshot<Self::Material>, Self::Error>> + Send {
        (**self).load()
    }

    fn commit(
        &self,
        expected: Revision,
        change: &Change<Self::Material>,
    ) -> impl Future<Output = Result<Commit, Self::Error>> + Send {
        (**self).commit(expected, change)
    }

    fn is_refusal(error: &Self::Error) -> bool {
        P::is_refusal(error)
    }
}
