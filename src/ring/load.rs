//! The border: stored records become a ring, or are refused with everything that is wrong with
//! them.

use alloc::vec::Vec;
use core::iter;

use hashbrown::HashSet;

use super::slot::{FIRST_SEQ, Slot};
use super::table::Table;
use super::{InvalidKeyring, Keyring, Violation};
use crate::id::KeyId;
use crate::key::{Destruction, Halves, Key, KeyInfo, KeyRecord, Same, TimeConflict, Times};
use crate::status::{Active, KeyStatus};
use crate::timestamp::Timestamp;

impl<M> Keyring<M> {
    /// Makes the ring of these records. [`from_parts`](Self::from_parts) without tombstones.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`], as for [`from_parts`](Self::from_parts).
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
    ///
    /// let id = KeyId::from_static("k1");
    /// let ring = Keyring::from_records([
    ///     KeyRecord::new(id, KeyStatus::Active, Timestamp::now(), "cipher"),
    /// ])?;
    /// # Ok::<(), key_rotation::InvalidKeyring>(())
    /// ```
    pub fn from_records(
        records: impl IntoIterator<Item = KeyRecord<M>>,
    ) -> Result<Self, InvalidKeyring> {
        Self::from_parts(records, iter::empty())
    }

    /// Makes the ring of these records and tombstones: the border between data and types.
    ///
    /// The order of the records decides between keys whose times are the same, and is the order
    /// of staged keys; otherwise it does not matter.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`] with every violation: no active key or several, an id that stands there
    /// twice or belongs to a destroyed key, times that contradict each other. Everything handed
    /// in is dropped then, and material that nobody else holds is wiped.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::key::Destruction;
    /// use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// let ring = Keyring::from_parts(
    ///     [KeyRecord::new(KeyId::from_static("k2"), KeyStatus::Active, now, "cipher")],
    ///     [Destruction::new(KeyId::from_static("k1"), now)],
    /// )?;
    /// assert_eq!(ring.destroyed().count(), 1);
    /// # Ok::<(), key_rotation::InvalidKeyring>(())
    /// ```
    pub fn from_parts(
        records: impl IntoIterator<Item = KeyRecord<M>>,
        destroyed: impl IntoIterator<Item = Destruction>,
    ) -> Result<Self, InvalidKeyring> {
        Border::of_parts(records, destroyed).into_ring()
    }

    /// Makes a ring of the keys in a service's configuration: one to encrypt with, and older ones
    /// to read. Without older ones it is a ring of one.
    ///
    /// `at` is the time of the loading. The ring has the keys since then, and events of which the
    /// configuration does not tell the time are dated by it. The older keys are demoted, and never
    /// due to be activated.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`] if an id is given twice. Everything handed in is dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{KeyId, Keyring, Timestamp};
    ///
    /// let ring = Keyring::with_previous(
    ///     (KeyId::from_static("2026"), "new"),
    ///     [(KeyId::from_static("2025"), "old"), (KeyId::from_static("2024"), "older")],
    ///     Timestamp::now(),
    /// )?;
    /// assert_eq!(ring.encryption_key().material(), &"new");
    /// assert!(ring.decryption_key("2025")?.is_superseded());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_previous(
        active: (KeyId, M),
        previous: impl IntoIterator<Item = (KeyId, M)>,
        at: Timestamp,
    ) -> Result<Self, InvalidKeyring> {
        let record = |(id, material), status, activated_at, deactivated_at| {
            KeyRecord::new(id, status, at, material).with_times(Times {
                added_at: Some(at),
                activated_at,
                deactivated_at,
                ..Times::default()
            })
        };
        let active = record(active, KeyStatus::Active, Some(at), None);
        let previous =
            previous.into_iter().map(|key| record(key, KeyStatus::Inactive, None, Some(at)));
        Self::from_records(iter::once(active).chain(previous))
    }

    /// Takes the ring apart, to be stored: [`from_parts`](Self::from_parts) makes the same ring of
    /// the records and tombstones. The records are in the order of [`iter`](Self::iter), the
    /// tombstones latest first.
    ///
    /// A key that could not be prepared has no material here, and so no record: store the ring that
    /// the prepared one was made of.
    #[must_use]
    pub fn into_parts(self) -> (Vec<KeyRecord<M>>, Vec<Destruction>) {
        let destroyed = self.tombstones().into_iter().cloned().collect();
        let mut others: Vec<_> = self
            .others
            .into_things()
            .into_iter()
            .filter_map(|slot| Some((slot.rank()?, slot)))
            .collect();
        others.sort_by_key(|(rank, _)| *rank);
        let others = others.into_iter().filter_map(|(_, slot)| match slot {
            Slot::Inactive { key, .. } => Some(KeyRecord::from_key(key)),
            Slot::Retired { key, .. } => Some(KeyRecord::from_key(key)),
            Slot::Revoked { key, .. } => Some(KeyRecord::from_key(key)),
            Slot::Destroyed { .. } | Slot::Unprepared { .. } => None,
        });
        let records =
            iter::once(KeyRecord::from_key(self.active.into_key())).chain(others).collect();
        (records, destroyed)
    }
}

