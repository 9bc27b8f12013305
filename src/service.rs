//! The service: the lifecycle over a store and under a policy.

use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;

use crate::audit::AuditSink;
use crate::evidence::Evidence;
use crate::key::{Addition, Destruction, Key, KeyRef, Retirement, RotationDecision};
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::ring::{Keyring, KeyringState, TakenId};
use crate::status::{Inactive, KeyStatus, Retired};
use crate::store::{Change, KeyProvider, Snapshot};
use crate::text::AuditText;
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
/// | to… | call |
/// |---|---|
/// | start | [`bootstrap`](Self::bootstrap) |
/// | encrypt and decrypt | [`keyring`](Self::keyring), and keep the ring |
/// | stage a new key | [`add`](Self::add) |
/// | change the active key | [`rotate_to`](Self::rotate_to), [`rotate_in_emergency`](Self::rotate_in_emergency) |
/// | end a key's life | [`retire`](Self::retire), [`destroy`](Self::destroy) |
/// | do what is due | [`plan`](Self::plan), [`apply`](Self::apply) |
/// | look | [`state`](Self::state), [`validate`](Self::validate) |
///
/// # Examples
///
/// ```
/// use key_rotation::{
///     InMemoryKeyProvider, Key, KeyId, Outcome, RotationService, StrictSingleActive, Timestamp,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// let now = Timestamp::now();
/// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
/// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
///
/// let added = service.add(&Key::new(KeyId::from_static("k2"), "two", now), now).await?;
/// match service.rotate_to("k2", now).await? {
///     Outcome::Done(decision) => println!("{decision:?}"),
///     Outcome::LostRace { now } => println!("somebody was faster:\n{now}"),
/// }
/// assert_eq!(service.keyring().await?.active().id().as_str(), "k2");
/// # Ok(()) }) }
/// ```
///
/// # A lost answer
///
/// A commit that ends in an error may have happened, unless the store says that it is a refusal
/// ([`RotationError::Rejected`]). The service reads the store again:
///
/// - the change is there, and it is done;
/// - the store has moved on without it, and the race is lost;
/// - nothing has happened, and the same change is sent once more under the same revision, so that
///   at most one of the two can apply.
///
/// If even that tells nothing, the answer is [`RotationError::OutcomeUnknown`].
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

/// The result of a change that was to be stored: done, or a race that somebody else won.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lost race means that the change is not in the ring"]
#[expect(clippy::exhaustive_enums, reason = "a change is stored, or it is not")]
pub enum Outcome<T> {
    /// The change is stored.
    Done(T),
    /// Somebody else changed the ring, and this change is not in it as it is now.
    ///
    /// It was not stored; or the store's answer was lost, and later changes by others have hidden
    /// it.
    LostRace {
        /// The ring as it is now.
        now: KeyringState,
    },
}

impl<P: KeyProvider, R: RotationPolicy> RotationService<P, R> {
    /// Makes a service over this store and under this policy.
    #[must_use]
    pub fn new(provider: P, policy: R) -> Self {
        Self { provider, policy, audit: None }
    }

    /// Makes the service report every committed change to this sink, as the work of this actor: a
    /// person, a job or a host.
    ///
    /// See [`AuditSink`] for an example.
    #[must_use]
    pub fn with_audit(self, sink: Arc<dyn AuditSink>, actor: AuditText) -> Self {
        Self { audit: Some(Audit { sink, actor }), ..self }
    }

