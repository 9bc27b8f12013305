//! The changes of a stored ring, one method each.

use alloc::string::ToString;
use alloc::sync::Arc;
use core::borrow::Borrow;

use super::commit::Seen;
use super::compromise::not_supplied;
use super::{DestroyRequest, Outcome, RotationError, RotationService};
use crate::audit::Grounds;
use crate::evidence::{Evidence, Unreferenced};
use crate::fleet::Fleet;
use crate::id::KeyId;
use crate::key::{
    Addition, Closing, Destruction, Key, KeyInfo, KeyRef, Restoration, Retirement, Revocation,
    Rewrapping, RotationDecision,
};
use crate::policy::RotationPolicy;
use crate::refusal::{Refusal, Rule};
use crate::ring::{EntryError, Keyring, TakenId};
use crate::status::{Inactive, KeyStatus, Retired, Revoked};
use crate::store::{Change, KeyProvider};
use crate::supplies::Supplies;
use crate::text::{AuditText, EscapedText};
use crate::timestamp::Timestamp;

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Adds an inactive key, for every process to load before it is activated. The store has it
    /// from `at` on.
    ///
    /// The key may be given by value or by reference. Given by reference, it is still at hand if
    /// the race is lost or the store fails.
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
        let (seen, ring) = self.load_ring().await?;
        self.add_to(seen, &ring, key.borrow(), at, Grounds::Ordinary).await
    }

    pub(super) async fn add_to(
        &self,
        seen: Seen,
        ring: &Keyring<P::Material>,
        key: &Key<Inactive, P::Material>,
        at: Timestamp,
        grounds: Grounds,
    ) -> Result<Outcome<Addition>, RotationError<P::Error>> {
        let mut key = key.share();
        key.head_mut().times.added_at = Some(at);
        if let Some(taken_by) = ring.taken_by(key.id().as_str()) {
            let id = key.id().clone();
            return Err(RotationError::KeyIdTaken(TakenId::new(id, taken_by)));
        }
        let receipt = Addition::new(key.id().clone(), at);
        let change = Change::Add(KeyRef::from(&key).to_record());
        self.commit(seen, change, receipt, grounds, at).await
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
                .may_activate(&key, &Fleet::UNKNOWN, at)
                .map_err(|reason| RotationError::Refused { id: key.id, reason })?;
        }
        let decision = ring.rotate_to(id, at)?;
        self.commit_rotation(seen, decision, Grounds::Ordinary).await
    }

    /// Makes the inactive key of this id the active one without asking the policy: for the hour in
    /// which the active key must be left at once.
    ///
    /// A process that has not loaded the new key cannot read what is encrypted with it until it
    /// does. The reason is written in one commit with the change.
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
    /// [`RotationError::Refused`]; [`RotationError::Entry`] if the key is not there or not inactive; and
    /// those of [`keyring`](Self::keyring) and of a commit.
    pub async fn retire(
        &self,
        id: &str,
        at: Timestamp,
    ) -> Result<Outcome<Retirement>, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let entry = ring.entry::<Inactive>(id)?;
        let key = entry.key().info();
        let may = |evidence| self.policy.may_retire(&key, &Fleet::UNKNOWN, evidence, at);
        let evidence = match may(&Evidence::None) {
            Err(refusal) if refusal.rule() == Some(Rule::NotNeeded) => {
                self.counted(&seen, &key, at).await?
            }
            _ => Evidence::None,
        };
        may(&evidence).map_err(|reason| RotationError::Refused { id: key.id.clone(), reason })?;
        let retirement = ring.entry::<Inactive>(id)?.retire(at);
        self.commit_retirement(seen, &ring, retirement, evidence).await
    }

    /// Revokes the inactive or retired key of this id, which is not trusted any more: it does not
    /// decrypt. An active key is replaced first.
    ///
    /// The reason is written in one commit with the change. The encrypting half is gone for good,
    /// also if the key is [restored](Self::restore).
    ///
    /// # Errors
    ///
    /// [`RotationError::Entry`] if the key is not there, active, or revoked already; and those of
    /// [`keyring`](Self::keyring) and of a commit.
    pub async fn revoke(
        &self,
        id: &str,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<Revocation>, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        self.revoke_in(seen, ring, id, reason, at).await
    }

    pub(super) async fn revoke_in(
        &self,
        seen: Seen,
        mut ring: Keyring<P::Material>,
        id: &str,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<Revocation>, RotationError<P::Error>> {
        let revocation = match ring.get(id).map(|key| key.status()) {
            Some(KeyStatus::Retired) => ring.entry::<Retired>(id)?.revoke(at),
            _ => ring.entry::<Inactive>(id)?.revoke(at),
        };
        let (receipt, at) = (revocation.clone(), revocation.at);
        let material = self.half_that_stays(&seen, &ring, &receipt.id)?;
        let change = Change::Revoke { revocation, material };
        self.commit(seen, change, receipt, Grounds::Distrust(reason), at).await
    }

    /// Restores the revoked key of this id, as retired: for a key that was revoked by mistake. It
    /// decrypts again, and never encrypts again.
    ///
    /// The reason is written in one commit with the change.
    ///
    /// # Errors
    ///
    /// [`RotationError::Entry`] if the key is not there or not revoked, and those of
    /// [`keyring`](Self::keyring) and of a commit.
    pub async fn restore(
        &self,
        id: &str,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<Restoration>, RotationError<P::Error>> {
        let (seen, mut ring) = self.load_ring().await?;
        let receipt = ring.entry::<Revoked>(id)?.restore(at);
        let change = Change::Restore(receipt.clone());
        let at = receipt.at;
        self.commit(seen, change, receipt, Grounds::Forced(reason), at).await
    }

    /// Puts this blob in the place of the stored one: the same key, under a new wrapping key. Every
    /// process prepares the key anew.
    ///
    /// The store does not look into a blob. One that is not of the same key makes the data of the
    /// key unreadable.
    ///
    /// # Errors
    ///
    /// [`RotationError::Entry`] if the key is not there, and those of [`keyring`](Self::keyring)
    /// and of a commit.
    pub async fn rewrap(
        &self,
        id: &str,
        material: impl Into<Arc<P::Material>>,
        at: Timestamp,
    ) -> Result<Outcome<Rewrapping>, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        let Some(key) = ring.get(id) else {
            return Err(EntryError::KeyNotFound { id: EscapedText::from(id) }.into());
        };
        let id = key.id().clone();
        let receipt = Rewrapping::new(id.clone(), at);
        let change = Change::Rewrap { id, material: material.into() };
        self.commit(seen, change, receipt, Grounds::Ordinary, at).await
    }

    /// Ends the ring: destroys every key of it, the active one too. Its name is never used again.
    /// This is for data that is to be unreadable, such as that of a customer who has left.
    ///
    /// The reason is written in one commit with the change. [`erasure`](Self::erasure) says where
    /// the bytes of the keys may still be read. A process that loaded its ring before still holds
    /// the material, until it loads again.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring) and of a commit.
    pub async fn close(
        &self,
        reason: AuditText,
        at: Timestamp,
    ) -> Result<Outcome<Closing>, RotationError<P::Error>> {
        let (seen, ring) = self.load_ring().await?;
        let counts = ring.iter().map(|key| key.times().no_earlier_than(at)).max().unwrap_or(at);
        let mut closing = Closing::new(ring.active().id().clone(), counts);
        closing.asked_at = at;
        let change = Change::Close(closing.clone());
        self.commit(seen, change, closing, Grounds::Forced(reason), counts).await
    }

    /// Destroys a retired or revoked key: its data can never be read again. The store keeps the
    /// tombstone.
    ///
    /// It asks for an [`Unreferenced`], the caller's word that no data
    /// is left under the key, or for [supplies](Self::supplied_by) that count; or for a [forced](DestroyRequest::forced) destruction, whose reason
    /// is written in one commit with the change. A key id alone is no evidence: only a policy
    /// without rules agrees to it.
    ///
    /// [`erasure`](Self::erasure) says where the bytes of the key may still be read. A process that
    /// loaded its ring before still holds the material, until it loads again.
    ///
    /// # Errors
    ///
    /// [`RotationError::Refused`] if the evidence does not do; [`RotationError::Entry`] if the key
    /// is not there, and neither retired nor revoked; and those of [`keyring`](Self::keyring) and of
    /// a commit.
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
        let evidence = match (evidence, ring.get(&id)) {
            (Evidence::None, Some(key)) => self.counted(&seen, &key.info(), at).await?,
            (evidence, _) => evidence,
        };
        self.destroy_in(seen, ring, &id, evidence, &Fleet::UNKNOWN, at).await
    }

    /// Asks the supplies how much data needs the key.
    async fn counted(
        &self,
        seen: &Seen,
        key: &KeyInfo,
        at: Timestamp,
    ) -> Result<Evidence, RotationError<P::Error>> {
        let id = &key.id;
        let counted = self.supplies.references(id).await.map_err(not_supplied(&seen.ring))?;
        let Some(count) = counted else { return Ok(Evidence::None) };
        match Unreferenced::counted(id.clone(), count, at) {
            Ok(unreferenced) => Ok(unreferenced.into()),
            Err(needed) => {
                let reason = Refusal::new(needed.to_string()).by(Rule::NotNeeded);
                Err(RotationError::Refused { id: needed.id, reason })
            }
        }
    }

    pub(super) async fn destroy_in(
        &self,
        seen: Seen,
        mut ring: Keyring<P::Material>,
        id: &str,
        evidence: Evidence,
        fleet: &Fleet,
        at: Timestamp,
    ) -> Result<Outcome<Destruction>, RotationError<P::Error>> {
        let may_destroy = |key: KeyInfo| {
            self.policy
                .may_destroy(&key, fleet, &evidence, at)
                .map_err(|reason| RotationError::Refused { id: key.id, reason })
        };
        let tombstone = match ring.get(id).map(|key| key.status()) {
            Some(KeyStatus::Revoked) => {
                let entry = ring.entry::<Revoked>(id)?;
                may_destroy(entry.key().info())?;
                entry.destroy(at)
            }
            _ => {
                let entry = ring.entry::<Retired>(id)?;
                may_destroy(entry.key().info())?;
                entry.destroy(at)
            }
        };
        let grounds = grounds_of(evidence);
        let (change, at) = (Change::Destroy(tombstone.clone()), tombstone.at);
        self.commit(seen, change, tombstone, grounds, at).await
    }

    pub(super) async fn commit_retirement(
        &self,
        seen: Seen,
        ring: &Keyring<P::Material>,
        retirement: Retirement,
        evidence: Evidence,
    ) -> Result<Outcome<Retirement>, RotationError<P::Error>> {
        let (receipt, at) = (retirement.clone(), retirement.at);
        let material = self.half_that_stays(&seen, ring, &receipt.id)?;
        let change = Change::Retire { retirement, material };
        self.commit(seen, change, receipt, grounds_of(evidence), at).await
    }

    /// What stays in the store of a key that no longer encrypts; `None` if all of it does.
    fn half_that_stays(
        &self,
        seen: &Seen,
        ring: &Keyring<P::Material>,
        id: &KeyId,
    ) -> Result<Option<Arc<P::Material>>, RotationError<P::Error>> {
        let Some(key) = ring.get(id.as_str()) else { return Ok(None) };
        let record = key.to_record();
        let half = self.supplies.decrypting_half(&record.info, &record.material);
        Ok(half.map_err(not_supplied(&seen.ring))?.map(Arc::new))
    }

    pub(super) async fn commit_rotation(
        &self,
        seen: Seen,
        decision: RotationDecision,
        grounds: Grounds,
    ) -> Result<Outcome<RotationDecision>, RotationError<P::Error>> {
        match &decision {
            RotationDecision::AlreadyActive { .. } => Ok(Outcome::Done(decision)),
            RotationDecision::Rotated(rotation) => {
                let (change, at) = (Change::Activate(rotation.clone()), rotation.at);
                self.commit(seen, change, decision, grounds, at).await
            }
        }
    }
}

/// What the record says of a change for which there is this evidence.
fn grounds_of(evidence: Evidence) -> Grounds {
    match evidence {
        Evidence::None => Grounds::Ordinary,
        Evidence::Unreferenced(counted) => Grounds::Unreferenced(counted),
        Evidence::Forced(reason) => Grounds::Forced(reason),
    }
}
