//! The same ring over other material.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::hint::black_box;

use super::Keyring;
use super::active::ActiveKey;
use super::slot::Slot;
use super::table::Table;
use crate::id::KeyId;
use crate::key::{Apart, Both, Halves, Kept, Key, KeyInfo, One, Same};
use crate::status::Active;
use crate::text::Reason;

/// Makes the halves of the new keys.
trait Remake<M, E, D: Halves<E>> {
    type Error;

    /// Of a key that holds both.
    fn both(&mut self, key: &KeyInfo, material: &M) -> Result<Both<E, D>, Self::Error>;

    /// Of a key that holds the decrypting half alone.
    fn one(&mut self, key: &KeyInfo, material: &M) -> Result<One<E, D>, Self::Error>;
}

/// For [`Keyring::try_map`].
struct Map<F>(F);

impl<M, N, X, F> Remake<M, N, Same> for Map<F>
where
    F: FnMut(&KeyInfo, &M) -> Result<N, X>,
{
    type Error = X;

    fn both(&mut self, key: &KeyInfo, material: &M) -> Result<Both<N, Same>, X> {
        placed(|| self.0(key, material)).map(Kept::same)
    }

    fn one(&mut self, key: &KeyInfo, material: &M) -> Result<One<N, Same>, X> {
        placed(|| self.0(key, material)).map(Kept::same)
    }
}

/// For [`Keyring::try_split`].
struct Split<F, G> {
    encrypting: F,
    decrypting: G,
}

impl<M, E, V, X, F, G> Remake<M, E, Apart<V>> for Split<F, G>
where
    F: FnMut(&KeyInfo, &M) -> Result<E, X>,
    G: FnMut(&KeyInfo, &M) -> Result<V, X>,
{
    type Error = X;

    fn both(&mut self, key: &KeyInfo, material: &M) -> Result<Both<E, Apart<V>>, X> {
        let encrypting = placed(|| (self.encrypting)(key, material))?;
        let decrypting = placed(|| (self.decrypting)(key, material))?;
        Ok(Kept::pair(encrypting, decrypting))
    }

    fn one(&mut self, key: &KeyInfo, material: &M) -> Result<One<E, Apart<V>>, X> {
        placed(|| (self.decrypting)(key, material)).map(Kept::public)
    }
}

/// Makes a material, places it on the heap, and clears the stack on which it was made.
///
/// What a value leaves on the stack may be taken to the heap by whatever is put together there
/// next, as the unused part of a slot. `tests/heap_residue.rs` finds it without this.
fn placed<N, X>(make: impl FnOnce() -> Result<N, X>) -> Result<Arc<N>, X> {
    #[inline(never)]
    fn in_a_frame_below<T>(make: impl FnOnce() -> T) -> T {
        make()
    }
    #[inline(never)]
    fn sweep() {
        black_box(&mut [0_u8; 4096]);
    }
    let made = in_a_frame_below(|| make().map(Arc::new));
    sweep();
    made
}

impl<M> Keyring<M> {
    /// Makes the same ring over other material: same ids, statuses, times and tombstones.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "bytes", now).activate(now));
    /// let lengths: Keyring<usize> = ring.map(|_key, bytes| bytes.len());
    /// assert_eq!(lengths.encryption_key().material(), &5);
    /// ```
    pub fn map<N>(&self, mut f: impl FnMut(&KeyInfo, &M) -> N) -> Keyring<N> {
        let Ok(ring) = self.try_map(|key, material| Ok::<_, Infallible>(f(key, material)));
        ring
    }

