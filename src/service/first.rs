//! The first keys of a store.

use alloc::vec::Vec;
use core::borrow::Borrow;

use super::commit::Seen;
use super::{Outcome, RotationError, RotationService, ring_of};
use crate::audit::Grounds;
use crate::id::KeyId;
use crate::key::{Destruction, Key, KeyRecord, KeyRef};
use crate::policy::RotationPolicy;
use crate::ring::{Keyring, KeyringState};
use crate::status::Inactive;
use crate::store::{Change, ChangeMismatch, KeyProvider};
use crate::supplies::Supplies;
use crate::timestamp::Timestamp;

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
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
        if !snapshot.is_empty() {
            return ring_of(snapshot);
        }
        let records = Vec::from([KeyRef::from(&first).to_record()]);
        let change = Change::Create { records, destroyed: Vec::new() };
        let seen = Seen::of(&snapshot);
        // Won or lost, what counts is what the store holds.
        match self.commit(seen, change, (), Grounds::Ordinary, at).await? {
            Outcome::Done(()) | Outcome::LostRace { .. } => self.keyring().await,
        }
    }

    /// Writes the keys and tombstones of this ring into an empty store, in one commit: for keys
    /// that a service has already, in its configuration or in another store.
    ///
    /// Times that are known stay as they are. The store has the keys from `at` on, and an event of
    /// which nobody knows the time is dated `at`.
    ///
    /// # Errors
    ///
    /// [`RotationError::NotEmpty`]; [`RotationError::Unprepared`] if a key of the ring has no
    /// material; and those of a commit, [`RotationError::Mismatch`] for times after `at` too.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{InMemoryKeyProvider, KeyId, Keyring, RotationService, StrictSingleActive, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// let now = Timestamp::now();
    /// let configured = Keyring::with_previous(
    ///     (KeyId::from_static("2026"), "new"),
    ///     [(KeyId::from_static("2025"), "old")],
    ///     now,
    /// )?;
    /// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// let outcome = service.adopt(&configured, now).await?;
    /// assert_eq!(service.keyring().await?.active().id().as_str(), "2026");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn adopt(
        &self,
        ring: impl Borrow<Keyring<P::Material>>,
        at: Timestamp,
    ) -> Result<Outcome<KeyringState>, RotationError<P::Error>> {
        let ring = ring.borrow();
        if let Some((key, _)) = ring.unprepared().next() {
            return Err(RotationError::Unprepared { id: key.id.clone() });
        }
        let records: Vec<_> = ring.iter().map(|key| adopted(key.to_record(), at)).collect();
        let destroyed: Vec<Destruction> = ring.destroyed().cloned().collect();
        let snapshot = self.load().await?;
        if !snapshot.is_empty() {
            return match snapshot.closed {
                Some(at) => Err(RotationError::Closed { ring: snapshot.ring, at }),
                None => Err(RotationError::NotEmpty { ring: snapshot.ring }),
            };
        }
        let state = match Keyring::from_parts(records.clone(), destroyed.clone()) {
            Ok(adopted) => adopted.state(),
            Err(reason) => {
                return Err(RotationError::InvalidKeyring { ring: snapshot.ring, reason });
            }
        };
        if let Some((id, carried)) = later_than(at, &records, &destroyed) {
            let source = ChangeMismatch::Backdated { id: id.clone(), at, carried };
            return Err(RotationError::Mismatch { ring: snapshot.ring, id: Some(id), source });
        }
        let seen = Seen::of(&snapshot);
        let change = Change::Create { records, destroyed };
        self.commit(seen, change, state, Grounds::Ordinary, at).await
    }
}

/// A key or tombstone that carries a time after this one.
fn later_than<M>(
    at: Timestamp,
    records: &[KeyRecord<M>],
    destroyed: &[Destruction],
) -> Option<(KeyId, Timestamp)> {
    let keys = records.iter().map(|record| (&record.info.id, record.info.times.latest()));
    let tombstones = destroyed.iter().map(|tombstone| (&tombstone.id, Some(tombstone.at)));
    keys.chain(tombstones).find_map(|(id, latest)| {
        latest.filter(|latest| at < *latest).map(|latest| (id.clone(), latest))
    })
}

/// The record of a key that a store gets now. What is not known of it is dated now, or by the
/// latest that the key carries.
fn adopted<M>(mut record: KeyRecord<M>, at: Timestamp) -> KeyRecord<M> {
    record.info.times.added_at = Some(at);
    record.info.date_unknown(at);
    record
}
