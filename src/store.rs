//! [`KeyProvider`]: a store of keys, as a compare-and-swap of small, typed changes.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::ring::InvalidKeyring;
use crate::id::KeyId;
use crate::ring::Keyring;
use crate::material::KeyMaterial;
use crate::key::{Destruction, Retirement, Rotation};
use crate::key::KeyRecord;

pub use self::apply::ChangeMismatch;
pub use crate::revision::Revision;
#[cfg(feature = "std")]
pub use self::memory::InMemoryKeyProvider;

mod apply;
#[cfg(feature = "std")]
mod memory;

/// A store of keys.
///
/// A store keeps records and tombstones and a [`Revision`] that grows with each change. It has two
/// operations, and the second is what gives a fleet of processes one active key: a change is
/// written only if nothing has changed since the writer looked.
///
/// # What `commit` promises
///
/// - `expected` is not the store's revision: [`Commit::Conflict`], and nothing changes.
/// - The revision matches and the change fits the rows: the whole change is written in one atomic
///   step, and the answer is [`Commit::Committed`] with a greater revision.
/// - The revision matches and the change does not fit the rows: an error, and nothing changes.
/// - Any other error means that the store is out of reach, or that what became of the change is
///   not known. [`is_refusal`](Self::is_refusal) tells the two kinds of error apart.
///
/// [`Snapshot::apply`] is this in code, for a store that keeps the whole ring in one place.
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
    /// What the stored keys are made of: bytes, wrapped blobs, handles.
    type Material: Send + Sync + 'static;
    /// How the store fails.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Everything in the store, as of one revision.
    fn load(&self) -> impl Future<Output = Result<Snapshot<Self::Material>, Self::Error>> + Send;

    /// Writes the change, if the store is still at the expected revision.
    fn commit(
        &self,
        expected: Revision,
        change: &Change<Self::Material>,
    ) -> impl Future<Output = Result<Commit, Self::Error>> + Send;

    /// Whether this error of a commit is the store's last word: nothing was written, and the same
    /// change would be refused again. A change that does not fit the rows is such an error, and so
    /// is a store that cannot be written to; a lost connection never is.
    ///
    /// Where it is true, the service answers [`RotationError::Rejected`](crate::RotationError) at
    /// once. Where it is false, as it is unless a provider says otherwise, the service finds out
    /// what became of the change by reading the store again.
    ///
    /// ```
    /// use key_rotation::{ChangeMismatch, InMemoryKeyProvider, KeyId, KeyProvider};
    ///
    /// let error = ChangeMismatch::KeyNotFound { id: KeyId::from_static("k1") };
    /// assert!(InMemoryKeyProvider::<()>::is_refusal(&error));
    /// ```
    fn is_refusal(error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

/// Everything in a store, as of one revision.
///
/// ```
/// use key_rotation::{KeyMaterial, Revision, Snapshot};
/// let nothing: Snapshot<KeyMaterial> = Snapshot::empty();
/// assert!(nothing.is_empty());
/// assert_eq!(nothing.revision, Revision::EMPTY);
/// ```
#[must_use]
pub struct Snapshot<M = KeyMaterial> {
    /// The revision that this is.
    pub revision: Revision,
    /// The keys.
    pub records: Vec<KeyRecord<M>>,
    /// The tombstones.
    pub destroyed: Vec<Destruction>,
}

impl<M> Snapshot<M> {
    /// A store that nothing was ever written to.
    ///
    /// ```
    /// # use key_rotation::Snapshot;
    /// assert!(Snapshot::<()>::empty().records.is_empty());
    /// ```
    pub fn empty() -> Self {
        Self { revision: Revision::EMPTY, records: Vec::new(), destroyed: Vec::new() }
    }

    /// Whether there are neither keys nor tombstones: a cold start. A store with tombstones alone
    /// is not empty but damaged.
    ///
    /// ```
    /// # use key_rotation::{Destruction, KeyId, Snapshot, Timestamp};
    /// let mut snapshot = Snapshot::<()>::empty();
    /// snapshot.destroyed.push(Destruction::new(KeyId::from_static("k1"), Timestamp::now()));
    /// assert!(!snapshot.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.destroyed.is_empty()
    }

    /// The ring that this makes.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`], as for [`Keyring::from_parts`].
    ///
    /// ```
    /// # use key_rotation::{Snapshot, Violation};
    /// let error = Snapshot::<()>::empty().into_keyring().unwrap_err();
    /// assert_eq!(error.violations(), [Violation::NoActiveKey]);
    /// ```
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

/// One change of a stored ring. There are no others: a provider handles every one.
///
/// ```
/// use key_rotation::{Change, KeyId, Retirement, Timestamp};
/// let change: Change = Change::Retire(Retirement::new(KeyId::from_static("k1"), Timestamp::now()));
/// assert_eq!(change.id().as_str(), "k1");
/// ```
pub enum Change<M = KeyMaterial> {
    /// The first key of an empty store, active. A store with a record or a tombstone refuses it.
    Create(KeyRecord<M>),
    /// A new inactive key.
    Add(KeyRecord<M>),
    /// Another active key: two rows in one atomic write.
    Activate(Rotation),
    /// An inactive key becomes retired.
    Retire(Retirement),
    /// A retired key is removed and its tombstone written.
    Destroy(Destruction),
}

impl<M> Change<M> {
    /// The key that changes; of a rotation, the one that becomes active.
    ///
    /// ```
    /// # use key_rotation::{Change, KeyId, Rotation, Timestamp};
    /// # let (k1, k2) = (KeyId::from_static("k1"), KeyId::from_static("k2"));
    /// let change: Change = Change::Activate(Rotation::new(k1, k2, Timestamp::now(), false));
    /// assert_eq!(change.id().as_str(), "k2");
    /// ```
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

/// What became of a change. A lost race is an outcome and not an error.
///
/// ```
/// use key_rotation::{Commit, Revision};
/// let answer = Commit::Committed(Revision::new(1));
/// assert_ne!(answer, Commit::Conflict);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
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
