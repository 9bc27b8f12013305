//! Things that have a key id, found by one hash and one probe.

use alloc::alloc::handle_alloc_error;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::hash::BuildHasher;
use core::mem;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::id::KeyId;

/// A thing that a [`Table`] holds.
pub(super) trait Identified {
    fn id(&self) -> &KeyId;
}

/// A set of things with an id.
///
/// The index is small, so a lookup among many finds it in the cache, and the things lie side by
/// side, without the room that a hash table keeps free.
pub(super) struct Table<T> {
    /// Positions in `things`.
    index: HashTable<Position>,
    things: Vec<T>,
    /// Seeded, because ids to look up come from outside.
    hasher: DefaultHashBuilder,
}

/// Half the size of a pointer, which is as many bytes less in the cache for each lookup.
type Position = u32;

impl<T: Identified> Table<T> {
    pub(super) fn new() -> Self {
        Self::with_capacity(0)
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            index: HashTable::with_capacity(capacity),
            things: Vec::with_capacity(capacity),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Gives back room that is not needed.
    pub(super) fn shrink(&mut self) {
        self.index.shrink_to_fit(rehash(&self.things, &self.hasher));
        self.things.shrink_to_fit();
    }

    /// In no order that is promised.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.things.iter()
    }

    /// In no order that is promised. Leave the ids as they are.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.iter_mut()
    }

    pub(super) fn into_things(self) -> Vec<T> {
        self.things
    }

    /// The hash of an id; `None` for what is too long to be one, and not worth a hash.
    #[inline]
    pub(super) fn hash(&self, id: &str) -> Option<u64> {
        (id.len() <= KeyId::MAX_LEN).then(|| self.hasher.hash_one(id))
    }

    /// The first thing whose id may have this hash, which is nearly always the only one. To compare
    /// ids after this, and not within the search, leaves the search the registers that it needs.
    #[inline]
    pub(super) fn first(&self, hash: u64) -> Option<&T> {
        let position = *self.index.find(hash, |_| true)?;
        self.things.get(position as usize)
    }

    pub(super) fn find(&self, id: &str) -> Option<&T> {
        self.find_hashed(self.hash(id)?, id)
    }

    /// [`find`](Self::find) where the hash of the id is at hand.
    #[inline]
    pub(super) fn find_hashed(&self, hash: u64, id: &str) -> Option<&T> {
        let position = *self.index.find(hash, is_at(&self.things, id))?;
        self.things.get(position as usize)
    }

    /// Makes room for one more, so that the next [`insert`](Self::insert) cannot fail.
    pub(super) fn reserve_one(&mut self) {
        self.index.reserve(1, rehash(&self.things, &self.hasher));
        if self.things.len() == self.things.capacity() {
            // Not twice the size: what is reserved and never used counts for more here than
            // moving some keys again.
            self.things.reserve_exact(self.things.len() / 32 + 4);
        }
        if Position::try_from(self.things.len()).is_err() {
            no_room_for(Layout::new::<T>());
        }
    }

    /// Inserts what is known not to be there.
    pub(super) fn insert(&mut self, thing: T) {
        let hash = self.hasher.hash_one(thing.id().as_str());
        self.insert_hashed(hash, thing);
    }

    /// [`insert`](Self::insert) where the hash of the id is at hand.
    #[inline]
    pub(super) fn insert_hashed(&mut self, hash: u64, thing: T) {
        self.reserve_one();
        let position = self.things.len() as Position;
        self.things.push(thing);
        self.index.insert_unique(hash, position, rehash(&self.things, &self.hasher));
    }

    /// Lets `swap` put another thing in the place of the one of this id, unless it answers `None`;
    /// `None` if there is none. The id of what comes is known not to be there.
    #[inline]
    pub(super) fn exchange<R>(
        &mut self,
        id: &str,
        swap: impl FnOnce(&mut T) -> Option<R>,
    ) -> Option<R> {
        // Before anything changes.
        self.index.reserve(1, rehash(&self.things, &self.hasher));
        let entry = self.index.find_entry(self.hash(id)?, is_at(&self.things, id)).ok()?;
        let thing = self.things.get_mut(*entry.get() as usize)?;
        let answer = swap(thing)?;
        let incoming = self.hasher.hash_one(thing.id().as_str());
        let (position, _) = entry.remove();
        self.index.insert_unique(incoming, position, rehash(&self.things, &self.hasher));
        Some(answer)
    }

    /// Puts a thing in the place of the one of this id, which it answers. The id of what comes is
    /// known not to be there.
    pub(super) fn displace(&mut self, id: &str, thing: T) -> Option<T> {
        self.reserve_one();
        let hash = self.hasher.hash_one(id);
        let Ok(entry) = self.index.find_entry(hash, is_at(&self.things, id)) else {
            self.insert(thing);
            return None;
        };
        let (position, _) = entry.remove();
        let hash = self.hasher.hash_one(thing.id().as_str());
        let displaced =
            self.things.get_mut(position as usize).map(|place| mem::replace(place, thing));
        self.index.insert_unique(hash, position, rehash(&self.things, &self.hasher));
        displaced
    }

    /// Puts a thing in the place of the one of the same id, which it answers.
    pub(super) fn replace(&mut self, thing: T) -> Option<T> {
        let id = thing.id().as_str();
        let found = self.index.find(self.hasher.hash_one(id), is_at(&self.things, id)).copied();
        match found.and_then(|position| self.things.get_mut(position as usize)) {
            Some(place) => Some(mem::replace(place, thing)),
            None => {
                self.insert(thing);
                None
            }
        }
    }

    /// The same ids over other things, which are made in the order that `rank` gives them.
    pub(super) fn try_map<U: Identified, K: Ord, E>(
        &self,
        rank: impl Fn(&T) -> K,
        mut f: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Table<U>, E> {
        let mut order: Vec<(usize, &T)> = self.things.iter().enumerate().collect();
        order.sort_by_cached_key(|(_, thing)| rank(thing));
        let mut things = Vec::with_capacity(self.things.len());
        for (position, thing) in order {
            things.push((position, f(thing)?));
        }
        // Back to the positions that the index knows.
        things.sort_unstable_by_key(|(position, _)| *position);
        Ok(Table {
            index: self.index.clone(),
            things: things.into_iter().map(|(_, thing)| thing).collect(),
            hasher: self.hasher.clone(),
        })
    }

    /// The same ids over other things, made in no order that is promised.
    pub(super) fn map<U: Identified>(&self, f: impl Fn(&T) -> U) -> Table<U> {
        Table {
            index: self.index.clone(),
            things: self.things.iter().map(f).collect(),
            hasher: self.hasher.clone(),
        }
    }
}

/// What a search in the index asks of a position: whether the thing there has this id.
fn is_at<T: Identified>(things: &[T], id: &str) -> impl Fn(&Position) -> bool {
    move |position| things.get(*position as usize).is_some_and(|thing| thing.id().is(id))
}

/// What the index asks when it grows: the hash of the thing at a position.
fn rehash<T: Identified>(things: &[T], hasher: &DefaultHashBuilder) -> impl Fn(&Position) -> u64 {
    |position| {
        things.get(*position as usize).map_or(0, |thing| hasher.hash_one(thing.id().as_str()))
    }
}

/// Four billion things, which is what a position can count, are hundreds of gigabytes: treated as
/// the end of the memory, which stops the program rather than let a position be wrong.
#[cold]
fn no_room_for(one_more: Layout) -> ! {
    handle_alloc_error(one_more)
}
