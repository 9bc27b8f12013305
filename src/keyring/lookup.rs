//! How a key is found by its id, and why it is not.

use super::Keyring;
use crate::error::{Absent, EscapedText};
use crate::id::{KeyId, Long, Sought, Usual};
use crate::key::KeyRef;

impl<M> Keyring<M> {
    // One way for each kind of id. The usual one is inlined where a program asks for a key, and so is
    // whether a long one is the active one; the rest are calls, so that the usual way stays short.
    #[inline(always)]
    pub(super) fn look_up(&self, id: &str) -> Option<KeyRef<'_, M>> {
        if let Some(id) = Usual::new(id) {
            if self.active.is(id) { Some(KeyRef::Active(self.active())) } else { self.among(id) }
        } else if let Some(long) = Long::new(id) {
            if self.active.is(long) {
                Some(KeyRef::Active(self.active()))
            } else {
                self.among_long(id)
            }
        } else {
            self.look_up_other(id)
        }
    }

    /// For an id of up to 7 bytes, and for what is no key's id and not worth a hash.
    #[inline(never)]
    fn look_up_other(&self, id: &str) -> Option<KeyRef<'_, M>> {
        if id.len() > KeyId::MAX_LEN {
            None
        } else if self.active.is(id) {
            Some(KeyRef::Active(self.active()))
        } else {
            self.among(id)
        }
    }

    /// Among the keys that are not active.
    #[inline(always)]
    fn among(&self, id: impl Sought) -> Option<KeyRef<'_, M>> {
        let hash = self.hasher.hash(id);
        match self.inactive.first(hash) {
            Some(key) if id.is(key.id()) => Some(KeyRef::Inactive(key)),
            Some(_) => self.among_all(hash, id.as_str()),
            None if self.retired.is_empty() => None,
            None => self.among_retired(hash, id.as_str()),
        }
    }

    // The text, which two registers hold, and not the `Long`, which would go through memory.
    #[inline(never)]
    fn among_long(&self, id: &str) -> Option<KeyRef<'_, M>> {
        self.among(Long::new(id)?)
    }

    /// [`among`](Self::among) where another inactive key has an id with a hash that is alike.
    #[cold]
    #[inline(never)]
    fn among_all(&self, hash: u64, id: &str) -> Option<KeyRef<'_, M>> {
        let inactive = self.inactive.find(hash, id).map(KeyRef::Inactive);
        inactive.or_else(|| self.among_retired(hash, id))
    }

    #[inline(never)]
    fn among_retired(&self, hash: u64, id: &str) -> Option<KeyRef<'_, M>> {
        self.retired.find(hash, id).map(KeyRef::Retired)
    }

    /// Why there is no such key.
    #[cold]
    #[inline(never)]
    pub(super) fn absent<E: From<Absent>>(&self, id: &str) -> E {
        if id.len() > KeyId::MAX_LEN {
            return Absent::NotFound(EscapedText::from(id)).into();
        }
        let hash = self.hasher.hash(id);
        if let Some(tombstone) = self.destroyed.find(hash, id) {
            Absent::Destroyed(tombstone.clone()).into()
        } else if let Some(withheld) = self.withheld.find(hash, id) {
            Absent::Withheld(withheld.clone()).into()
        } else {
            Absent::NotFound(EscapedText::from(id)).into()
        }
    }
}
