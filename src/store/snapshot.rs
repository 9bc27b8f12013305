//! [`Snapshot`]: the content of a store; and [`Loaded`], the answer to a load.

use alloc::vec::Vec;
use core::fmt;

use crate::key::{Destruction, KeyRecord};
use crate::material::KeyMaterial;
use crate::revision::Revision;
use crate::ring::{InvalidKeyring, Keyring};
use crate::ring_name::RingName;
use crate::timestamp::Timestamp;

/// The answer of a store to a load.
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a reader handles every answer")]
pub enum Loaded<M = KeyMaterial> {
    /// The store is at the revision that was seen, and no row is missing.
    Unchanged {
        /// The time by the store's clock, if it has one.
        store_time: Option<Timestamp>,
    },
    /// The content of the store, which descends from the revision that was seen.
    Ring(Snapshot<M>),
    /// The revision that was seen is not in the store's history. Keep the ring, and confirm nothing:
    /// to follow the new history is an operator's act.
    NotInHistory {
        /// The revision that was seen.
        seen: Revision,
        /// The revision that the store has.
        found: Revision,
    },
}

// By hand, because a derive would ask for `M: Debug`.
impl<M> fmt::Debug for Loaded<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged { store_time } => {
                f.debug_struct("Unchanged").field("store_time", store_time).finish()
            }
            Self::Ring(snapshot) => f.debug_tuple("Ring").field(snapshot).finish(),
            Self::NotInHistory { seen, found } => {
                f.debug_struct("NotInHistory").field("seen", seen).field("found", found).finish()
            }
        }
    }
}

/// The content of a store, as of one revision.
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "providers write it field by field")]
pub struct Snapshot<M = KeyMaterial> {
    /// The ring.
    pub ring: RingName,
    /// The revision.
    pub revision: Revision,
    /// The keys.
    pub records: Vec<KeyRecord<M>>,
    /// The tombstones.
    pub destroyed: Vec<Destruction>,
    /// The number of ids that the ring has ever used: of keys and of tombstones. A store counts it
    /// apart from the rows, so that a lost row is noticed.
    pub ids: u64,
    /// When the ring was closed, if it was.
    pub closed: Option<Timestamp>,
    /// The time by the store's clock, if it has one. It judges clocks, and never freshness.
    pub store_time: Option<Timestamp>,
}

impl<M> Snapshot<M> {
    /// Makes the snapshot of a ring that nothing was ever written to.
    pub fn empty(ring: RingName) -> Self {
        Self {
            ring,
            revision: Revision::EMPTY,
            records: Vec::new(),
            destroyed: Vec::new(),
            ids: 0,
            closed: None,
            store_time: None,
        }
    }

    /// Returns true if nothing was ever written: a cold start. A store that has a revision and no
    /// rows is not empty but damaged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revision == Revision::EMPTY && self.rows() == 0 && self.ids == 0
    }

    /// Returns true if there are as many rows as ids were used.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rows() == self.ids
    }

    /// Makes the ring of these records and tombstones.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyring`], as for [`Keyring::from_parts`], and with
    /// [`Violation::LostKeys`](crate::ring::Violation::LostKeys) if a row is missing.
    pub fn into_keyring(self) -> Result<Keyring<M>, InvalidKeyring> {
        let (used, found) = (self.ids, self.rows());
        let ring = Keyring::from_parts(self.records, self.destroyed);
        if used == found {
            ring
        } else {
            Err(InvalidKeyring::of_lost_keys(ring.err(), used, found))
        }
    }

    fn rows(&self) -> u64 {
        // A `usize` is at most 64 bits wide.
        (self.records.len() + self.destroyed.len()) as u64
    }
}

impl<M> Clone for Snapshot<M> {
    fn clone(&self) -> Self {
        Self {
            ring: self.ring.clone(),
            revision: self.revision,
            records: self.records.clone(),
            destroyed: self.destroyed.clone(),
            ids: self.ids,
            closed: self.closed,
            store_time: self.store_time,
        }
    }
}

// By hand, because a derive would ask for `M: Debug`.
impl<M> fmt::Debug for Snapshot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("ring", &self.ring)
            .field("revision", &self.revision)
            .field("records", &self.records)
            .field("destroyed", &self.destroyed)
            .field("ids", &self.ids)
            .field("closed", &self.closed)
            .field("store_time", &self.store_time)
            .finish()
    }
}