/// A ring in the making, and what is wrong with it so far.
pub(super) struct Border<E, D: Halves<E>> {
    active: Option<Key<Active, E, D>>,
    others: Table<Slot<E, D>>,
    /// The number of records and tombstones that have come.
    seen: u32,
    /// The ids of all the keys that say that they are active.
    active_ids: Vec<KeyId>,
    /// Ids whose duplicates have been reported: once is enough.
    duplicates: HashSet<KeyId>,
    /// Ids of destroyed keys that a key has, which have been reported.
    reused: HashSet<KeyId>,
    violations: Vec<Violation>,
}

/// Room is made at once for so many records: a table that grows step by step moves each key several
/// times. More than this, and the iterator may be wrong about itself.
const MOST_AT_ONCE: usize = 1 << 16;

impl<M> Border<M, Same> {
    pub(super) fn of_parts(
        records: impl IntoIterator<Item = KeyRecord<M>>,
        destroyed: impl IntoIterator<Item = Destruction>,
    ) -> Self {
        let records = records.into_iter();
        // One of them is active, and in no table.
        let mut border = Border::with_room_for(records.size_hint().0.saturating_sub(1));
        destroyed.into_iter().for_each(|tombstone| border.admit_tombstone(tombstone));
        for record in records {
            let KeyInfo { status, used, .. } = record.info;
            border.look_at(&record.info);
            if status == KeyStatus::Active {
                border.admit_active(record.into_key());
                continue;
            }
            let Some(hash) = border.vacancy(&record.info.id, false) else { continue };
            let seq = border.seq_of(status, used);
            let refused = false;
            border.others.insert_hashed(
                hash,
                match status {
                    KeyStatus::Retired => Slot::Retired { seq, refused, key: record.into_key() },
                    KeyStatus::Revoked => Slot::Revoked { seq, key: record.into_key() },
                    KeyStatus::Inactive | KeyStatus::Active => {
                        Slot::Inactive { seq, refused, key: record.into_key() }
                    }
                },
            );
        }
        border
    }
}

impl<E, D: Halves<E>> Border<E, D> {
    pub(super) fn with_room_for(records: usize) -> Self {
        Self {
            active: None,
            others: Table::with_capacity(records.min(MOST_AT_ONCE)),
            seen: 0,
            active_ids: Vec::new(),
            duplicates: HashSet::new(),
            reused: HashSet::new(),
            violations: Vec::new(),
        }
    }

    /// Notes what is wrong with a key on its own.
    pub(super) fn look_at(&mut self, info: &KeyInfo) {
        if info.is_plausible() {
            return;
        }
        for conflict in TimeConflict::all_of(info) {
            self.violations.push(Violation::InconsistentTimes { id: info.id.clone(), conflict });
        }
    }

