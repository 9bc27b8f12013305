//! Things that have a key id, found by one hash and one probe, and listed latest first.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::hash::{BuildHasher, Hasher};
use core::mem;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Withheld;
use crate::id::KeyId;
use crate::key::Key;
use crate::receipt::Destruction;
use crate::status::Status;
use crate::timestamp::Timestamp;

/// What a [`Table`] holds.
pub(super) trait Identified {
    fn id(&self) -> &KeyId;

    /// What makes one come before another: the later, the earlier in the list. `None` comes last,
    /// in order of insertion.
    fn recency(&self) -> Option<(Timestamp, Option<Timestamp>)>;
}

impl<S: Status, M> Identified for Key<S, M> {
    fn id(&self) -> &KeyId {
        self.id()
    }

    fn recency(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        let staged = S::STATUS == crate::KeyStatus::Inactive && self.activated_at().is_none();
        (!staged).then(|| (self.status_since(), self.activated_at()))
    }
}

impl Identified for Withheld {
    fn id(&self) -> &KeyId {
        &self.key.id
    }

    fn recency(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        Some((self.key.status_since, self.key.activated_at))
    }
}

impl Identified for Destruction {
    fn id(&self) -> &KeyId {
        &self.id
    }

    fn recency(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        Some((self.at, None))
    }
}

/// Hashes ids, alike for all the tables of a ring. Seeded, because ids to look up come from
/// outside.
#[derive(Clone, Default)]
pub(super) struct IdHasher(DefaultHashBuilder);

impl IdHasher {
    #[inline]
    pub(super) fn hash(&self, id: &str) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(id.as_bytes());
        hasher.finish()
    }
}

/// A set of things with an id, stored inline: a lookup touches the control bytes and one place.
pub(super) struct Table<T> {
    places: HashTable<Place<T>>,
}

struct Place<T> {
    /// Tells apart what happened at the same millisecond.
    order: i64,
    value: T,
}

impl<T: Identified> Table<T> {
    pub(super) fn new() -> Self {
        Self { places: HashTable::new() }
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { places: HashTable::with_capacity(capacity) }
    }

    /// Gives back room that is not needed.
    pub(super) fn shrink(&mut self, hasher: &IdHasher) {
        self.places.shrink_to_fit(|place| hasher.hash(place.value.id().as_str()));
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    #[inline(always)]
    pub(super) fn find(&self, hash: u64, id: &str) -> Option<&T> {
        if self.places.is_empty() {
            return None;
        }
        let place = self.places.find(hash, |place| place.value.id().is(id))?;
        Some(&place.value)
    }

    /// Makes room for one more, so that the next [`insert`](Self::insert) cannot fail.
    pub(super) fn reserve_one(&mut self, hasher: &IdHasher) {
        self.places.reserve(1, |place| hasher.hash(place.value.id().as_str()));
    }

    /// Inserts what is known not to be there.
    pub(super) fn insert(&mut self, hash: u64, order: i64, value: T, hasher: &IdHasher) {
        self.places.insert_unique(hash, Place { order, value }, |place| {
            hasher.hash(place.value.id().as_str())
        });
    }

    pub(super) fn remove(&mut self, hash: u64, id: &str) -> Option<T> {
        let place = self.places.find_entry(hash, |place| place.value.id().is(id)).ok()?;
        Some(place.remove().0.value)
    }

    /// In the promised order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        // The sort waits until somebody asks for the first element.
        core::iter::once_with(|| self.sorted()).flatten().map(|place| &place.value)
    }

    pub(super) fn into_sorted(mut self) -> impl Iterator<Item = T> {
        let mut places: Vec<_> = mem::take(&mut self.places).into_iter().collect();
        places.sort_unstable_by(Place::compare);
        places.into_iter().map(|place| place.value)
    }

    /// The same ids in the same order, over other values.
    pub(super) fn try_map<U: Identified, E>(
        &self,
        hasher: &IdHasher,
        mut f: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Table<U>, E> {
        let mut places = HashTable::with_capacity(self.len());
        let rehash = |place: &Place<U>| hasher.hash(place.value.id().as_str());
        for Place { order, value } in self.sorted() {
            let place = Place { order: *order, value: f(value)? };
            places.insert_unique(rehash(&place), place, rehash);
        }
        Ok(Table { places })
    }

    fn sorted(&self) -> Vec<&Place<T>> {
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_unstable_by(|a, b| a.compare(b));
        places
    }
}

/// A hash table stops dropping at the first value whose drop panics, and the materials of the rest
/// would never be wiped. A `Vec` goes on.
impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        drop(mem::take(&mut self.places).into_iter().collect::<Vec<_>>());
    }
}

impl<T: Identified> Place<T> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self.value.recency(), other.value.recency()) {
            (Some(a), Some(b)) => b.cmp(&a).then(other.order.cmp(&self.order)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.order.cmp(&other.order),
        }
    }
}
