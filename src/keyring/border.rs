//! Where stored records become a ring, or are refused with everything that is wrong with them.

use alloc::vec::Vec;
use core::iter;

use hashbrown::HashSet;

use super::Keyring;
use super::active::ActiveKey;
use super::table::{IdHasher, Table};
use crate::error::{InvalidKeyring, Violation};
use crate::id::KeyId;
use crate::key::Key;
use crate::receipt::Destruction;
use crate::record::KeyRecord;
use crate::status::{Active, Inactive, KeyStatus, Retired};

impl<M> Keyring<M> {
    /// The ring that these records make. [`from_parts`](Self::from_parts) without tombstones.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`], as for [`from_parts`](Self::from_parts).
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

    /// The ring that these records and tombstones make: the border between data and types.
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
    /// ```
    /// use key_rotation::{Destruction, KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
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
        let records = records.into_iter();
        // One of them is active, and in no table.
        let mut border = Border::with_room_for(records.size_hint().0.saturating_sub(1));
        destroyed.into_iter().for_each(|tombstone| border.admit_tombstone(tombstone));
        records.for_each(|record| border.admit(record));
        border.into_ring()
    }

    /// The records and tombstones of this ring, to be stored: [`from_parts`](Self::from_parts)
    /// makes the same ring of them. The records are in the order of [`iter`](Self::iter), the
    /// tombstones latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// let (records, destroyed) = ring.into_parts();
    /// assert_eq!(records.len(), 1);
    /// let same = Keyring::from_parts(records, destroyed)?;
    /// # Ok::<(), key_rotation::InvalidKeyring>(())
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (Vec<KeyRecord<M>>, Vec<Destruction>) {
        let records = iter::once(KeyRecord::from_key(self.active.into_key()))
            .chain(self.inactive.into_sorted().map(KeyRecord::from_key))
            .chain(self.retired.into_sorted().map(KeyRecord::from_key))
            .collect();
        (records, self.destroyed.into_sorted().collect())
    }
}

/// A ring in the making, and what is wrong with it so far.
struct Border<M> {
    active: Option<Key<Active, M>>,
    inactive: Table<Key<Inactive, M>>,
    retired: Table<Key<Retired, M>>,
    destroyed: Table<Destruction>,
    hasher: IdHasher,
    /// How many records and tombstones have come.
    seen: i64,
    /// The ids of all the records that say that they are active.
    active_ids: Vec<KeyId>,
    /// Ids whose duplicates have been reported: once is enough.
    duplicates: HashSet<KeyId>,
    violations: Vec<Violation>,
}

/// Room is made at once for so many records: a table that grows step by step moves each key several
/// times. More than this, and the iterator may be wrong about itself.
const MOST_AT_ONCE: usize = 1 << 16;

impl<M> Border<M> {
    fn with_room_for(records: usize) -> Self {
        Self {
            active: None,
            // Where most keys stay inactive, as they do until they are retired one by one.
            inactive: Table::with_capacity(records.min(MOST_AT_ONCE)),
            retired: Table::new(),
            destroyed: Table::new(),
            hasher: IdHasher::default(),
            seen: 0,
            active_ids: Vec::new(),
            duplicates: HashSet::new(),
            violations: Vec::new(),
        }
    }

    fn admit_tombstone(&mut self, tombstone: Destruction) {
        self.seen += 1;
        let hash = self.hasher.hash(tombstone.id.as_str());
        if self.destroyed.find(hash, tombstone.id.as_str()).is_some() {
            self.report_duplicate(tombstone.id);
        } else {
            self.destroyed.insert(hash, -self.seen, tombstone, &self.hasher);
        }
    }

    fn admit(&mut self, record: KeyRecord<M>) {
        self.seen += 1;
        for conflict in record.time_conflicts().into_iter().flatten() {
            self.violations.push(Violation::InconsistentTimes { id: record.id.clone(), conflict });
        }
        if record.status == KeyStatus::Active {
            self.active_ids.push(record.id.clone());
        }

        let hash = self.hasher.hash(record.id.as_str());
        if self.knows(hash, &record.id) {
            self.report_duplicate(record.id);
            return;
        }
        if self.destroyed.find(hash, record.id.as_str()).is_some() {
            self.violations.push(Violation::DestroyedKeyId { id: record.id.clone() });
        }
        // Of two things at the same time, the record that came first is to come first again:
        // what is listed latest first counts down, what is listed in order of insertion counts up.
        let (earlier, later) = (-self.seen, self.seen);
        match record.status {
            KeyStatus::Active if self.active.is_none() => {
                self.active = Some(Key::from_parts(record.into_parts()));
            }
            KeyStatus::Inactive => {
                let order = if record.activated_at.is_some() { earlier } else { later };
                let key = Key::from_parts(record.into_parts());
                self.inactive.insert(hash, order, key, &self.hasher);
            }
            // A second active key is a violation, and no ring will come of it. It is kept only so
            // that a duplicate of it is found.
            KeyStatus::Retired | KeyStatus::Active => {
                let key = Key::from_parts(record.into_parts());
                self.retired.insert(hash, earlier, key, &self.hasher);
            }
        }
    }

    fn knows(&self, hash: u64, id: &KeyId) -> bool {
        self.active.as_ref().is_some_and(|active| active.id() == id)
            || self.inactive.find(hash, id.as_str()).is_some()
            || self.retired.find(hash, id.as_str()).is_some()
    }

    fn report_duplicate(&mut self, id: KeyId) {
        if self.duplicates.insert(id.clone()) {
            self.violations.push(Violation::DuplicateKeyId { id });
        }
    }

    fn into_ring(mut self) -> Result<Keyring<M>, InvalidKeyring> {
        let active = match (self.active, self.active_ids.as_slice()) {
            (Some(active), [_]) if self.violations.is_empty() => active,
            (_, ids) => {
                if ids.is_empty() {
                    self.violations.insert(0, Violation::NoActiveKey);
                } else if ids.len() > 1 {
                    self.violations
                        .insert(0, Violation::MultipleActiveKeys { ids: self.active_ids });
                }
                return Err(InvalidKeyring::new(self.violations));
            }
        };
        self.inactive.shrink(&self.hasher);
        Ok(Keyring {
            active: ActiveKey::new(active),
            inactive: self.inactive,
            retired: self.retired,
            destroyed: self.destroyed,
            withheld: Table::new(),
            hasher: self.hasher,
            order: self.seen,
        })
    }
}
