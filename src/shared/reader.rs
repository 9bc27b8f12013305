//! [`KeyringReader`]: a worker's own view of a shared ring.

use core::fmt;
use core::time::Duration;

use super::sync::Cache;
use super::{SharedKeyring, StaleKeyring};
use crate::key::EncryptionKey;
use crate::material::KeyMaterial;
use crate::ring::Keyring;
use crate::timestamp::Timestamp;

/// A worker's own view of a [`SharedKeyring`].
///
/// A reader keeps the ring that it last saw. [`current`](Self::current) asks with one relaxed load
/// if there is a newer one, and costs as little as a field access while there is none.
///
/// # Material that an idle reader keeps
///
/// A reader keeps the ring that it last saw until the next [`current`](Self::current), or until it
/// is dropped. With the ring it keeps the material of its keys, also of keys that were destroyed
/// since. The same goes for a ring that [`SharedKeyring::load`] gave out. A worker that may sleep
/// for long drops its reader before, or calls `current` now and then. Then material is wiped no
/// later than the longest pause between two calls after it left the ring.
///
/// # Examples
///
/// ```
/// use key_rotation::shared::SharedKeyring;
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let now = Timestamp::now();
/// let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "cipher", now).activate(now));
/// let shared = SharedKeyring::new(ring);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         let mut reader = shared.reader();
///         scope.spawn(move || {
///             for _ in 0..1000 {
///                 let key = reader.current().encryption_key();
///                 assert_eq!(*key.material(), "cipher");
///             }
///         });
///     }
/// });
/// ```
pub struct KeyringReader<M = KeyMaterial> {
    shared: SharedKeyring<M>,
    cache: Cache<Keyring<M>>,
}

impl<M> KeyringReader<M> {
    pub(super) fn new(shared: SharedKeyring<M>) -> Self {
        let cache = Cache::new(shared.shared.ring.clone());
        Self { shared, cache }
    }

    /// Returns the ring as it is now. It stays as it is until the next call.
    #[inline]
    pub fn current(&mut self) -> &Keyring<M> {
        self.cache.load()
    }

    /// Lends the right to encrypt, if the ring is known to have been the store's at most this long
    /// ago.
    ///
    /// A process that is cut off from its store may go on with a key that the others have left.
    /// With a limit, it stops encrypting, and goes on decrypting with [`current`](Self::current). A
    /// ring that was never [confirmed](SharedKeyring::confirm) is over every limit. A clock that is
    /// set back makes a ring look fresh for as long as it was set back.
    ///
    /// # Errors
    ///
    /// [`StaleKeyring`]: refresh the ring.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "cipher", now), now).await?;
    /// const LIMIT: Duration = Duration::from_secs(60);
    /// let mut reader = service.share(now).await?.reader();
    /// let key = reader.encryption_key_within(LIMIT, now)?;
    ///
    /// let later = now.saturating_add(2 * LIMIT);
    /// assert!(reader.encryption_key_within(LIMIT, later).is_err());
    /// let old_data = reader.current().decryption_key("k1")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encryption_key_within(
        &mut self,
        limit: Duration,
        now: Timestamp,
    ) -> Result<EncryptionKey<'_, M>, StaleKeyring> {
        // Before the ring, so that the ring is at least as new as the one that was confirmed.
        let confirmed_at = self.shared.confirmed_at();
        let is_fresh = confirmed_at.is_some_and(|at| now.saturating_duration_since(at) <= limit);
        if !is_fresh {
            return Err(StaleKeyring { confirmed_at, now });
        }
        Ok(self.current().encryption_key())
    }
}

impl<M> fmt::Debug for KeyringReader<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringReader").field("shared", &self.shared).finish_non_exhaustive()
    }
}
