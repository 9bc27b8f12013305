//! The store in memory, as a provider may be held.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use key_rotation::conformance::{Backups, Directories, Fixture};
use key_rotation::store::{
    DynKeyProvider, InMemoryRings, Loaded, Revision, RingDirectory, RingName,
};
use key_rotation::{InMemoryKeyProvider, KeyProvider};

pub(crate) type Stored = InMemoryKeyProvider<u8>;

/// Stores in memory, behind this kind of handle.
pub(crate) struct InMemory<H> {
    make: fn() -> Stored,
    handle: PhantomData<fn() -> H>,
}

impl<H> InMemory<H> {
    pub(crate) fn new() -> Self {
        Self::of(Stored::new)
    }

    pub(crate) fn of(make: fn() -> Stored) -> Self {
        Self { make, handle: PhantomData }
    }
}

/// A handle to a store, of which there may be another.
pub(crate) trait Handle: KeyProvider<Material = u8> {
    fn hold(store: Stored) -> Self;

    fn again(&self) -> Self;
}

impl Handle for Arc<Stored> {
    fn hold(store: Stored) -> Self {
        Arc::new(store)
    }

    fn again(&self) -> Self {
        Arc::clone(self)
    }
}

impl Handle for &'static Stored {
    fn hold(store: Stored) -> Self {
        // Kept for ever, and known to be: no leak.
        static KEPT: Mutex<Vec<&Stored>> = Mutex::new(Vec::new());
        let store = Box::leak(Box::new(store));
        KEPT.lock().unwrap().push(store);
        store
    }

    fn again(&self) -> Self {
        self
    }
}

impl Handle for Box<&'static Stored> {
    fn hold(store: Stored) -> Self {
        Box::new(Handle::hold(store))
    }

    fn again(&self) -> Self {
        self.clone()
    }
}

/// Erased stores. A `DynKeyProvider` does not say what is in it, so the fixture keeps the first
/// handle to each ring and finds it by its name.
pub(crate) struct Erased {
    stores: Mutex<Vec<Arc<Stored>>>,
}

impl Erased {
    pub(crate) fn new() -> Self {
        Self { stores: Mutex::default() }
    }
}

impl Fixture for Erased {
    type Provider = DynKeyProvider<u8>;

    async fn new_store(&self) -> Self::Provider {
        let mut stores = self.stores.lock().unwrap();
        let name = format!("erased-{}", stores.len());
        let store = Arc::new(Stored::named(name.parse().unwrap()));
        stores.push(Arc::clone(&store));
        DynKeyProvider::new(store)
    }

    async fn reopen(&self, store: &Self::Provider) -> Self::Provider {
        let Loaded::Ring(found) = store.load(Revision::EMPTY).await.unwrap() else {
            panic!("one who has seen nothing is told of a ring");
        };
        let number: usize = found.ring.as_str().strip_prefix("erased-").unwrap().parse().unwrap();
        DynKeyProvider::new(Arc::clone(self.stores.lock().unwrap().get(number).unwrap()))
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

impl<H: Handle> Fixture for InMemory<H> {
    type Provider = H;

    async fn new_store(&self) -> H {
        H::hold((self.make)())
    }

    async fn reopen(&self, store: &H) -> H {
        store.again()
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        *material == number
    }
}

impl Backups for InMemory<Arc<Stored>> {
    type Backup = Stored;

    async fn backup(&self, store: &Arc<Stored>) -> Stored {
        store.backup()
    }

    async fn restore(&self, store: &Arc<Stored>, backup: &Stored) {
        store.restore(backup);
    }
}

/// Stores of many rings in memory, behind this kind of pointer.
pub(crate) struct Rings<D>(pub(crate) fn(InMemoryRings<u8>) -> D);

impl<D> Directories for Rings<D>
where
    D: RingDirectory + std::borrow::Borrow<InMemoryRings<u8>>,
{
    type Directory = D;
    type Provider = Arc<Stored>;

    async fn new_directory(&self) -> D {
        (self.0)(InMemoryRings::new())
    }

    async fn ring(&self, directory: &D, name: &RingName) -> Arc<Stored> {
        directory.borrow().ring(name)
    }

    fn material(&self, number: u8) -> u8 {
        number
    }
}
