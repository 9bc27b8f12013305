//! [`Supplies`]: what a service may need from its program.

use core::future::ready;
use core::ops::Deref;

use thiserror::Error;

use crate::id::KeyId;
use crate::key::{Key, KeyInfo};
use crate::status::Inactive;
use crate::timestamp::Timestamp;

/// The program's side of a service: where new keys come from, who still needs an old one, and what of
/// a key stays in the store when it stops encrypting.
///
/// Every method but the first has a default, which supplies nothing.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use key_rotation::error::TryFillError;
/// use key_rotation::service::Supplies;
/// use key_rotation::{
///     Inactive, InMemoryKeyProvider, Key, KeyId, KeyMaterial, RotationService, StrictSingleActive,
///     Timestamp,
/// };
///
/// #[derive(Default)]
/// struct Keys { made: AtomicU32 }
///
/// impl Supplies<KeyMaterial> for Keys {
///     type Error = TryFillError<getrandom::Error>;
///
///     async fn new_key(&self, at: Timestamp) -> Result<Key<Inactive>, Self::Error> {
///         let number = self.made.fetch_add(1, Ordering::Relaxed);
///         let material = KeyMaterial::try_fill(32, getrandom::fill)?;
///         Ok(Key::new(KeyId::from(number), material, at))
///     }
/// }
///
/// let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive)
///     .supplied_by(Keys::default());
/// ```
pub trait Supplies<M>: Send + Sync {
    /// The error of the supplies. No byte of a material may be in it, nor in its sources.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Makes a key with an id that was never used.
    ///
    /// # Errors
    ///
    /// No key can be made now.
    fn new_key(
        &self,
        at: Timestamp,
    ) -> impl Future<Output = Result<Key<Inactive, M>, Self::Error>> + Send;

    /// Counts the data that needs this key; `None` if nobody counts.
    ///
    /// # Errors
    ///
    /// It cannot be counted now.
    fn references(
        &self,
        id: &KeyId,
    ) -> impl Future<Output = Result<Option<u64>, Self::Error>> + Send {
        let _ = id;
        ready(Ok(None))
    }

    /// Returns what stays in the store of a key that is retired or revoked, such as the public half of
    /// a pair; `None` if what is stored stays.
    ///
    /// # Errors
    ///
    /// It cannot be said now. The key is not changed.
    fn decrypting_half(&self, key: &KeyInfo, stored: &M) -> Result<Option<M>, Self::Error> {
        let _ = (key, stored);
        Ok(None)
    }

    /// Takes a key back that was made and is not needed: somebody else was faster.
    fn discard(&self, key: Key<Inactive, M>) -> impl Future<Output = ()> + Send {
        drop(key);
        ready(())
    }
}

/// No supplies: those of a service to which none were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing, now or ever")]
pub struct NoSupplies;

/// The error of [`NoSupplies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the service makes no keys: give it supplies with `supplied_by`, or add a key first")]
#[non_exhaustive]
pub struct NothingSupplied;

impl<M: Send + Sync> Supplies<M> for NoSupplies {
    type Error = NothingSupplied;

    fn new_key(
        &self,
        _at: Timestamp,
    ) -> impl Future<Output = Result<Key<Inactive, M>, NothingSupplied>> + Send {
        ready(Err(NothingSupplied))
    }
}

/// A pointer to supplies gives the same: `&S`, `Box<S>`, `Arc<S>`.
impl<M, P> Supplies<M> for P
where
    P: Deref<Target: Supplies<M>> + Send + Sync,
{
    type Error = <P::Target as Supplies<M>>::Error;

    fn new_key(
        &self,
        at: Timestamp,
    ) -> impl Future<Output = Result<Key<Inactive, M>, Self::Error>> + Send {
        (**self).new_key(at)
    }

    fn references(
        &self,
        id: &KeyId,
    ) -> impl Future<Output = Result<Option<u64>, Self::Error>> + Send {
        (**self).references(id)
    }

    fn decrypting_half(&self, key: &KeyInfo, stored: &M) -> Result<Option<M>, Self::Error> {
        (**self).decrypting_half(key, stored)
    }

    fn discard(&self, key: Key<Inactive, M>) -> impl Future<Output = ()> + Send {
        (**self).discard(key)
    }
}