    pub(super) fn admit_tombstone(&mut self, tombstone: Destruction) {
        if let Some(hash) = self.vacancy(&tombstone.id, true) {
            let seq = self.seq_of(KeyStatus::Retired, true);
            self.others.insert_hashed(hash, Slot::Destroyed { seq, tombstone });
        }
    }

    pub(super) fn admit_active(&mut self, key: Key<Active, E, D>) {
        self.active_ids.push(key.id().clone());
        let Some(hash) = self.vacancy(key.id(), false) else { return };
        if self.active.is_none() {
            self.active = Some(key);
            return;
        }
        // No ring will come of it. It is kept so that a duplicate of it is found.
        let key = key.deactivate(Timestamp::MAX);
        self.others.insert_hashed(hash, Slot::Inactive { seq: self.seen, refused: false, key });
    }

    /// The hash of an id, if it is free. Otherwise it is noted what has it.
    #[inline]
    pub(super) fn vacancy(&mut self, id: &KeyId, is_tombstone: bool) -> Option<u64> {
        self.seen = self.seen.saturating_add(1);
        let hash = self.others.hash(id.as_str())?;
        let is_active = self.active.as_ref().is_some_and(|active| active.id().is(id.as_str()));
        let found_tombstone = match self.others.find_hashed(hash, id.as_str()) {
            Some(found) => Some(matches!(found, Slot::Destroyed { .. })),
            None => is_active.then_some(false),
        };
        match found_tombstone {
            None => return Some(hash),
            Some(found) if found != is_tombstone && self.reused.insert(id.clone()) => {
                self.violations.push(Violation::DestroyedKeyId { id: id.clone() });
            }
            Some(_) => {
                if self.duplicates.insert(id.clone()) {
                    self.violations.push(Violation::DuplicateKeyId { id: id.clone() });
                }
            }
        }
        None
    }

    /// The number of what has just come. Of two things at the same time, the one that came first is
    /// to come first again: what is listed latest first counts down, what is listed in the order of
    /// its coming counts up.
    fn seq_of(&self, status: KeyStatus, used: bool) -> u32 {
        if status == KeyStatus::Inactive && !used {
            FIRST_SEQ.saturating_add(self.seen)
        } else {
            FIRST_SEQ.saturating_sub(self.seen)
        }
    }

    /// Admits a key that is not active, for a builder.
    pub(super) fn admit(&mut self, info: &KeyInfo, slot: impl FnOnce(u32) -> Slot<E, D>) {
        self.look_at(info);
        if let Some(hash) = self.vacancy(&info.id, false) {
            let slot = slot(self.seq_of(info.status, info.used));
            self.others.insert_hashed(hash, slot);
        }
    }

    pub(super) fn into_ring(self) -> Result<Keyring<E, D>, InvalidKeyring> {
        match self.judged(true)? {
            Judged { active: Some(active), others, seq } => Ok(Keyring::of(active, others, seq)),
            Judged { active: None, .. } => {
                Err(InvalidKeyring::new(Vec::from([Violation::NoActiveKey])))
            }
        }
    }

    /// Returns what is here, if nothing is wrong with it.
    pub(super) fn judged(mut self, needs_active: bool) -> Result<Judged<E, D>, InvalidKeyring> {
        if self.active_ids.len() > 1 {
            let ids = self.active_ids;
            self.violations.insert(0, Violation::MultipleActiveKeys { ids });
        } else if self.active_ids.is_empty() && needs_active {
            self.violations.insert(0, Violation::NoActiveKey);
        }
        if !self.violations.is_empty() {
            return Err(InvalidKeyring::new(self.violations));
        }
        self.others.shrink();
        let seq = FIRST_SEQ.saturating_add(self.seen);
        Ok(Judged { active: self.active, others: self.others, seq })
    }
}

/// Keys that the border has found nothing wrong with.
pub(super) struct Judged<E, D: Halves<E>> {
    pub(super) active: Option<Key<Active, E, D>>,
    pub(super) others: Table<Slot<E, D>>,
    seq: u32,
}
