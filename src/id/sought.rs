//! An id that is looked up: to be compared and hashed, and nothing else.
//!
//! An id of the usual length is read once, as two words that serve for both. A longer one is read
//! in blocks, and a shorter one as it is. Each has a type of its own, so that each way through a
//! lookup has just what it needs in it: the usual one no loop and no call.

use core::hash::Hasher;

use super::KeyId;

/// What a lookup asks for.
pub(crate) trait Sought: Copy {
    fn as_str(&self) -> &str;

    /// Whether this is that id.
    fn is(self, id: &KeyId) -> bool;

    /// [`is`](Self::is) for an id whose ends are at hand.
    fn is_the_one(self, ends: Ends, id: &KeyId) -> bool;

    /// Feeds a hasher, alike for the same id. The length does not go in: ids of one repeated letter
    /// have hashes that are alike, up to sixteen of them, and are told apart by comparing.
    fn feed(self, hasher: &mut impl Hasher);
}

/// The length of an id and its first and its last eight bytes, if it has so many: all of an id of
/// the usual length, and what tells most others apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    // The end first, because ids often begin alike and rarely end alike.
    end: u64,
    start: u64,
    len: usize,
}

impl Ends {
    #[inline(always)]
    pub(crate) fn of(id: &str) -> Self {
        let bytes = id.as_bytes();
        let (start, end) = (bytes.first_chunk(), bytes.last_chunk());
        Self { end: end.map_or(0, word), start: start.map_or(0, word), len: bytes.len() }
    }
}

/// An id of 8 to 16 bytes, which its ends are all of.
#[derive(Clone, Copy)]
pub(crate) struct Usual<'a> {
    id: &'a str,
    ends: Ends,
}

impl<'a> Usual<'a> {
    #[inline(always)]
    pub(crate) fn new(id: &'a str) -> Option<Self> {
        matches!(id.len(), 8..=16).then(|| Self { id, ends: Ends::of(id) })
    }
}

impl Sought for Usual<'_> {
    #[inline(always)]
    fn as_str(&self) -> &str {
        self.id
    }

    #[inline(always)]
    fn is(self, id: &KeyId) -> bool {
        let bytes = id.as_str().as_bytes();
        bytes.len() == self.ends.len
            && bytes.last_chunk().is_some_and(|end| word(end) == self.ends.end)
            && bytes.first_chunk().is_some_and(|start| word(start) == self.ends.start)
    }

    #[inline(always)]
    fn is_the_one(self, ends: Ends, _: &KeyId) -> bool {
        ends == self.ends
    }

    #[inline(always)]
    fn feed(self, hasher: &mut impl Hasher) {
        hasher.write_u128(u128::from(self.ends.end) << 64 | u128::from(self.ends.start));
    }
}

/// An id of 17 bytes and more, as a UUID is.
#[derive(Clone, Copy)]
pub(crate) struct Long<'a> {
    id: &'a str,
    /// What the blocks before it leave over, and some of the last of them.
    end: &'a [u8; BLOCK],
}

const BLOCK: usize = 16;

impl<'a> Long<'a> {
    #[inline(always)]
    pub(crate) fn new(id: &'a str) -> Option<Self> {
        let end = id.as_bytes().last_chunk()?;
        matches!(id.len(), 17..=KeyId::MAX_LEN).then_some(Self { id, end })
    }
}

impl Sought for Long<'_> {
    #[inline(always)]
    fn as_str(&self) -> &str {
        self.id
    }

    #[inline(always)]
    fn is(self, id: &KeyId) -> bool {
        let bytes = id.as_str().as_bytes();
        bytes.len() == self.id.len()
            && bytes.last_chunk() == Some(self.end)
            && blocks(bytes).iter().zip(blocks(self.id.as_bytes())).all(|(a, b)| a == b)
    }

    #[inline(always)]
    fn is_the_one(self, ends: Ends, id: &KeyId) -> bool {
        self.id.as_bytes().last_chunk().is_some_and(|end| word(end) == ends.end) && self.is(id)
    }

    #[inline(always)]
    fn feed(self, hasher: &mut impl Hasher) {
        for block in blocks(self.id.as_bytes()) {
            hasher.write_u128(u128::from_ne_bytes(*block));
        }
        hasher.write_u128(u128::from_ne_bytes(*self.end));
    }
}

/// An id of any length, and the only way for one of up to 7 bytes.
impl Sought for &str {
    #[inline(always)]
    fn as_str(&self) -> &str {
        self
    }

    #[inline(always)]
    fn is(self, id: &KeyId) -> bool {
        id.as_str() == self
    }

    #[inline(always)]
    fn is_the_one(self, ends: Ends, id: &KeyId) -> bool {
        self.len() == ends.len && self.is(id)
    }

    #[inline]
    fn feed(self, hasher: &mut impl Hasher) {
        if let Some(id) = Usual::new(self) {
            id.feed(hasher);
        } else if let Some(id) = Long::new(self) {
            id.feed(hasher);
        } else {
            hasher.write(self.as_bytes());
        }
    }
}

#[inline(always)]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_ne_bytes(*bytes)
}

#[inline(always)]
fn blocks(bytes: &[u8]) -> &[[u8; BLOCK]] {
    bytes.as_chunks().0
}
