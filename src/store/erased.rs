//! [`DynKeyProvider`]: a store whose type is chosen at run time.

use alloc::boxed::Box;
use core::fmt;
use core::pin::Pin;

use super::{Commit, CommitError, KeyProvider, Loaded, Proposal, Revision};
use crate::material::KeyMaterial;

/// A store whose type is chosen at run time: by a configuration, say.
///
/// # Examples
///
/// ```
/// use key_rotation::store::DynKeyProvider;
/// use key_rotation::{InMemoryKeyProvider, KeyMaterial, RotationService, StrictSingleActive};
///
/// fn open(url: &str) -> DynKeyProvider {
///     // A match on the url, with a store of another type in each arm.
///     DynKeyProvider::new(InMemoryKeyProvider::<KeyMaterial>::new())
/// }
/// let service = RotationService::new(open("memory:"), StrictSingleActive);
/// ```
pub struct DynKeyProvider<M = KeyMaterial>(Box<dyn Erased<M>>);

impl<M: Send + Sync + 'static> DynKeyProvider<M> {
    /// Forgets the type of this store.
    #[must_use]
    pub fn new(provider: impl KeyProvider<Material = M> + 'static) -> Self {
        Self(Box::new(provider))
    }
}

/// The error of a store whose type is not known here. It prints as the store's own, and has the
/// store's sources.
pub struct DynProviderError(Box<dyn core::error::Error + Send + Sync>);

impl DynProviderError {
    fn new(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// Returns the store's error, if it is of this type.
    #[must_use]
    pub fn downcast_ref<E: core::error::Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for DynProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynProviderError").field(&self.0).finish()
    }
}

impl fmt::Display for DynProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for DynProviderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source()
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Erased<M>: Send + Sync {
    fn load(&self, seen: Revision) -> Boxed<'_, Result<Loaded<M>, DynProviderError>>;
    fn commit<'a>(
        &'a self,
        proposal: &'a Proposal<M>,
    ) -> Boxed<'a, Result<Commit, CommitError<DynProviderError>>>;
    fn erasure(&self) -> &'static str;
}

impl<P: KeyProvider> Erased<P::Material> for P {
    fn load(&self, seen: Revision) -> Boxed<'_, Result<Loaded<P::Material>, DynProviderError>> {
        Box::pin(async move { KeyProvider::load(self, seen).await.map_err(DynProviderError::new) })
    }

    fn commit<'a>(
        &'a self,
        proposal: &'a Proposal<P::Material>,
    ) -> Boxed<'a, Result<Commit, CommitError<DynProviderError>>> {
        Box::pin(async move {
            let answer = KeyProvider::commit(self, proposal).await;
            answer.map_err(|error| error.map(DynProviderError::new))
        })
    }

    fn erasure(&self) -> &'static str {
        KeyProvider::erasure(self)
    }
}

impl<M: Send + Sync + 'static> KeyProvider for DynKeyProvider<M> {
    type Material = M;
    type Error = DynProviderError;

    async fn load(&self, seen: Revision) -> Result<Loaded<M>, DynProviderError> {
        self.0.load(seen).await
    }

    async fn commit(
        &self,
        proposal: &Proposal<M>,
    ) -> Result<Commit, CommitError<DynProviderError>> {
        self.0.commit(proposal).await
    }

    fn erasure(&self) -> &'static str {
        self.0.erasure()
    }
}

impl<M> fmt::Debug for DynKeyProvider<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynKeyProvider").finish_non_exhaustive()
    }
}
