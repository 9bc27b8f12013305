//! [`RotationService`]: the lifecycle over a store and under a policy.

use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;

use crate::audit::AuditSink;
use crate::evidence::Evidence;
use crate::text::AuditText;
use crate::ring::{Keyring, KeyringState, TakenId};
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::store::{Change, KeyProvider, Snapshot};
use crate::key::{Addition, Destruction, Key, KeyRef, Retirement, RotationDecision};
use crate::status::{Inactive, KeyStatus, Retired};
use crate::timestamp::Timestamp;

use self::commit::{Audit, Grounds};

pub use self::error::RotationError;
pub use self::request::DestroyRequest;
pub use self::schedule::Applied;

mod commit;
mod error;
mod request;
mod schedule;

/// The lifecycle over a store ([`KeyProvider`]) and under a policy ([`RotationPolicy`]).
///
/// The service keeps no state and runs nothing in the background. Each operation reads the store,
/// asks the policy where it has a say, works the change out on a [`Keyring`], and commits it under
/// the revision that it read. So two services, in one process or on two continents, never both
/// succeed with changes that exclude each other: one of them gets [`Outcome::LostRace`], with the
/// state that won.
///
/// To encrypt and decrypt, load a ring with [`keyring`](Self::keyring) and keep it; what a crypto
/// module needs is the ring's [`export_for_crypto`](Keyring::export_for_crypto).
///
/// ```
/// use key_rotation::{InMemoryKeyProvider, Key, KeyId, Outcome, RotationService, StrictSingleActive, Timestamp};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// let now = Timestamp::now();
/// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
/// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), "cipher 1", now), now).await?;
///
/// let added = service.add(Key::new(KeyId::from_static("k2"), "cipher 2", now), now).await?;
/// match service.rotate_to("k2", now).await? {
///     Outcome::Done(decision) => println!("{decision:?}"),
///     Outcome::LostRace { now } => println!("somebody was faster:\n{now}"),
/// }
/// assert_eq!(service.keyring().await?.active().id().as_str(), "k2");
/// # Ok(()) }) }
/// ```
///
/// # When the store's answer is lost
///
/// A commit that ends in an error may have happened, unless the store says that it is a refusal
/// ([`RotationError::Rejected`]). The service reads the store again: the change
/// is there, and it is done; the store has moved on without it, and the race is lost; or nothing
/// has happened, and the same change is sent once more under the same revision, so that at most
/// one of the two can apply. If even that tells nothing, the answer is
/// [`RotationError::OutcomeUnknown`].
#[derive(Clone)]
pub struct RotationService<P, R> {
    provider: P,
    policy: R,
    audit: Option<Audit>,
}

// By hand: a policy chosen at run time has no `Debug`, and a provider's may tell where the store is.
impl<P, R> fmt::Debug for RotationService<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationService").field("audit", &self.audit).finish_non_exhaustive()
    }
}

/// What came of a change that was to be stored.
///
/// ```
/// use key_rotation::Outcome;
///
/// fn report(outcome: Outcome<&str>) -> String {
///     match outcome {
///         Outcome::Done(receipt) => receipt.to_string(),
///         Outcome::LostRace { now } => format!("{} is active, by somebody else's doing", now.active().id),
///     }
/// }
/// assert_eq!(report(Outcome::Done("stored")), "stored");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lost race means that the change is not in the ring"]
pub enum Outcome<T> {
    /// It is stored.
    Done(T),
    /// Somebody else changed the ring, and this change is not in it as it is now: it was not
    /// stored, or, where the store's answer was lost, what others did since has hidden it.
    LostRace {
        /// The ring as it is now.
        now: KeyringState,
    },
}

impl<P: KeyProvider, R: RotationPolicy> RotationService<P, R> {
    /// A service over this store and under this policy.
    ///
    /// ```
    /// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
    /// let store = InMemoryKeyProvider::<KeyMaterial>::new();
    /// let service = RotationService::new(store, StrictSingleActive);
    /// ```
    #[must_use]
    pub fn new(provider: P, policy: R) -> Self {
        Self { provider, policy, audit: None }
    }

