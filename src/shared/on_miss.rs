//! [`RefreshOnMiss`]: looking again, once, for a key that is not there.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::num::NonZeroU32;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{MissError, SharedKeyring};
use crate::id::KeyId;
use crate::material::KeyMaterial;
use crate::ring::{DecryptionKeyError, Keyring};
use crate::text::EscapedText;
use crate::timestamp::Timestamp;

/// Refreshes a [`SharedKeyring`] when data names a key that it does not have: the key may be
/// younger than the ring.
///
/// Misses that happen at the same time share one refresh.
///
/// # The limit
///
/// Ids come from ciphertext headers, which anybody may write, so refreshes are spaced. Between the
/// beginnings of two lies at least a minute divided by the number that a minute may have, rounded
/// up to a millisecond. A new key waits no longer than that, whatever else is asked for. After a
/// clock was set back it waits no longer than twice that.
///
/// # Dropped calls
///
/// A refresh runs within the call that began it, and ends with it. A server may drop the handler of
/// a client that hangs up, and the refresh with it. A client that names made-up ids and hangs up,
/// over and over, then begins each refresh and lets none end. There, let the closure spawn the
/// refresh as a task of its own and wait for its handle.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU32;
/// use key_rotation::shared::{MissError, RefreshOnMiss};
/// use key_rotation::{InMemoryKeyProvider, Key, KeyId, RotationService, StrictSingleActive, Timestamp};
///
/// # pollster::block_on(async {
/// # let now = Timestamp::now();
/// # let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
/// # let _ = service.bootstrap(Key::new(KeyId::from_static("k1"), "one", now), now).await?;
/// let shared = service.share(now).await?;
/// let misses = RefreshOnMiss::new(shared.clone(), NonZeroU32::new(6).unwrap());
/// # let _ = service.add(&Key::new(KeyId::from_static("k2"), "two", now), now).await?;
///
/// // For each ciphertext, with the id from its header:
/// # let (id, mut put_back_until) = ("k2", |_: Timestamp| {});
/// match misses.ring_with(id, Timestamp::now(), || service.refresh(&shared, now)).await {
///     Ok(ring) => drop(ring.decryption_key(id)?),
///     Err(MissError::NotLookedUp { again_at, .. }) => put_back_until(again_at),
///     Err(error) => println!("the store is out of reach: {error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RefreshOnMiss<M = KeyMaterial> {
    shared: SharedKeyring<M>,
    interval: Duration,
    flight: Mutex<Flight>,
}

/// The refresh that is going on, if one is, and the time of the last.
#[derive(Default)]
struct Flight {
    is_in_the_air: bool,
    landings: u64,
    last_start: Option<Timestamp>,
    waiting: BTreeMap<u64, Waker>,
    /// The number of those who have waited so far.
    tickets: u64,
}

/// The part that a miss takes.
enum Turn<'f> {
    Refresh(Pilot<'f>),
    Wait { landings: u64, again_at: Timestamp },
    GiveUp { again_at: Timestamp },
}

/// Lands the flight when the refresh is done, and as well when it fails, panics or is cancelled.
struct Pilot<'f>(&'f Mutex<Flight>);

impl<M> RefreshOnMiss<M> {
    /// Makes one for this ring, with at most so many refreshes a minute.
    #[must_use]
    pub fn new(shared: SharedKeyring<M>, per_minute: NonZeroU32) -> Self {
        // Rounded up, because times are milliseconds and the limit is one: never too short.
        let interval = Duration::from_millis(60_000_u64.div_ceil(per_minute.get().into()));
        Self { shared, interval, flight: Mutex::default() }
    }

