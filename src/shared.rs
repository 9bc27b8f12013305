//! One ring for the threads of a process.
//!
//! | for… | there is |
//! |---|---|
//! | holding the ring, and changing it | [`SharedKeyring`] |
//! | a worker's own view | [`KeyringReader`] |
//! | data that names a key which the ring does not have yet | [`RefreshOnMiss`] |

use alloc::sync::Arc;
use core::fmt;

use crate::material::KeyMaterial;
use crate::revision::Revision;
use crate::ring::Keyring;
use crate::timestamp::Timestamp;

use self::sync::{AtomicU64, Cell, Mutex, MutexGuard, Ordering, PoisonError};

pub use self::error::{MissError, StaleKeyring};
pub use self::on_miss::RefreshOnMiss;
pub use self::reader::KeyringReader;

mod error;
mod on_miss;
mod reader;
mod sync;

/// The ring of a process, for its threads. A clone is another handle to the same ring.
///
/// A ring that is shared does not change: a change makes another ring, which takes its place in one
/// step. So a reader never waits, and never sees half a change. An encryption that began with one
/// ring ends with it, and its key goes on decrypting in the next.
///
/// | to… | call |
/// |---|---|
/// | encrypt and decrypt in a worker | [`reader`](Self::reader), once, and then [`KeyringReader::current`] |
/// | look at the ring now and then | [`load`](Self::load) |
/// | follow a store | [`RotationService::refresh`](crate::RotationService::refresh) |
/// | change a ring that no store has | [`update`](Self::update) |
///
/// Writers take turns. A ring from a store carries its revision, and gives its place to one that
/// descends from it alone.
///
/// # Examples
///
/// ```
/// use key_rotation::shared::SharedKeyring;
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
/// let shared = SharedKeyring::new(ring);
///
/// let mut reader = shared.reader(); // one for each worker
/// assert_eq!(reader.current().encryption_key().id().as_str(), "k1");
///
/// let next = Key::new(KeyId::from_static("k2"), "two", now);
/// let rotation = shared.update(|ring| ring.rotate_in(next, now))?;
/// assert_eq!(reader.current().encryption_key().id().as_str(), "k2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedKeyring<M = KeyMaterial> {
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    ring: Arc<Cell<Keyring<M>>>,
    /// Of the ring. Held by the writer whose turn it is.
    revision: Mutex<Revision>,
    /// Milliseconds and one; 0 for never. Stored after the ring that it is about.
    confirmed_at: AtomicU64,
}

impl<M> SharedKeyring<M> {
    /// Shares a ring that comes from no store. Any revision of a store is newer.
    #[must_use]
    pub fn new(ring: Keyring<M>) -> Self {
        Self::at_revision(Revision::EMPTY, ring)
    }

    /// Shares a ring that a store had at this revision.
    #[must_use]
    pub fn at_revision(revision: Revision, ring: Keyring<M>) -> Self {
        Self {
            shared: Arc::new(Shared {
                ring: Arc::new(Cell::from(Arc::new(ring))),
                revision: Mutex::new(revision),
                confirmed_at: AtomicU64::new(0),
            }),
        }
    }

    /// Returns the ring as it is now, for as long as the caller keeps it.
    ///
    /// A ciphertext of one of its keys can be decrypted with every later ring that has not
    /// destroyed or revoked the key.
    #[must_use]
    pub fn load(&self) -> Arc<Keyring<M>> {
        self.shared.ring.load_full()
    }

    /// Makes a reader of this ring, for one worker.
    #[must_use]
    pub fn reader(&self) -> KeyringReader<M> {
        KeyringReader::new(self.clone())
    }

    /// Changes the ring. The closure works on a second ring over the same material, which takes the
    /// place of the first if the closure succeeds.
    ///
    /// The revision stays as it is. So change the ring of a store in the store and refresh it, and
    /// not in here.
    ///
    /// The closure must not change this same shared ring in another way: writers take turns, and it
    /// would wait for itself.
    ///
    /// # Errors
    ///
    /// The error of the closure. Then, as after a panic of it, the ring is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::shared::SharedKeyring;
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
    /// let shared = SharedKeyring::new(ring);
    /// let failed = shared.update(|ring| ring.rotate_to("no such key", now));
    /// assert!(failed.is_err());
    /// assert_eq!(shared.load().active().id().as_str(), "k1");
    /// ```
    pub fn update<R, E>(
        &self,
        change: impl FnOnce(&mut Keyring<M>) -> Result<R, E>,
    ) -> Result<R, E> {
        let turn = self.turn();
        let mut ring = self.load().fork();
        let answer = change(&mut ring)?;
        self.install(turn, ring);
        Ok(answer)
    }

