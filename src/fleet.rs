//! [`Fleet`]: what is known of the world outside a ring.

use alloc::vec::Vec;

use crate::id::KeyId;
use crate::revision::Revision;
use crate::text::AuditText;
use crate::timestamp::Timestamp;

/// The knowledge of the world outside a ring: which process has loaded which revision, how often a
/// key was used, how much data still needs it. It is data; nobody is asked.
///
/// Reports hold a step back, and never take the place of a wait: a process that does not report may
/// be there all the same.
///
/// # Examples
///
/// ```
/// use key_rotation::policy::{Fleet, References};
/// use key_rotation::{KeyId, Timestamp};
///
/// let references = References { id: KeyId::from_static("k1"), count: 0, counted_at: Timestamp::now() };
/// let fleet = Fleet { references: vec![references], ..Fleet::UNKNOWN };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "programs write it field by field")]
pub struct Fleet {
    /// The last report of each process.
    pub nodes: Vec<NodeReport>,
    /// How much data needs a key.
    pub references: Vec<References>,
}

/// The report of a process about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "programs write it field by field")]
pub struct NodeReport {
    /// The name of the process.
    pub node: AuditText,
    /// The revision that it has loaded.
    pub revision: Revision,
    /// The time, by the store's clock, until which the report holds. After it the process may be
    /// gone.
    pub lease_end: Timestamp,
    /// The keys that it could not prepare.
    pub unprepared: Vec<KeyId>,
    /// How often it has used the keys.
    pub usage: Vec<KeyUsage>,
}

/// How often a process has used a key, and when it did so last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "programs write it field by field")]
pub struct KeyUsage {
    /// The key.
    pub id: KeyId,
    /// The number of encryptions.
    pub encryptions: u64,
    /// The time of the last encryption.
    pub last_encryption: Option<Timestamp>,
    /// The time of the last decryption.
    pub last_decryption: Option<Timestamp>,
}

/// How much data needs a key, as somebody has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "programs write it field by field")]
pub struct References {
    /// The key.
    pub id: KeyId,
    /// The number of pieces of data.
    pub count: u64,
    /// The time at which the counting began.
    pub counted_at: Timestamp,
}

impl Fleet {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { nodes: Vec::new(), references: Vec::new() };

    /// Returns how often the key has encrypted, as far as processes report; `None` if none does.
    #[must_use]
    pub fn encryptions(&self, id: &KeyId) -> Option<u64> {
        let counts = self.usage(id).map(|usage| usage.encryptions);
        counts.reduce(u64::saturating_add)
    }

    /// Returns the time of the last encryption that was reported.
    pub(crate) fn last_encryption(&self, id: &KeyId) -> Option<Timestamp> {
        self.usage(id).filter_map(|usage| usage.last_encryption).max()
    }

    /// Returns the time of the last decryption that was reported.
    pub(crate) fn last_decryption(&self, id: &KeyId) -> Option<Timestamp> {
        self.usage(id).filter_map(|usage| usage.last_decryption).max()
    }

    /// Returns the latest count of the data that needs the key.
    pub(crate) fn latest_count(&self, id: &KeyId) -> Option<&References> {
        let counts = self.references.iter().filter(|references| references.id == *id);
        counts.max_by_key(|references| references.counted_at)
    }

    fn usage(&self, id: &KeyId) -> impl Iterator<Item = &KeyUsage> {
        self.nodes.iter().flat_map(|node| &node.usage).filter(move |usage| usage.id == *id)
    }
}