    /// The same service, which tells the sink of every change after it was committed, as the work
    /// of this actor: a person, a job, a host.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use key_rotation::{AuditEvent, AuditSink, InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
    /// struct Log;
    /// impl AuditSink for Log {
    ///     fn record(&self, event: &AuditEvent) {
    ///         eprintln!("{event}");
    ///     }
    /// }
    /// let store = InMemoryKeyProvider::<KeyMaterial>::new();
    /// let service = RotationService::new(store, StrictSingleActive)
    ///     .with_audit(Arc::new(Log), "nightly job".parse()?);
    /// # Ok::<(), key_rotation::InvalidAuditText>(())
    /// ```
    #[must_use]
    pub fn with_audit(self, sink: Arc<dyn AuditSink>, actor: AuditText) -> Self {
        Self { audit: Some(Audit { sink, actor }), ..self }
    }

    /// The store's ring, with this key as its first if the store is empty.
    ///
    /// For the start of a program: when many processes start on an empty store at once, one of
    /// their keys becomes the first, and everyone gets the ring that has it. Whose key that is
    /// does not matter, so use the ring and forget the key. The policy is not asked, because
    /// there is no older key that could be used instead.
    ///
    /// The key may be given by value or by reference.
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], [`RotationError::OutcomeUnknown`], and
    /// [`RotationError::InvalidKeyring`] when the store holds something that is no ring.
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// let same = service.bootstrap(Key::new(KeyId::from_static("k2"), "two", now), now).await?;
    /// assert_eq!(same.active().id().as_str(), "k1");
    /// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn bootstrap(
        &self,
        first: impl Borrow<Key<Inactive, P::Material>>,
        at: Timestamp,
    ) -> Result<Keyring<P::Material>, RotationError<P::Error>> {
        let mut first = first.borrow().share().activate(at);
        first.head_mut().times.added_at = Some(at);
        let snapshot = self.load().await?;
        if snapshot.is_empty() {
            let change = Change::Create(KeyRef::from(&first).to_record());
            // Won or lost, what counts is what the store holds.
            match self.commit(snapshot.revision, change, (), Grounds::Ordinary).await? {
                Outcome::Done(()) | Outcome::LostRace { .. } => self.keyring().await,
            }
        } else {
            Ok(snapshot.into_keyring()?)
        }
    }

    /// The store's ring.
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], [`RotationError::EmptyStore`] and
    /// [`RotationError::InvalidKeyring`].
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationError, RotationService, StrictSingleActive};
    /// # let service = RotationService::new(InMemoryKeyProvider::<KeyMaterial>::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// match service.keyring().await {
    ///     Ok(ring) => println!("encrypting with {}", ring.active().id()),
    ///     Err(RotationError::EmptyStore) => println!("a cold start"),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # });
    /// ```
    pub async fn keyring(&self) -> Result<Keyring<P::Material>, RotationError<P::Error>> {
        self.load_ring().await.map(|(_, ring)| ring)
    }

    /// Whether what the store holds makes a ring.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring): [`RotationError::InvalidKeyring`] has every violation.
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationError, RotationService, StrictSingleActive};
    /// # let service = RotationService::new(InMemoryKeyProvider::<KeyMaterial>::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// assert!(matches!(service.validate().await, Err(RotationError::EmptyStore)));
    /// # });
    /// ```
    pub async fn validate(&self) -> Result<(), RotationError<P::Error>> {
        self.load_ring().await.map(drop)
    }

    /// What the store's ring looks like, without any material.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring).
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// println!("{}", service.state().await?);
    /// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn state(&self) -> Result<KeyringState, RotationError<P::Error>> {
        self.load_ring().await.map(|(_, ring)| ring.state())
    }

    /// Adds an inactive key, for every process to load before it is activated.
    ///
    /// Where the store's answer was lost, the id is all that can be compared: then `Done` may be
    /// about a key of the same id that somebody else added. Use the ring that the store has.
    ///
    /// The key may be given by value or by reference; given by reference, it is still at hand
    /// when the race is lost or the store fails.
    ///
    /// # Errors
    ///
    /// [`RotationError::KeyIdTaken`], and those of [`keyring`](Self::keyring) and of a commit.
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, Key, KeyId, Outcome, RotationService, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// let next = Key::new(KeyId::from_static("k2"), "two", now);
    /// while let Outcome::LostRace { .. } = service.add(&next, now).await? {}
    /// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn add(
        &self,
        key: impl Borrow<Key<Inactive, P::Material>>,
        at: Timestamp,
    ) -> Result<Outcome<Addition>, RotationError<P::Error>> {
        let mut key = key.borrow().share();
        key.head_mut().times.added_at = Some(at);
        let (seen, ring) = self.load_ring().await?;
        if let Some(taken_by) = ring.taken_by(key.id().as_str()) {
            let id = key.id().clone();
            return Err(RotationError::KeyIdTaken(TakenId::new(id, taken_by)));
        }
        let receipt = Addition::new(key.id().clone(), at);
        let change = Change::Add(KeyRef::from(&key).to_record());
        self.commit(seen, change, receipt, Grounds::Ordinary).await
    }

    /// Makes the inactive key of this id the active one, if the policy agrees.
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`], [`RotationError::Entry`] when the key is not there, destroyed
    /// or retired, and those of [`keyring`](Self::keyring) and of a commit.
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, Key, KeyId, Outcome, RotationDecision, RotationService, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// # let _ = service.add(Key::new(KeyId::from_static("k2"), (), now), now).await?;
    /// let outcome = service.rotate_to("k2", now).await?;
    /// assert!(matches!(outcome, Outcome::Done(RotationDecision::Rotated(_))));
    /// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn rotate_to(
        &self,
        id: &str,
        at: Timestamp,
    ) -> Result<Outcome<RotationDecision>, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        if let Some(key) = ring.get(id).filter(|key| key.status() == KeyStatus::Inactive) {
            // The time that counts is the one that is written: where a clock is behind, the
            // latest that either key carries.
            let at = ring.active().times().no_earlier_than(key.times().no_earlier_than(at));
            let key = key.info();
            self.policy
                .may_activate(&key, at)
                .map_err(|reason| RotationError::Refused { id: key.id, reason })?;
        }
        let decision = ring.rotate_to(id, at)?;
        self.commit_rotation(seen, decision, Grounds::Ordinary).await
    }

    /// [`rotate_to`](Self::rotate_to) without asking the policy: for the hour in which the active
    /// key must be left at once. Processes that have not loaded the new key yet cannot read what
    /// is encrypted with it until they do. The reason is recorded.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_to`](Self::rotate_to), but for [`RotationError::Refused`].
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// # let _ = service.add(Key::new(KeyId::from_static("k2"), (), now), now).await?;
    /// let reason = "INC-4711: k1 was in a core dump".parse()?;
    /// let outcome = service.rotate_in_emergency("k2", reason, now).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn rotate_in_emergency(
        &self,
        id: &str,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<RotationDecision>, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let decision = ring.rotate_to(id, at)?;
        self.commit_rotation(seen, decision, Grounds::Emergency(reason)).await
    }

    /// Retires the inactive key of this id.
    ///
    /// A process whose ring is older than the rotation still encrypts with the key that was
    /// active then: retire a key when every process has loaded a ring in which it is inactive.
    ///
    /// # Errors
    ///
    /// [`RotationError::Entry`] when the key is not there or not inactive, and those of
    /// [`keyring`](Self::keyring) and of a commit.
    ///
    /// ```
    /// # use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k2"), (), now), now).await?;
    /// # let _ = service.add(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// let outcome = service.retire("k1", now).await?;
    /// # Ok::<(), key_rotation::RotationError<key_rotation::ChangeMismatch>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn retire(
        &self,
        id: &str,
        at: Timestamp,
    ) -> Result<Outcome<Retirement>, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let receipt = ring.entry::<Inactive>(id)?.retire(at);
        self.commit(seen, Change::Retire(receipt.clone()), receipt, Grounds::Ordinary).await
    }

    /// Destroys a retired key: its data can never be read again. The store keeps the tombstone.
    ///
    /// What is asked for is an [`Unreferenced`](crate::Unreferenced), the caller's word that no
    /// data is left under the key, or a [forced](DestroyRequest::forced) destruction with a reason
    /// that is recorded. A key id alone is no evidence: only a policy without rules agrees to it.
    ///
    /// A process that loaded its ring before still holds the material, until it loads again.
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`] when the evidence does not do, [`RotationError::Entry`] when the
    /// key is not there or not retired, and those of [`keyring`](Self::keyring) and of a commit.
    ///
    /// ```
    /// # use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp, Unreferenced};
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # pollster::block_on(async {
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k2"), (), now), now).await?;
    /// # let _ = service.add(Key::new(KeyId::from_static("k1"), (), now), now).await?;
    /// # let _ = service.retire("k1", now).await?;
    /// let rows_under_k1 = 0; // SELECT COUNT(*) FROM … WHERE key_id = 'k1'
    /// let evidence = Unreferenced::counted(KeyId::from_static("k1"), rows_under_k1, now)?;
    /// let outcome = service.destroy(evidence, now).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn destroy(
        &self,
        request: impl Into<DestroyRequest>,
        at: Timestamp,
    ) -> Result<Outcome<Destruction>, RotationError<P::Error>> {
        let DestroyRequest { id, evidence } = request.into();
        let (seen, ring) = self.load_ring().await?;
        self.destroy_in(seen, ring, &id, evidence, at).await
    }

    async fn destroy_in(
        &self,
        seen: Revision,
        mut ring: Keyring<P::Material>,
        id: &str,
        evidence: Evidence,
        at: Timestamp,
    ) -> Result<Outcome<Destruction>, RotationError<P::Error>> {
        let entry = ring.entry::<Retired>(id)?;
        let key = entry.key().info();
        self.policy
            .may_destroy(&key, &evidence, at)
            .map_err(|reason| RotationError::Refused { id: key.id, reason })?;
        let tombstone = entry.destroy(at);
        let change = Change::Destroy(tombstone.clone());
        self.commit(seen, change, tombstone, Grounds::Evidence(evidence)).await
    }

    async fn commit_rotation(
        &self,
        seen: Revision,
        decision: RotationDecision,
        grounds: Grounds,
    ) -> Result<Outcome<RotationDecision>, RotationError<P::Error>> {
        match &decision {
            RotationDecision::AlreadyActive { .. } => Ok(Outcome::Done(decision)),
            RotationDecision::Rotated(rotation) => {
                let change = Change::Activate(rotation.clone());
                self.commit(seen, change, decision, grounds).await
            }
        }
    }

    async fn load(&self) -> Result<Snapshot<P::Material>, RotationError<P::Error>> {
        self.provider.load().await.map_err(RotationError::Provider)
    }

    pub(crate) async fn load_ring(&self) -> Result<(Revision, Keyring<P::Material>), RotationError<P::Error>> {
        let snapshot = self.load_snapshot().await?;
        Ok((snapshot.revision, snapshot.into_keyring()?))
    }

    pub(crate) async fn load_snapshot(&self) -> Result<Snapshot<P::Material>, RotationError<P::Error>> {
        let snapshot = self.load().await?;
        if snapshot.is_empty() { Err(RotationError::EmptyStore) } else { Ok(snapshot) }
    }
}
