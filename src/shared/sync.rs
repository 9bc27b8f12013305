//! The parts that the shared ring is built from. Those of a model checker take their place in
//! `tests/loom.rs` and `tests/shuttle.rs`.

pub(super) use std::sync::PoisonError;

pub(super) use self::parts::{AtomicU64, Cache, Cell, Mutex, MutexGuard, Ordering};

#[cfg(not(any(model = "loom", model = "shuttle")))]
mod parts {
    use alloc::sync::Arc;

    pub(in crate::shared) use core::sync::atomic::{AtomicU64, Ordering};
    pub(in crate::shared) use std::sync::{Mutex, MutexGuard};

    /// The place of the ring.
    pub(in crate::shared) type Cell<T> = arc_swap::ArcSwap<T>;

    /// The ring as one reader last saw it.
    pub(in crate::shared) struct Cache<T>(arc_swap::Cache<Arc<Cell<T>>, Arc<T>>);

    impl<T> Cache<T> {
        pub(in crate::shared) fn new(cell: Arc<Cell<T>>) -> Self {
            Self(arc_swap::Cache::new(cell))
        }

        #[inline]
        pub(in crate::shared) fn load(&mut self) -> &T {
            self.0.load()
        }
    }
}

/// The same from a model checker's parts. `arc-swap` knows none, and has tests of its own; what is
/// modelled is what is built on it: writers that take turns, the revision check, and the order in
/// which a reader sees a ring and its confirmation. As in `arc-swap`, a reader's check is relaxed.
#[cfg(any(model = "loom", model = "shuttle"))]
mod parts {
    use alloc::sync::Arc;

    #[cfg(model = "loom")]
    use loom as checker;
    #[cfg(model = "shuttle")]
    use shuttle as checker;

    use checker::sync::atomic::AtomicUsize;
    pub(in crate::shared) use checker::sync::atomic::{AtomicU64, Ordering};
    pub(in crate::shared) use checker::sync::{Mutex, MutexGuard};

    use super::PoisonError;

    pub(in crate::shared) struct Cell<T> {
        value: Mutex<Arc<T>>,
        changes: AtomicUsize,
    }

    impl<T> From<Arc<T>> for Cell<T> {
        fn from(value: Arc<T>) -> Self {
            Self { value: Mutex::new(value), changes: AtomicUsize::new(0) }
        }
    }

    impl<T> Cell<T> {
        pub(in crate::shared) fn load_full(&self) -> Arc<T> {
            self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        pub(in crate::shared) fn swap(&self, value: Arc<T>) -> Arc<T> {
            let mut place = self.value.lock().unwrap_or_else(PoisonError::into_inner);
            let old = core::mem::replace(&mut *place, value);
            self.changes.fetch_add(1, Ordering::SeqCst);
            old
        }
    }

    pub(in crate::shared) struct Cache<T> {
        cell: Arc<Cell<T>>,
        seen: usize,
        value: Arc<T>,
    }

    impl<T> Cache<T> {
        pub(in crate::shared) fn new(cell: Arc<Cell<T>>) -> Self {
            let seen = cell.changes.load(Ordering::Relaxed);
            let value = cell.load_full();
            Self { cell, seen, value }
        }

        pub(in crate::shared) fn load(&mut self) -> &T {
            let changes = self.cell.changes.load(Ordering::Relaxed);
            if changes != self.seen {
                self.seen = changes;
                self.value = self.cell.load_full();
            }
            &self.value
        }
    }
}
