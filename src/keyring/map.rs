//! The same ring over other material.

use alloc::sync::Arc;
use core::convert::Infallible;

use super::active::ActiveKey;
use super::{Keyring, Withheld};
use crate::id::KeyId;
use crate::key::Key;
use crate::receipt::Destruction;
use crate::status::Status;

impl<M> Keyring<M> {
    /// The same ring over other material: same ids, statuses, times and tombstones.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "bytes", now).activate(now));
    /// let lengths: Keyring<usize> = ring.map(|_id, bytes| bytes.len());
    /// assert_eq!(lengths.encryption_key().material(), &5);
    /// ```
    pub fn map<N>(&self, mut f: impl FnMut(&KeyId, &M) -> N) -> Keyring<N> {
        let Ok(ring) = self.try_map(|id, material| Ok::<_, Infallible>(f(id, material)));
        ring
    }

    /// Like [`map`](Self::map) with a function that can fail: unwrapping blobs, preparing ciphers.
    /// It is called for every key in the order of [`iter`](Self::iter), until it fails.
    ///
    /// # Errors
    ///
    /// The first error of `f`.
    ///
    /// ```
    /// use aes_gcm::{Aes256Gcm, KeyInit};
    /// use key_rotation::{Key, KeyId, KeyMaterial, Keyring, MaterialError, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let material = KeyMaterial::take(&mut [7; 32])?;
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), material, now).activate(now));
    /// fn prepare(_id: &KeyId, material: &KeyMaterial) -> Result<Aes256Gcm, MaterialError> {
    ///     Ok(Aes256Gcm::new(material.expose_array()?.into()))
    /// }
    /// let ciphers: Keyring<Aes256Gcm> = ring.try_map(prepare)?;
    /// # Ok::<(), MaterialError>(())
    /// ```
    pub fn try_map<N, E>(
        &self,
        mut f: impl FnMut(&KeyId, &M) -> Result<N, E>,
    ) -> Result<Keyring<N>, E> {
        Ok(Keyring {
            active: ActiveKey::new(remade(self.active(), &mut f)?),
            inactive: self.inactive.try_map(|key| remade(key, &mut f))?,
            retired: self.retired.try_map(|key| remade(key, &mut f))?,
            destroyed: self.destroyed.copy(Destruction::clone),
            withheld: self.withheld.copy(Withheld::clone),
            hasher: self.hasher.clone(),
            order: self.order,
        })
    }

    /// A second ring over the same material. Not a `Clone`, because from here on the two rings go
    /// their own ways, and material is wiped only when neither holds it.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let mut ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// # let _ = ring.add(Key::new(KeyId::from_static("k2"), (), now))?;
    /// let mut fork = ring.fork();
    /// let _ = fork.rotate_to("k2", now)?;
    /// assert_eq!(ring.active().id().as_str(), "k1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fork(&self) -> Self {
        Self {
            active: ActiveKey::new(self.active().share()),
            inactive: self.inactive.copy(Key::share),
            retired: self.retired.copy(Key::share),
            destroyed: self.destroyed.copy(Destruction::clone),
            withheld: self.withheld.copy(Withheld::clone),
            hasher: self.hasher.clone(),
            order: self.order,
        }
    }
}

/// The same key over the material that `f` makes of its own.
fn remade<S: Status, M, N, E>(
    key: &Key<S, M>,
    f: impl FnOnce(&KeyId, &M) -> Result<N, E>,
) -> Result<Key<S, N>, E> {
    let material = f(key.id(), &key.parts().material)?;
    Ok(key.with_material(Arc::new(material)))
}