    /// Makes the same ring over other material with a function that can fail: it unwraps blobs, or
    /// prepares ciphers. It is called for every key in the order of [`iter`](Self::iter), until it
    /// fails.
    ///
    /// # Errors
    ///
    /// The first error of `f`. [`map_or_leave`](Self::map_or_leave) goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use aes_gcm::{Aes256Gcm, KeyInit};
    /// use key_rotation::error::MaterialError;
    /// use key_rotation::{Key, KeyId, KeyInfo, KeyMaterial, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let material = KeyMaterial::take(&mut [7; 32])?;
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), material, now).activate(now));
    /// fn prepare(_key: &KeyInfo, material: &KeyMaterial) -> Result<Aes256Gcm, MaterialError> {
    ///     Ok(Aes256Gcm::new(material.expose_array()?.into()))
    /// }
    /// let ciphers: Keyring<Aes256Gcm> = ring.try_map(prepare)?;
    /// # Ok::<(), MaterialError>(())
    /// ```
    pub fn try_map<N, X>(
        &self,
        f: impl FnMut(&KeyInfo, &M) -> Result<N, X>,
    ) -> Result<Keyring<N>, X> {
        self.try_remake(Map(f))
    }

    /// Makes the same ring over other material, and leaves a key unprepared that it cannot be made
    /// for: lookups of it answer
    /// [`DecryptionKeyError::Unprepared`](crate::DecryptionKeyError::Unprepared) with the reason,
    /// and no other key is harmed.
    ///
    /// # Errors
    ///
    /// [`ActiveUnprepared`] when `f` fails for the active key, without which there is no ring. It
    /// has what was made for the others.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::ring::Reason;
    /// use key_rotation::{DecryptionKeyError, KeyId, Keyring, Timestamp};
    ///
    /// let ring = Keyring::with_previous(
    ///     (KeyId::from_static("2026"), "7"),
    ///     [(KeyId::from_static("2025"), "seven")],
    ///     Timestamp::now(),
    /// )?;
    /// let numbers = ring.map_or_leave(|_key, text| text.parse::<u8>().map_err(Reason::new))?;
    /// assert_eq!(numbers.encryption_key().material(), &7);
    /// assert!(matches!(
    ///     numbers.decryption_key("2025"),
    ///     Err(DecryptionKeyError::Unprepared { .. }),
    /// ));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_or_leave<N>(
        &self,
        mut f: impl FnMut(&KeyInfo, &M) -> Result<N, Reason>,
    ) -> Result<Keyring<N>, ActiveUnprepared<N>> {
        // Each is placed where it stays, and then the places change hands.
        let made = self.map(|key, material| placed(|| f(key, material)));
        let others = made.others.map(|slot| match slot {
            &Slot::Inactive { seq, refused, ref key } => match &**key.decrypting() {
                Ok(made) => {
                    let key = key.over(Kept::same(Arc::clone(made)));
                    Slot::Inactive { seq, refused, key }
                }
                Err(reason) => Slot::unprepared(seq, key.info(), reason.clone()),
            },
            &Slot::Retired { seq, refused, ref key } => match &**key.decrypting() {
                Ok(made) => {
                    let key = key.over(Kept::same(Arc::clone(made)));
                    Slot::Retired { seq, refused, key }
                }
                Err(reason) => Slot::unprepared(seq, key.info(), reason.clone()),
            },
            &Slot::Revoked { seq, ref key } => match &**key.decrypting() {
                Ok(made) => Slot::Revoked { seq, key: key.over(Kept::same(Arc::clone(made))) },
                Err(reason) => Slot::unprepared(seq, key.info(), reason.clone()),
            },
            Slot::Destroyed { seq, tombstone } => Slot::tombstone(*seq, tombstone),
            Slot::Unprepared { seq, key } => Slot::Unprepared { seq: *seq, key: key.clone() },
        });
        match &**made.active().decrypting() {
            Ok(active) => {
                let active = made.active().over(Kept::same(Arc::clone(active)));
                Ok(self.remade(active, others))
            }
            Err(reason) => {
                let made = others.iter().filter_map(Slot::key).map(|key| {
                    let record = key.to_record();
                    (record.info.id, record.material)
                });
                let (id, reason) = (self.active().id().clone(), reason.clone());
                Err(ActiveUnprepared { id, reason, made: made.collect() })
            }
        }
    }

    /// Makes the same ring with halves that are apart, of two functions that can fail.
    ///
    /// `encrypting` is asked for active and inactive keys alone, because no other key holds that
    /// half. `decrypting` is asked for every key. Both are called in the order of
    /// [`iter`](Self::iter).
    ///
    /// # Errors
    ///
    /// The first error of either.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use key_rotation::{Apart, Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), 7_u8, now).activate(now));
    /// let pairs: Keyring<String, Apart<u16>> = ring.try_split(
    ///     |_key, seed| Ok::<_, Infallible>(format!("signs with {seed}")),
    ///     |_key, seed| Ok(u16::from(*seed)),
    /// )?;
    /// assert_eq!(pairs.encryption_key().material(), "signs with 7");
    /// assert_eq!(pairs.decryption_key("k1")?.material(), &7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_split<E, V, X>(
        &self,
        encrypting: impl FnMut(&KeyInfo, &M) -> Result<E, X>,
        decrypting: impl FnMut(&KeyInfo, &M) -> Result<V, X>,
    ) -> Result<Keyring<E, Apart<V>>, X> {
        self.try_remake(Split { encrypting, decrypting })
    }

    fn try_remake<E, D: Halves<E>, R: Remake<M, E, D>>(
        &self,
        mut remake: R,
    ) -> Result<Keyring<E, D>, R::Error> {
        let active =
            self.active().over(remake.both(&self.active().info(), self.active().decrypting())?);
        let rank = |slot: &Slot<M, Same>| slot.rank();
        let others = self.others.try_map(rank, |slot| {
            Ok(match slot {
                &Slot::Inactive { seq, refused, ref key } => {
                    let kept = remake.both(&key.info(), key.decrypting())?;
                    Slot::Inactive { seq, refused, key: key.over(kept) }
                }
                &Slot::Retired { seq, refused, ref key } => {
                    let kept = remake.one(&key.info(), key.decrypting())?;
                    Slot::Retired { seq, refused, key: key.over(kept) }
                }
                &Slot::Revoked { seq, ref key } => {
                    let kept = remake.one(&key.info(), key.decrypting())?;
                    Slot::Revoked { seq, key: key.over(kept) }
                }
                Slot::Destroyed { seq, tombstone } => Slot::tombstone(*seq, tombstone),
                Slot::Unprepared { seq, key } => Slot::Unprepared { seq: *seq, key: key.clone() },
            })
        })?;
        Ok(self.remade(active, others))
    }
}

