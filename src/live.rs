//! Following a store: refreshing a shared ring, without preparing a key twice.
//!
//! The methods are those of [`RotationService`]: [`share`](RotationService::share),
//! [`share_with`](RotationService::share_with), [`refresh`](RotationService::refresh) and
//! [`refresh_with`](RotationService::refresh_with).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::future::ready;

use thiserror::Error;

use crate::id::KeyId;
use crate::key::KeyRecord;
use crate::policy::RotationPolicy;
use crate::revision::Revision;
use crate::ring::Keyring;
use crate::service::{RotationError, RotationService, ring_of};
use crate::shared::SharedKeyring;
use crate::store::{KeyProvider, Loaded, Snapshot};
use crate::supplies::Supplies;
use crate::timestamp::Timestamp;

impl<P: KeyProvider, R: RotationPolicy, S: Supplies<P::Material>> RotationService<P, R, S> {
    /// Loads the store's ring, to be shared by the threads of this process and kept up to date with
    /// [`refresh`](Self::refresh).
    ///
    /// `now` is the time of this call, or any time before it.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring).
    pub async fn share(
        &self,
        now: Timestamp,
    ) -> Result<SharedKeyring<P::Material>, RotationError<P::Error>> {
        let snapshot = self.load_snapshot().await?;
        let revision = snapshot.revision;
        Ok(confirmed(revision, ring_of(snapshot)?, now))
    }

    /// Loads the store's ring over other material: prepared ciphers, keys that a KMS has unwrapped.
    /// Each key is prepared once.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use std::sync::Arc;
    /// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    ///
    /// async fn unwrap_with_kms(_id: KeyId, blob: Arc<&str>) -> Result<String, Infallible> {
    ///     Ok(blob.to_uppercase()) // asks the KMS, and waits
    /// }
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "blob", now), now).await?;
    /// let shared = service.share_with(now, unwrap_with_kms).await?;
    /// assert_eq!(shared.load().encryption_key().material(), "BLOB");
    ///
    /// // Now and then, and when the store announces a change:
    /// let refreshed = service.refresh_with(&shared, Timestamp::now(), unwrap_with_kms).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn share_with<N, F, Prepared>(
        &self,
        now: Timestamp,
        mut prepare: impl FnMut(KeyId, Arc<P::Material>) -> Prepared,
    ) -> Result<SharedKeyring<N>, RefreshError<P::Error, F>>
    where
        Prepared: Future<Output = Result<N, F>>,
    {
        let snapshot = self.load_snapshot().await?;
        let revision = snapshot.revision;
        let prepare = |id, material| {
            let preparing = prepare(id, material);
            async { preparing.await.map(Arc::new) }
        };
        let (ring, _) = prepared(snapshot, None, prepare).await?;
        Ok(confirmed(revision, ring, now))
    }

    /// Loads the store's ring and installs it, if it is newer than the shared one. A key that the
    /// shared ring has keeps its material where it is.
    ///
    /// Call it now and then, and when the store announces a change: nothing here watches a store.
    /// `now` is the time of this call, or any time before it.
    ///
    /// # Errors
    ///
    /// Those of [`keyring`](Self::keyring). The shared ring stays as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::live::Refreshed;
    /// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// # let now = Timestamp::now();
    /// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    /// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
    /// let shared = service.share(now).await?;
    /// assert_eq!(service.refresh(&shared, now).await?, Refreshed::Unchanged);
    ///
    /// let added = service.add(&Key::new(KeyId::from_static("k2"), "two", now), now).await?;
    /// let refreshed = service.refresh(&shared, now).await?;
    /// assert!(matches!(refreshed, Refreshed::Newer { prepared: 1, .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn refresh(
        &self,
        shared: &SharedKeyring<P::Material>,
        now: Timestamp,
    ) -> Result<Refreshed, RotationError<P::Error>> {
        let keep = |_id, material| ready(Ok::<_, Infallible>(material));
        match self.refresh_by(shared, now, keep).await {
            Ok(refreshed) => Ok(refreshed),
            Err(RefreshError::Rotation(error)) => Err(error),
            Err(RefreshError::Prepare { source, .. }) => match source {},
        }
    }

    /// Refreshes a ring with other material, as [`refresh`](Self::refresh) does. Only keys that the
    /// shared ring does not have are prepared: after a rotation between known keys, none.
    ///
    /// See [`share_with`](Self::share_with) for an example.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]. The shared ring stays as it was.
    pub async fn refresh_with<N, F, Prepared>(
        &self,
        shared: &SharedKeyring<N>,
        now: Timestamp,
        mut prepare: impl FnMut(KeyId, Arc<P::Material>) -> Prepared,
    ) -> Result<Refreshed, RefreshError<P::Error, F>>
    where
        Prepared: Future<Output = Result<N, F>>,
    {
        let prepare = |id, material| {
            let preparing = prepare(id, material);
            async { preparing.await.map(Arc::new) }
        };
        self.refresh_by(shared, now, prepare).await
    }

    async fn refresh_by<N, F, Prepared>(
        &self,
        shared: &SharedKeyring<N>,
        now: Timestamp,
        mut prepare: impl FnMut(KeyId, Arc<P::Material>) -> Prepared,
    ) -> Result<Refreshed, RefreshError<P::Error, F>>
    where
        Prepared: Future<Output = Result<Arc<N>, F>>,
    {
        loop {
            let seen = shared.revision();
            let snapshot = match self.load_since(seen).await? {
                Loaded::Unchanged { .. } => {
                    shared.confirm(seen, now);
                    return Ok(Refreshed::Unchanged);
                }
                Loaded::NotInHistory { seen, found } => {
                    return Err(RotationError::NotInHistory { seen, found }.into());
                }
                Loaded::Ring(snapshot) if snapshot.is_empty() => {
                    return Err(RotationError::EmptyStore.into());
                }
                Loaded::Ring(snapshot) => snapshot,
            };
            let revision = snapshot.revision;
            if shared.revision() == revision {
                // It is whole in the process and not in the store, or another refresh was faster.
                let _ = ring_of(snapshot)?;
                shared.confirm(revision, now);
                return Ok(Refreshed::Unchanged);
            }
            let (ring, count) = prepared(snapshot, Some(shared.load()), &mut prepare).await?;
            if shared.replace(seen, revision, ring) {
                shared.confirm(revision, now);
                return Ok(Refreshed::Newer { revision, prepared: count });
            }
            // Another refresh has installed its ring meanwhile. Whether this one descends from it
            // only the store can say.
        }
    }
}