    /// Installs a ring that a store had at this revision, and returns true, if the ring that is here
    /// is still the one that the store was asked about. Otherwise it drops the ring and returns
    /// false: another refresh was faster.
    ///
    /// `seen` is the revision that [`KeyProvider::load`](crate::KeyProvider::load) was given: the
    /// store has said that the new ring descends from it, and from no other.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::shared::SharedKeyring;
    /// use key_rotation::store::Revision;
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = |id: u8| Keyring::new(Key::new(KeyId::from(id), "cipher", now).activate(now));
    /// let [seven, eight, other] = [Revision::new(7, 1), Revision::new(8, 2), Revision::new(8, 3)];
    /// let shared = SharedKeyring::at_revision(seven, ring(7));
    /// assert!(shared.replace(seven, eight, ring(8)));
    /// assert!(!shared.replace(seven, other, ring(9)));
    /// assert_eq!(shared.load().active().id().as_str(), "8");
    /// ```
    #[expect(clippy::must_use_candidate, reason = "to be slower is no mistake of the caller")]
    pub fn replace(&self, seen: Revision, revision: Revision, ring: Keyring<M>) -> bool {
        let mut turn = self.turn();
        let is_unmoved = *turn == seen;
        if is_unmoved {
            *turn = revision;
            self.install(turn, ring);
        }
        is_unmoved
    }

    /// Replaces the ring without a check of the revision: the fault that the models must find.
    #[cfg(any(model = "loom", model = "shuttle"))]
    #[doc(hidden)]
    pub fn replace_unchecked(&self, revision: Revision, ring: Keyring<M>) {
        let mut turn = self.turn();
        *turn = revision;
        self.install(turn, ring);
    }

    /// Returns the revision of the ring. Waits for a writer whose turn it is.
    #[must_use]
    pub fn revision(&self) -> Revision {
        *self.turn()
    }

    /// Notes that the ring was the store's at this time, if the store was seen at the revision that
    /// the ring has. The time is one *before* the store was asked.
    ///
    /// [`RotationService::refresh`](crate::RotationService::refresh) does this. Do it by hand where
    /// it is cheaper to ask for the revision than to load.
    ///
    /// A store that was restored from a backup has other revisions, and confirms nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::shared::SharedKeyring;
    /// use key_rotation::store::Revision;
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
    /// # let shared = SharedKeyring::at_revision(Revision::new(7, 1), ring);
    /// # let ask_the_store = || Revision::new(7, 1);
    /// let before = Timestamp::now();
    /// let revision = ask_the_store();
    /// shared.confirm(revision, before);
    /// assert_eq!(shared.confirmed_at(), Some(before));
    /// ```
    pub fn confirm(&self, revision: Revision, at: Timestamp) {
        // Another revision proves nothing: an older may be what a lagging replica says.
        if *self.turn() == revision {
            self.shared
                .confirmed_at
                .fetch_max(at.as_unix_millis().saturating_add(1), Ordering::AcqRel);
        }
    }

    /// Returns the latest time at which the ring is known to have been the store's. `None` means
    /// that it never was.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        let stored = self.shared.confirmed_at.load(Ordering::Acquire);
        stored.checked_sub(1).map(Timestamp::from_unix_millis)
    }

    /// Waits until no other writer is at work. One that panicked left nothing half-done behind.
    fn turn(&self) -> MutexGuard<'_, Revision> {
        self.shared.revision.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn install(&self, turn: MutexGuard<'_, Revision>, ring: Keyring<M>) {
        let old = self.shared.ring.swap(Arc::new(ring));
        // What the old ring alone held is wiped when no writer has to wait for it.
        drop(turn);
        drop(old);
    }
}

impl<M> Clone for SharedKeyring<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> fmt::Debug for SharedKeyring<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKeyring")
            .field("ring", &self.load())
            .field("confirmed_at", &self.confirmed_at())
            .finish_non_exhaustive()
    }
}