impl<E, D: Halves<E>> Keyring<E, D> {
    /// Makes a second ring over the same material. Not a `Clone`, because from here on the two
    /// rings go their own ways, and material is wiped only when neither holds it.
    ///
    /// # Examples
    ///
    /// ```
    /// use key_rotation::{Key, KeyId, Keyring, Timestamp};
    ///
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), "one", now).activate(now));
    /// let mut fork: Keyring<&str> = ring.fork();
    /// let rotation = fork.rotate_in(Key::new(KeyId::from_static("k2"), "two", now), now)?;
    /// assert_eq!(ring.active().id().as_str(), "k1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fork(&self) -> Self {
        let others = self.others.map(|slot| match slot {
            &Slot::Inactive { seq, refused, ref key } => {
                Slot::Inactive { seq, refused, key: key.share() }
            }
            &Slot::Retired { seq, refused, ref key } => {
                Slot::Retired { seq, refused, key: key.share() }
            }
            &Slot::Revoked { seq, ref key } => Slot::Revoked { seq, key: key.share() },
            Slot::Destroyed { seq, tombstone } => Slot::tombstone(*seq, tombstone),
            Slot::Unprepared { seq, key } => Slot::Unprepared { seq: *seq, key: key.clone() },
        });
        self.remade(self.active().share(), others)
    }

    /// The ring of these, with all else as it is here.
    fn remade<E2, D2: Halves<E2>>(
        &self,
        active: Key<Active, E2, D2>,
        others: Table<Slot<E2, D2>>,
    ) -> Keyring<E2, D2> {
        let Self { refusals, live, seq, .. } = self;
        Keyring {
            active: ActiveKey::new(active),
            others,
            refusals: refusals.clone(),
            live: *live,
            seq: *seq,
        }
    }
}

/// The error for an active key that could not be prepared: without it there is no ring. It gives
/// back what was made for the other keys.
#[must_use = "what was made for the other keys is in here"]
pub struct ActiveUnprepared<N> {
    id: KeyId,
    reason: Reason,
    made: Vec<(KeyId, Arc<N>)>,
}

impl<N> ActiveUnprepared<N> {
    /// Returns the id of the active key.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the reason why it could not be prepared.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Gives back what was made for the other keys, in no order that is promised.
    #[must_use]
    pub fn into_made(self) -> Vec<(KeyId, Arc<N>)> {
        self.made
    }
}

impl<N> fmt::Display for ActiveUnprepared<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, reason, .. } = self;
        write!(
            f,
            "the active key `{id}` could not be prepared: {reason}; without it nothing encrypts"
        )
    }
}

impl<N> fmt::Debug for ActiveUnprepared<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveUnprepared")
            .field("id", &self.id)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<N> core::error::Error for ActiveUnprepared<N> {}
