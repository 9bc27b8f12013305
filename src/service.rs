//! The service: the lifecycle over a store and under a policy.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::audit::{AuditEvent, AuditSink};
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::ring::{Keyring, KeyringState};
use crate::store::{Events, History, KeyProvider, Loaded, Snapshot};
use crate::text::AuditText;

use self::commit::Seen;

pub use self::compromise::{Leak, Replacement};
pub use self::error::RotationError;
pub use self::request::DestroyRequest;
pub use self::schedule::{Applied, Maintenance, Staged};
pub use crate::supplies::{NoSupplies, NothingSupplied, Supplies};

mod changes;
mod commit;
mod compromise;
mod error;
mod first;
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
/// | start | [`bootstrap`](Self::bootstrap); with keys that exist already, [`adopt`](Self::adopt) |
/// | put a name on what is done | [`acting_as`](Self::acting_as) |
/// | encrypt and decrypt | [`keyring`](Self::keyring), and keep the ring |
/// | stage a new key | [`add`](Self::add) |
/// | change the active key | [`rotate_to`](Self::rotate_to), [`rotate_in_emergency`](Self::rotate_in_emergency) |
/// | end a key's life | [`retire`](Self::retire), [`destroy`](Self::destroy) |
/// | stop trusting a key, and trust it again | [`revoke`](Self::revoke), [`restore`](Self::restore) |
/// | leave keys that have leaked | [`replace_compromised`](Self::replace_compromised) |
/// | say where new keys come from | [`supplied_by`](Self::supplied_by) |
/// | put a blob under a new wrapping key | [`rewrap`](Self::rewrap) |
/// | end a ring | [`close`](Self::close) |
/// | do what is due | [`plan`](Self::plan), [`apply`](Self::apply) |
/// | look | [`state`](Self::state), [`validate`](Self::validate), [`history`](Self::history) |
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
/// A commit whose answer is lost may have happened. The service sends the same proposal again,
/// which the store writes at most once, and whose answer says what became of it: it is in the
/// store's history, or it never will be. Nothing is guessed from what the ring looks like. If four
/// more sendings tell nothing, the answer is [`RotationError::OutcomeUnknown`].
///
/// # A dropped future
///
/// Every future of a service may be dropped at every await, as a timeout does. A change that was
/// being sent then has happened or not; a change that has happened is in the store's history, with
/// its actor and reason, and the sink of [`with_audit`](Self::with_audit) may not have been told.
#[derive(Clone)]
pub struct RotationService<P, R, S = NoSupplies> {
    provider: P,
    policy: R,
    supplies: S,
    actor: AuditText,
    audit: Option<Arc<dyn AuditSink>>,
    tags: fn() -> u64,
}

// By hand: a policy chosen at run time has no `Debug`, and a provider's may tell where the store is.
impl<P, R, S> fmt::Debug for RotationService<P, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationService").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// The result of a change that was to be stored: done, or a race that somebody else won.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lost race means that the change is not in the ring"]
#[expect(clippy::exhaustive_enums, reason = "a change is stored, or it is not")]
pub enum Outcome<T> {
    /// The change is stored.
    Done(T),
    /// Somebody else changed the ring first.
    ///
    /// It is not stored, and never will be.
    LostRace {
        /// The ring as it is now.
        now: KeyringState,
    },
}