    /// Loads the store's ring, and creates it with this key if the store is empty.
    ///
    /// This is for the start of a program. When many processes start on an empty store at once, one
    /// of their keys becomes the first, and everyone gets the ring that has it. So use the ring and
    /// forget the key. The policy is not asked, because no older key could be used instead.
    ///
    /// The key may be given by value or by reference.
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], [`RotationError::OutcomeUnknown`], and
    /// [`RotationError::InvalidKeyring`] if the content of the store is no ring.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// let ring = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// let same = service.bootstrap(Key::new(KeyId::from_static("k2"), "two", now), now).await?;
    /// assert_eq!(same.active().id().as_str(), "k1");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
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

    /// Loads the store's ring.
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], [`RotationError::EmptyStore`] and
    /// [`RotationError::InvalidKeyring`].
    pub async fn keyring(&self) -> Result<Keyring<P::Material>, RotationError<P::Error>> {
        self.load_ring().await.map(|(_, ring)| ring)
    }

    /// Checks that the content of the store makes a ring.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring): [`RotationError::InvalidKeyring`] has every violation.
    pub async fn validate(&self) -> Result<(), RotationError<P::Error>> {
        self.load_ring().await.map(drop)
    }

    /// Loads the state of the store's ring: every key without its material. It prints as a table.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring).
    pub async fn state(&self) -> Result<KeyringState, RotationError<P::Error>> {
        self.load_ring().await.map(|(_, ring)| ring.state())
    }

    /// Adds an inactive key, for every process to load before it is activated. The store has it
    /// from `at` on.
    ///
    /// The key may be given by value or by reference. Given by reference, it is still at hand if
    /// the race is lost or the store fails.
    ///
    /// Where the store's answer was lost, the id is all that can be compared: `Done` may then be
    /// about a key of the same id that somebody else added. Use the ring that the store has.
    ///
    /// # Errors
    ///
    /// [`RotationError::KeyIdTaken`], and those of [`keyring`](Self::keyring) and of a commit.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{
    ///     InMemoryKeyProvider, Key, KeyId, Outcome, RotationService, StrictSingleActive, Timestamp,
    /// };
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// let next = Key::new(KeyId::from_static("k2"), "two", now);
    /// while let Outcome::LostRace { .. } = service.add(&next, now).await? {}
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
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
    /// [`RotationError::Refused`]; [`RotationError::Entry`] if the key is not there or not
    /// inactive; and those of [`keyring`](Self::keyring) and of a commit.
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

    /// Makes the inactive key of this id the active one without asking the policy: for the hour in
    /// which the active key must be left at once.
    ///
    /// A process that has not loaded the new key cannot read what is encrypted with it until it
    /// does. The reason goes into the audit event.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_to`](Self::rotate_to), but for [`RotationError::Refused`].
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// # let _ = service.add(&Key::new(KeyId::from_static("k2"), "two", now), now).await?;
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
    /// A process whose ring is older than the rotation still encrypts with the key that was active
    /// then. So wait until every process has loaded a ring in which the key is inactive, and retire
    /// it then.
    ///
    /// # Errors
    ///
    /// [`RotationError::Entry`] if the key is not there or not inactive, and those of
    /// [`keyring`](Self::keyring) and of a commit.
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
    /// It asks for an [`Unreferenced`](crate::policy::Unreferenced), the caller's word that no data
    /// is left under the key; or for a [forced](DestroyRequest::forced) destruction, whose reason
    /// goes into the audit event. A key id alone is no evidence: only a policy without rules agrees
    /// to it.
    ///
    /// A process that loaded its ring before still holds the material, until it loads again.
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`] if the evidence does not do; [`RotationError::Entry`] if the key
    /// is not there or not retired; and those of [`keyring`](Self::keyring) and of a commit.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::policy::Unreferenced;
    /// use key_rotation::{Cryptoperiods, InMemoryKeyProvider, Key, KeyId, RotationService, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// let service = RotationService::new(InMemoryKeyProvider::new(), Cryptoperiods::QUARTERLY);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k2"), "two", now), now).await?;
    /// # let _ = service.add(&Key::new(KeyId::from_static("k1"), "one", now), now).await?;
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

    pub(crate) async fn load_ring(
        &self,
    ) -> Result<(Revision, Keyring<P::Material>), RotationError<P::Error>> {
        let snapshot = self.load_snapshot().await?;
        Ok((snapshot.revision, snapshot.into_keyring()?))
    }

    pub(crate) async fn load_snapshot(
        &self,
    ) -> Result<Snapshot<P::Material>, RotationError<P::Error>> {
        let snapshot = self.load().await?;
        if snapshot.is_empty() { Err(RotationError::EmptyStore) } else { Ok(snapshot) }
    }
}
