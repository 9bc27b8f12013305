//! Things that have a key id, found by one hash and one probe, and listed latest first.

use alloc::alloc::handle_alloc_error;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cmp::Ordering;
use core::hash::{BuildHasher, Hasher};
use core::mem;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Withheld;
use crate::id::{KeyId, Sought};
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
    #[inline]
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
    #[inline(always)]
    pub(super) fn hash(&self, id: impl Sought) -> u64 {
        let mut hasher = self.0.build_hasher();
        id.feed(&mut hasher);
        hasher.finish()
    }
}

/// A set of things with an id.
///
/// The index is small, so a lookup among many finds it in the cache, and the things lie side by
/// side, without the room that a hash table keeps free.
pub(super) struct Table<T> {
    /// Positions in `places`.
    index: HashTable<Position>,
    places: Vec<Place<T>>,
}

/// Half the size of a pointer, which is as many bytes less in the cache for each lookup.
type Position = u32;

struct Place<T> {
    /// Tells apart what happened at the same millisecond.
    order: i64,
    value: T,
}

impl<T: Identified> Table<T> {
    pub(super) fn new() -> Self {
        Self { index: HashTable::new(), places: Vec::new() }
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { index: HashTable::with_capacity(capacity), places: Vec::with_capacity(capacity) }
    }

    /// Gives back room that is not needed.
    pub(super) fn shrink(&mut self, hasher: &IdHasher) {
        self.index.shrink_to_fit(rehash(&self.places, hasher));
        self.places.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The first thing whose id may have this hash, which is nearly always the only one.
    ///
    /// To compare ids after this, and not within the search as [`find`](Self::find) does, leaves
    /// the search the registers that it needs.
    #[inline(always)]
    pub(super) fn first(&self, hash: u64) -> Option<&T> {
        let position = *self.index.find(hash, |_| true)?;
        self.places.get(position as usize).map(|place| &place.value)
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, id: impl Sought) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        let position = *self.index.find(hash, is_at(&self.places, id))?;
        self.places.get(position as usize).map(|place| &place.value)
    }

    /// Makes room for one more, so that the next [`insert`](Self::insert) cannot fail.
    pub(super) fn reserve_one(&mut self, hasher: &IdHasher) {
        self.index.reserve(1, rehash(&self.places, hasher));
        if self.places.len() == self.places.capacity() {
            // Not twice the size: what is reserved and never used counts for more here than
            // moving some pointers again.
            self.places.reserve_exact(self.places.len() / 8 + 4);
        }
        if Position::try_from(self.places.len()).is_err() {
            no_room_for(Layout::new::<Place<T>>());
        }
    }

    /// Inserts what is known not to be there.
    pub(super) fn insert(&mut self, hash: u64, order: i64, value: T, hasher: &IdHasher) {
        self.reserve_one(hasher);
        let position = self.places.len() as Position;
        self.places.push(Place { order, value });
        self.index.insert_unique(hash, position, rehash(&self.places, hasher));
    }

    /// Lets `swap` put another value in the place of the one of this id; `None` if there is none.
    /// What comes has an id with the hash `incoming`, which is known not to be there.
    #[inline(always)]
    pub(super) fn exchange<R>(
        &mut self,
        (hash, id): (u64, impl Sought),
        (incoming, order): (u64, i64),
        hasher: &IdHasher,
        swap: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        // Before anything changes.
        self.index.reserve(1, rehash(&self.places, hasher));
        let entry = self.index.find_entry(hash, is_at(&self.places, id)).ok()?;
        let place = self.places.get_mut(*entry.get() as usize)?;
        let answer = swap(&mut place.value);
        place.order = order;
        let (position, _) = entry.remove();
        self.index.insert_unique(incoming, position, rehash(&self.places, hasher));
        Some(answer)
    }

    pub(super) fn remove(&mut self, hash: u64, id: &KeyId, hasher: &IdHasher) -> Option<T> {
        let entry = self.index.find_entry(hash, is_at(&self.places, id.as_str())).ok()?;
        let (position, _) = entry.remove();
        // The last takes the free place.
        let last = self.places.pop()?;
        let last_position = self.places.len() as Position;
        let Some(place) = self.places.get_mut(position as usize) else { return Some(last.value) };
        let hash = hasher.hash(last.value.id().as_str());
        if let Some(moved) = self.index.find_mut(hash, |moved| *moved == last_position) {
            *moved = position;
        }
        Some(mem::replace(place, last).value)
    }

    /// In the promised order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        // The sort waits until somebody asks for the first element.
        core::iter::once_with(|| self.sorted()).flatten().map(|(_, place)| &place.value)
    }

    pub(super) fn into_sorted(mut self) -> impl Iterator<Item = T> {
        self.places.sort_unstable_by(Place::compare);
        self.places.into_iter().map(|place| place.value)
    }

    /// The same ids over copies of the values, or what stands for copies of them.
    pub(super) fn copy(&self, copy: impl Fn(&T) -> T) -> Self {
        let place = |Place { order, value }: &_| Place { order: *order, value: copy(value) };
        Self { index: self.index.clone(), places: self.places.iter().map(place).collect() }
    }

    /// The same ids in the same order, over other values, which are made in the promised order.
    pub(super) fn try_map<U: Identified, E>(
        &self,
        mut f: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Table<U>, E> {
        let mut places = Vec::with_capacity(self.len());
        for (position, Place { order, value }) in self.sorted() {
            places.push((position, Place { order: *order, value: f(value)? }));
        }
        // Back to the positions that the index knows.
        places.sort_unstable_by_key(|(position, _)| *position);
        let places = places.into_iter().map(|(_, place)| place).collect();
        Ok(Table { index: self.index.clone(), places })
    }

    fn sorted(&self) -> Vec<(usize, &Place<T>)> {
        let mut places: Vec<_> = self.places.iter().enumerate().collect();
        places.sort_unstable_by(|(_, a), (_, b)| a.compare(b));
        places
    }
}

/// What a search in the index asks of a position: whether the thing there has this id.
#[inline(always)]
fn is_at<T: Identified>(places: &[Place<T>], id: impl Sought) -> impl Fn(&Position) -> bool {
    move |position| places.get(*position as usize).is_some_and(|place| id.is(place.value.id()))
}

/// What the index asks when it grows: the hash of the thing at a position.
fn rehash<T: Identified>(places: &[Place<T>], hasher: &IdHasher) -> impl Fn(&Position) -> u64 {
    |position| {
        places.get(*position as usize).map_or(0, |place| hasher.hash(place.value.id().as_str()))
    }
}

/// Four billion things, which is what a position can count, are hundreds of gigabytes: treated as the
/// end of the memory, which stops the program rather than let a position be wrong.
#[cold]
fn no_room_for(one_more: Layout) -> ! {
    handle_alloc_error(one_more)
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