fn confirmed<N>(revision: Revision, ring: Keyring<N>, now: Timestamp) -> SharedKeyring<N> {
    let shared = SharedKeyring::at_revision(revision, ring);
    shared.confirm(revision, now);
    shared
}

/// The snapshot's ring over prepared material, and how many keys had to be prepared.
async fn prepared<M, N, E, F, Prepared>(
    snapshot: Snapshot<M>,
    known: Option<Arc<Keyring<N>>>,
    mut prepare: impl FnMut(KeyId, Arc<M>) -> Prepared,
) -> Result<(Keyring<N>, usize), RefreshError<E, F>>
where
    Prepared: Future<Output = Result<Arc<N>, F>>,
{
    // What is no ring is not worth a call to a KMS.
    let _ = ring_of(snapshot.clone())?;
    let mut count = 0;
    let Snapshot { ring, revision, records, destroyed, ids, closed, store_time } = snapshot;
    let mut ready = Vec::with_capacity(records.len());
    for record in records {
        // The same key under the same blob: its id is never used again, and what is wrapped anew
        // has another number.
        let KeyRecord { info, material, material_in } = record;
        let known = known
            .as_ref()
            .and_then(|ring| ring.get(info.id.as_str()))
            .map(|key| key.to_record())
            .filter(|known| {
                known.material_in == material_in
                    && known.info.added_in == info.added_in
                    && known.info.times.created_at == info.times.created_at
            });
        let material = match known {
            Some(known) => known.material,
            None => {
                count += 1;
                let failed = |source| RefreshError::Prepare { id: info.id.clone(), source };
                prepare(info.id.clone(), material).await.map_err(failed)?
            }
        };
        ready.push(KeyRecord { info, material, material_in });
    }
    let snapshot = Snapshot { ring, revision, records: ready, destroyed, ids, closed, store_time };
    Ok((ring_of(snapshot)?, count))
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refreshed {
    /// The shared ring is the store's already, or a newer one.
    Unchanged,
    /// A newer ring was installed.
    Newer {
        /// The revision of that ring.
        revision: Revision,
        /// The number of its keys that the shared ring did not have.
        prepared: usize,
    },
}

/// The error of a refresh that prepares keys. The shared ring is as it was.
///
/// `E` is the provider's error, `F` that of the preparation.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefreshError<E, F> {
    /// The store's ring could not be loaded.
    #[error(transparent)]
    Rotation(#[from] RotationError<E>),
    /// A key could not be prepared.
    #[error("key `{id}` could not be prepared")]
    Prepare {
        /// The key.
        id: KeyId,
        /// The error of the preparation.
        source: F,
    },
}