    /// Returns the ring to look this id up in, after a refresh if the ring has never heard of the
    /// id.
    ///
    /// The ring has the key or its tombstone, or else it was loaded after this call began. So
    /// [`Keyring::decryption_key`] gives the store's answer. A text that cannot be a key id is
    /// answered without asking the store.
    ///
    /// `now` is the time of this call. If it is older than the last refresh by more than the space
    /// between two, the clock is taken to have been set back.
    ///
    /// # Errors
    ///
    /// [`MissError::NotLookedUp`], for one of two reasons. The limit does not let the store be
    /// asked now; or this call waited for a refresh that was going on already, which did not bring
    /// the key, and may have read the store before the key was there. The data may be good: put it
    /// back, and try again at the time in the error.
    ///
    /// [`MissError::Refresh`] if the refresh failed.
    pub async fn ring_with<T, E, Refresh>(
        &self,
        id: &str,
        now: Timestamp,
        refresh: impl FnOnce() -> Refresh,
    ) -> Result<Arc<Keyring<M>>, MissError<E>>
    where
        Refresh: Future<Output = Result<T, E>>,
    {
        let ring = self.shared.load();
        if knows(&ring, id) || KeyId::try_from(id).is_err() {
            return Ok(ring);
        }
        let again_at = match self.turn(now) {
            Turn::Refresh(pilot) => {
                let refreshed = refresh().await;
                drop(pilot);
                refreshed.map_err(MissError::Refresh)?;
                return Ok(self.shared.load());
            }
            Turn::Wait { landings, again_at } => {
                self.landing_after(landings).await;
                again_at
            }
            Turn::GiveUp { again_at } => again_at,
        };
        // A refresh of another call may have brought the key since the first look. If it has not,
        // it may have read the store before this call; one more is for a later call to begin, for
        // `now` is as old as the wait was long.
        let ring = self.shared.load();
        if knows(&ring, id) {
            return Ok(ring);
        }
        Err(MissError::NotLookedUp { id: EscapedText::from(id), again_at })
    }

    fn turn(&self, now: Timestamp) -> Turn<'_> {
        let mut flight = lock(&self.flight);
        if let Some(last_start) = flight.last_start {
            let again_at = last_start.saturating_add(self.interval);
            if flight.is_in_the_air {
                return Turn::Wait { landings: flight.landings, again_at };
            }
            if now.saturating_add(self.interval) < last_start {
                // The clock was set back: the time that counts begins anew.
                flight.last_start = Some(now);
                return Turn::GiveUp { again_at: now.saturating_add(self.interval) };
            }
            if now < again_at {
                return Turn::GiveUp { again_at };
            }
        }
        flight.is_in_the_air = true;
        flight.last_start = Some(now);
        Turn::Refresh(Pilot(&self.flight))
    }

    /// Waits for the flight that was in the air after this many landings.
    async fn landing_after(&self, landings: u64) {
        let mut place = Place { flight: &self.flight, ticket: None };
        poll_fn(|context| {
            let mut flight = lock(&self.flight);
            if flight.landings != landings {
                return Poll::Ready(());
            }
            let ticket = place.ticket.unwrap_or_else(|| {
                flight.tickets += 1;
                flight.tickets
            });
            place.ticket = Some(ticket);
            let old = flight.waiting.insert(ticket, context.waker().clone());
            // What a waker does when it is dropped is not known: not under the lock.
            drop(flight);
            drop(old);
            Poll::Pending
        })
        .await;
    }
}

/// A place among those who wait, left when the wait is over or given up.
struct Place<'f> {
    flight: &'f Mutex<Flight>,
    ticket: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let waker = self.ticket.and_then(|ticket| lock(self.flight).waiting.remove(&ticket));
        drop(waker);
    }
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        let mut flight = lock(self.0);
        flight.is_in_the_air = false;
        flight.landings = flight.landings.wrapping_add(1);
        let waiting = mem::take(&mut flight.waiting);
        drop(flight);
        waiting.into_values().for_each(Waker::wake);
    }
}

/// Returns true if the ring has an answer for this id that a newer ring could not change: the key,
/// or that it was destroyed.
fn knows<M>(ring: &Keyring<M>, id: &str) -> bool {
    !matches!(ring.decryption_key(id), Err(DecryptionKeyError::KeyNotFound { .. }))
}

fn lock(flight: &Mutex<Flight>) -> MutexGuard<'_, Flight> {
    flight.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M> fmt::Debug for RefreshOnMiss<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshOnMiss")
            .field("interval", &self.interval)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