impl<P: KeyProvider, R: RotationPolicy> RotationService<P, R> {
    /// Makes a service over this store and under this policy.
    ///
    /// A commit draws its tag with [`Revision::random_tag`]; [`with_tags`](Self::with_tags) takes
    /// another source.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn new(provider: P, policy: R) -> Self {
        Self::with_tags(provider, policy, Revision::random_tag)
    }

    /// Makes a service that draws the tags of its commits from this source, for a program without
    /// the standard library.
    ///
    /// The source must not give a number twice, in this process or another: a tag is how a commit
    /// is told from all others.
    #[must_use]
    pub fn with_tags(provider: P, policy: R, tags: fn() -> u64) -> Self {
        let actor = AuditText::unnamed();
        Self { provider, policy, supplies: NoSupplies, actor, audit: None, tags }
    }
}

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Gives the service what it may need from the program: new keys, and counts.
    #[must_use]
    pub fn supplied_by<T: Supplies<P::Material>>(self, supplies: T) -> RotationService<P, R, T> {
        let Self { provider, policy, supplies: _, actor, audit, tags } = self;
        RotationService { provider, policy, supplies, actor, audit, tags }
    }

    /// Draws the tags of commits from this source, as for [`with_tags`](Self::with_tags).
    #[must_use]
    pub fn tags(self, tags: fn() -> u64) -> Self {
        Self { tags, ..self }
    }

    /// Makes every change the work of this actor: a person, a job or a host. It is written in one
    /// commit with the change. An actor that is not said is `unnamed`.
    #[must_use]
    pub fn acting_as(self, actor: AuditText) -> Self {
        Self { actor, ..self }
    }

    /// Makes the service tell this sink of every change that it has committed.
    ///
    /// See [`AuditSink`] for an example.
    #[must_use]
    pub fn with_audit(self, sink: Arc<dyn AuditSink>) -> Self {
        Self { audit: Some(sink), ..self }
    }

    /// Loads the store's ring.
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], [`RotationError::EmptyStore`], [`RotationError::Closed`] and
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

    /// Lists what was written to the ring after this revision, by whom and why, the earliest first:
    /// everything after [`Revision::EMPTY`].
    ///
    /// # Errors
    ///
    /// [`RotationError::Provider`], and [`RotationError::NotInHistory`] if the store does not have
    /// the revision.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::store::Revision;
    /// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// for event in service.history(Revision::EMPTY).await? {
    ///     println!("{event}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn history(&self, after: Revision) -> Result<Vec<AuditEvent>, RotationError<P::Error>>
    where
        P: History,
    {
        match self.provider.history(after).await.map_err(RotationError::Provider)? {
            Events::Since(events) => Ok(events),
            Events::NotInHistory { seen, found } => {
                Err(RotationError::NotInHistory { seen, found })
            }
        }
    }

    /// Returns a sentence that says where the bytes of a destroyed key may still be read, as the
    /// store's provider knows it.
    #[must_use]
    pub fn erasure(&self) -> &'static str {
        self.provider.erasure()
    }

    /// Loads what the store has, as one who has seen nothing before.
    async fn load(&self) -> Result<Snapshot<P::Material>, RotationError<P::Error>> {
        match self.load_since(Revision::EMPTY).await? {
            Loaded::Ring(snapshot) => Ok(snapshot),
            // Neither is an answer to one who has seen nothing.
            Loaded::Unchanged { .. } => Err(RotationError::EmptyStore),
            Loaded::NotInHistory { seen, found } => {
                Err(RotationError::NotInHistory { seen, found })
            }
        }
    }

    pub(crate) async fn load_since(
        &self,
        seen: Revision,
    ) -> Result<Loaded<P::Material>, RotationError<P::Error>> {
        self.provider.load(seen).await.map_err(RotationError::Provider)
    }

    pub(crate) async fn load_snapshot(
        &self,
    ) -> Result<Snapshot<P::Material>, RotationError<P::Error>> {
        let snapshot = self.load().await?;
        if snapshot.is_empty() { Err(RotationError::EmptyStore) } else { Ok(snapshot) }
    }

    async fn load_ring(&self) -> Result<(Seen, Keyring<P::Material>), RotationError<P::Error>> {
        let snapshot = self.load_snapshot().await?;
        let seen = Seen::of(&snapshot);
        Ok((seen, ring_of(snapshot)?))
    }
}

/// Makes the ring of what a store has.
pub(crate) fn ring_of<M, E>(snapshot: Snapshot<M>) -> Result<Keyring<M>, RotationError<E>> {
    let ring = snapshot.ring.clone();
    if let Some(at) = snapshot.closed {
        return Err(RotationError::Closed { ring, at });
    }
    snapshot.into_keyring().map_err(|reason| RotationError::InvalidKeyring { ring, reason })
}
