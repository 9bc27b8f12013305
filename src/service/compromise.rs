//! Leaving a key that somebody else has: another one first, and then no trust in the old.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::commit::Seen;
use super::{Outcome, RotationError, RotationService};
use crate::audit::{AuditAction, AuditEvent, Grounds};
use crate::id::KeyId;
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::ring::Keyring;
use crate::ring_name::RingName;
use crate::status::KeyStatus;
use crate::store::History;
use crate::supplies::Supplies;
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// How much of a ring somebody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "one key has leaked, or none is trusted")]
pub enum Leak {
    /// The active key has leaked. A staged key, which every process has, takes its place; or a new
    /// one, where there is none.
    Key,
    /// The whole ring has leaked: the material of every key in it. A new key takes the place of the
    /// active one, and no other key is trusted any more.
    Ring,
}

/// The receipt of a leak that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "a receipt says this and no more")]
#[must_use = "a receipt says which keys are not trusted any more: their data is to be sealed again"]
pub struct Replacement {
    /// The key that is active now.
    pub active: KeyId,
    /// The keys that are not trusted any more because of this leak.
    pub revoked: Vec<KeyId>,
}

impl<P: History, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Leaves keys that have leaked: makes another key the active one without asking the policy, and
    /// revokes what is not trusted any more. The reason is written in one commit with each change.
    ///
    /// A process that has not loaded the new key cannot read what is encrypted with it until it does.
    /// The data of a revoked key is read by [salvage](crate::Keyring::salvage_key) alone.
    ///
    /// These are several commits. Called again with the same reason and time, after a lost race, an
    /// error or a crash, it goes on where it was.
    ///
    /// # Errors
    ///
    /// [`RotationError::Supplies`] if a new key is needed and none can be made; and those of
    /// [`history`](Self::history), [`keyring`](Self::keyring) and of a commit.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::service::Leak;
    /// use key_rotation::{
    ///     DecryptionKeyError, InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive,
    ///     Timestamp,
    /// };
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// # let _ = service.add(&Key::new(KeyId::from_static("k2"), "two", now), now).await?;
    /// let reason = "INC-4711: k1 was in a core dump".parse()?;
    /// let outcome = service.replace_compromised(Leak::Key, reason, now).await?;
    /// let ring = service.keyring().await?;
    /// assert_eq!(ring.active().id().as_str(), "k2");
    /// assert!(matches!(ring.decryption_key("k1"), Err(DecryptionKeyError::KeyRevoked { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn replace_compromised(
        &self,
        leak: Leak,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<Replacement>, RotationError<P::Error>> {
        let events = self.history(Revision::EMPTY).await?;
        let so_far = SoFar::of(&events, &reason, at);
        let (from, to) = match so_far.rotation {
            Some(rotation) => rotation,
            None => match self.leave(leak, so_far.added, &reason, at).await? {
                Outcome::Done(rotation) => rotation,
                Outcome::LostRace { now } => return Ok(Outcome::LostRace { now }),
            },
        };
        let mut revoked = so_far.revoked;
        loop {
            let (seen, ring) = self.load_ring().await?;
            let Some(id) = next_to_revoke(&ring, leak, &from, &to) else {
                return Ok(Outcome::Done(Replacement { active: to, revoked }));
            };
            match self.revoke_in(seen, ring, id.as_str(), reason.clone(), at).await? {
                Outcome::Done(_) => revoked.push(id),
                Outcome::LostRace { now } => return Ok(Outcome::LostRace { now }),
            }
        }
    }

    /// Makes another key the active one. Returns the key that was active and the one that is.
    async fn leave(
        &self,
        leak: Leak,
        added: Option<KeyId>,
        reason: &AuditText,
        at: Timestamp,
    ) -> Result<Outcome<(KeyId, KeyId)>, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        let spare =
            || ring.inactive().find(|key| key.info().is_staged()).map(|key| key.id().clone());
        let known = match leak {
            Leak::Key => added.or_else(spare),
            Leak::Ring => added,
        };
        let to = match known {
            Some(id) => id,
            None => match self.add_new(seen, &ring, reason, at).await? {
                Outcome::Done(id) => id,
                Outcome::LostRace { now } => return Ok(Outcome::LostRace { now }),
            },
        };
        let (seen, mut ring) = self.load_ring().await?;
        let from = ring.active().id().clone();
        let decision = ring.rotate_to(to.as_str(), at)?;
        match self.commit_rotation(seen, decision, Grounds::Emergency(reason.clone())).await? {
            Outcome::Done(_) => Ok(Outcome::Done((from, to))),
            Outcome::LostRace { now } => Ok(Outcome::LostRace { now }),
        }
    }

    /// Adds a key that nobody has seen before.
    async fn add_new(
        &self,
        seen: Seen,
        ring: &Keyring<P::Material>,
        reason: &AuditText,
        at: Timestamp,
    ) -> Result<Outcome<KeyId>, RotationError<P::Error>> {
        let key = self.supplies.new_key(at).await.map_err(not_supplied(&seen.ring))?;
        let id = key.id().clone();
        let grounds = Grounds::Emergency(reason.clone());
        match self.add_to(seen, ring, &key, at, grounds).await? {
            Outcome::Done(_) => Ok(Outcome::Done(id)),
            Outcome::LostRace { now } => {
                self.supplies.discard(key).await;
                Ok(Outcome::LostRace { now })
            }
        }
    }
}

/// Makes the error for supplies that fail.
pub(super) fn not_supplied<E, F>(ring: &RingName) -> impl FnOnce(F) -> RotationError<E>
where
    F: core::error::Error + Send + Sync + 'static,
{
    let ring = ring.clone();
    |source| RotationError::Supplies { ring, source: Box::new(source) }
}

/// The next key that is not to be trusted, if one still is.
fn next_to_revoke<M>(ring: &Keyring<M>, leak: Leak, from: &KeyId, to: &KeyId) -> Option<KeyId> {
    let is_suspect = |id: &KeyId| match leak {
        Leak::Key => id == from,
        Leak::Ring => id != to,
    };
    let mut keys = ring.iter();
    keys.find(|key| {
        matches!(key.status(), KeyStatus::Inactive | KeyStatus::Retired) && is_suspect(key.id())
    })
    .map(|key| key.id().clone())
}

/// What was done because of a leak already.
#[derive(Default)]
struct SoFar {
    added: Option<KeyId>,
    rotation: Option<(KeyId, KeyId)>,
    revoked: Vec<KeyId>,
}

impl SoFar {
    /// What the events of this reason since this time say.
    fn of(events: &[AuditEvent], reason: &AuditText, at: Timestamp) -> Self {
        let mut so_far = Self::default();
        for event in events.iter().filter(|event| event.provenance.at >= at) {
            let grounds = &event.provenance.grounds;
            let is_emergency = matches!(grounds, Grounds::Emergency(said) if said == reason);
            let is_distrust = matches!(grounds, Grounds::Distrust(said) if said == reason);
            match &event.action {
                AuditAction::Added { id } if is_emergency => so_far.added = Some(id.clone()),
                AuditAction::Activated { from, to, .. } if is_emergency => {
                    so_far.rotation = Some((from.clone(), to.clone()));
                }
                AuditAction::Revoked { id } if is_distrust => so_far.revoked.push(id.clone()),
                _ => {}
            }
        }
        so_far
    }
}
