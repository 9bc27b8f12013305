//! The keys of a ring, in the promised order.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::{fmt, iter};

use super::Keyring;
use super::slot::Slot;
use crate::key::{Destruction, Halves, Key, KeyRef, Same};
use crate::material::KeyMaterial;
use crate::status::Active;

/// The keys of a ring, as [`Keyring::iter`] lists them.
pub struct Iter<'r, E = KeyMaterial, D: Halves<E> = Same> {
    ring: &'r Keyring<E, D>,
    active: Option<&'r Key<Active, E, D>>,
    /// The others, sorted when the first of them is asked for.
    others: Option<vec::IntoIter<KeyRef<'r, E, D>>>,
}

impl<'r, E, D: Halves<E>> Iter<'r, E, D> {
    pub(super) fn new(ring: &'r Keyring<E, D>) -> Self {
        Self { ring, active: Some(ring.active()), others: None }
    }
}

impl<'r, E, D: Halves<E>> Iterator for Iter<'r, E, D> {
    type Item = KeyRef<'r, E, D>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(active) = self.active.take() {
            return Some(KeyRef::Active(active));
        }
        let ring = self.ring;
        self.others.get_or_insert_with(|| ring.sort(Slot::key).into_iter()).next()
    }
}

impl<'r, E, D: Halves<E>> IntoIterator for &'r Keyring<E, D> {
    type Item = KeyRef<'r, E, D>;
    type IntoIter = Iter<'r, E, D>;

    fn into_iter(self) -> Iter<'r, E, D> {
        self.iter()
    }
}

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Lists what is picked of the keys that are not active, in the promised order. The sort waits
    /// until somebody asks for the first.
    pub(super) fn sorted<'r, T: 'r>(
        &'r self,
        pick: impl Fn(&'r Slot<E, D>) -> Option<T> + 'r,
    ) -> impl Iterator<Item = T> {
        iter::once_with(move || self.sort(pick)).flatten()
    }

    fn sort<'r, T>(&'r self, pick: impl Fn(&'r Slot<E, D>) -> Option<T>) -> Vec<T> {
        let ranked = |slot: &'r Slot<E, D>| Some((slot.rank()?, pick(slot)?));
        let mut picked: Vec<_> = self.others.iter().filter_map(ranked).collect();
        picked.sort_by_key(|(rank, _)| *rank);
        picked.into_iter().map(|(_, picked)| picked).collect()
    }

    /// The tombstones, latest first.
    pub(super) fn tombstones(&self) -> Vec<&Destruction> {
        let tombstone = |slot| match slot {
            &Slot::Destroyed { seq, ref tombstone } => Some((seq, tombstone)),
            _ => None,
        };
        let mut tombstones: Vec<_> = self.others.iter().filter_map(tombstone).collect();
        tombstones.sort_by_key(|(seq, tombstone)| Reverse((tombstone.at, *seq)));
        tombstones.into_iter().map(|(_, tombstone)| tombstone).collect()
    }
}

impl<E, D: Halves<E>> fmt::Debug for Iter<'_, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("ring", self.ring).finish_non_exhaustive()
    }
}
