//! The materials that are tried, where they come from, and where they are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, OnceLock};

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit};
use key_rotation::{
    Inactive, Key, KeyId, KeyMaterial, KeyRecord, KeyRef, KeyStatus, Keyring, Retired, Timestamp,
};
use zeroize::{Zeroize, Zeroizing};

use super::scanner::{self, NEEDLE};

/// How many bytes the canary has. A key is made of the first [`KEY_LEN`] of them.
pub(crate) const CANARY_LEN: usize = 64;
/// The length of a key, in bytes.
pub(crate) const KEY_LEN: usize = 32;

/// One byte of the canary, worked out from its position: there is no copy of it to be found.
pub(crate) fn canary(position: usize) -> u8 {
    pseudo_random(0x5eed_0f7e_57ca_11a5, position)
}

fn pseudo_random(seed: u64, position: usize) -> u8 {
    let step = u64::try_from(position).unwrap_or(0) + 1;
    let mut state = seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ (state >> 31)).to_le_bytes()[0]
}

/// Writes the canary in place, from its start.
pub(crate) fn write_canary(place: &mut [u8]) {
    for (position, byte) in place.iter_mut().enumerate() {
        *byte = canary(position);
    }
}

/// Tells the scanner what to look for: the canary, and what a prepared cipher makes of it.
pub(crate) fn teach_the_scanner() {
    for start in 0..=CANARY_LEN - NEEDLE {
        scanner::watch_for_one(&std::array::from_fn(|n| canary(start + n)));
    }
    // A cipher need not hold its key as it was given: what it holds depends on the machine. So
    // whatever is the same in two ciphers of the same key, and not in one of another key, is
    // looked for too.
    let (one, same) = (prepared(canary), prepared(canary));
    let other = prepared(|position| pseudo_random(1, position));
    let snapshots = [one, same, other].map(|cipher| snapshot(&cipher));
    let [one, same, other] = snapshots.each_ref().map(|bytes| bytes.windows(NEEDLE));
    for ((one, same), other) in one.zip(same).zip(other) {
        if one == same && one != other {
            scanner::watch_for(one);
        }
    }
}

fn prepared(byte: impl Fn(usize) -> u8) -> Aes256Gcm {
    let key = Zeroizing::new(std::array::from_fn::<u8, KEY_LEN, _>(byte));
    Aes256Gcm::new((&*key).into())
}

/// The bytes of which a cipher consists.
fn snapshot(cipher: &Aes256Gcm) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; size_of::<Aes256Gcm>()]);
    let start = ptr::from_ref(cipher).cast::<u8>();
    for (n, byte) in bytes.iter_mut().enumerate() {
        // SAFETY: `n` is less than the size of the cipher, which is borrowed. The read is volatile,
        // because some of these bytes may be padding: whatever they hold will do.
        *byte = unsafe { start.add(n).read_volatile() };
    }
    bytes
}

/// A material that is tried.
pub(crate) trait Specimen: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// Whether it wipes itself when it is dropped.
    const WIPES: bool;

    /// Makes the material of the canary, without a copy on the heap.
    fn make() -> Self;
    /// Where the secret is, if elsewhere than in the value itself.
    fn secret_at(&self) -> usize;
    /// Whether the secret is what it was when the material was made.
    fn is_intact(&self) -> bool;
}

impl Specimen for KeyMaterial {
    const NAME: &'static str = "KeyMaterial";
    const WIPES: bool = true;

    fn make() -> Self {
        let filled = Self::try_fill(KEY_LEN, |place| {
            write_canary(place);
            Ok::<_, std::convert::Infallible>(())
        });
        filled.unwrap()
    }

    fn secret_at(&self) -> usize {
        self.expose_secret().as_ptr().addr()
    }

    fn is_intact(&self) -> bool {
        is_the_key(self.expose_secret())
    }
}

impl Specimen for Zeroizing<[u8; KEY_LEN]> {
    const NAME: &'static str = "Zeroizing<[u8; 32]>";
    const WIPES: bool = true;

    fn make() -> Self {
        let mut bytes = Self::new([0; KEY_LEN]);
        write_canary(&mut *bytes);
        bytes
    }

    fn secret_at(&self) -> usize {
        self.as_ptr().addr()
    }

    fn is_intact(&self) -> bool {
        is_the_key(&**self)
    }
}

impl Specimen for Aes256Gcm {
    const NAME: &'static str = "Aes256Gcm";
    const WIPES: bool = true;

    fn make() -> Self {
        prepared(canary)
    }

    fn secret_at(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    fn is_intact(&self) -> bool {
        static FROM_A_FRESH_CIPHER: OnceLock<Vec<u8>> = OnceLock::new();
        let encrypt = |cipher: &Self| cipher.encrypt(&[7; 12].into(), &b"plaintext"[..]).unwrap();
        *FROM_A_FRESH_CIPHER.get_or_init(|| encrypt(&prepared(canary))) == encrypt(self)
    }
}

/// A material that does not wipe itself: the control. What is wiped nowhere must be found, once
/// for each time that it was made; so there was one copy of it on the heap, and it was seen.
pub(crate) struct Unwiped([u8; KEY_LEN]);

impl Specimen for Unwiped {
    const NAME: &'static str = "a material that does not wipe itself";
    const WIPES: bool = false;

    fn make() -> Self {
        let mut bytes = [0; KEY_LEN];
        write_canary(&mut bytes);
        Self(bytes)
    }

    fn secret_at(&self) -> usize {
        self.0.as_ptr().addr()
    }

    fn is_intact(&self) -> bool {
        is_the_key(&self.0)
    }
}

fn is_the_key(bytes: &[u8]) -> bool {
    bytes.len() == KEY_LEN && bytes.iter().enumerate().all(|(n, byte)| *byte == canary(n))
}

/// Runs this, and then clears the stack that it has used.
///
/// A material that is passed by value leaves copies on the stack. The compiler may take them from
/// there to the heap, as the padding of a struct or the unused part of an enum; that would be the
/// work of whoever passed the material by value, and is not the subject here.
#[inline(never)]
pub(crate) fn swept<T>(scope: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn in_a_frame_below<T>(scope: impl FnOnce() -> T) -> T {
        scope()
    }
    #[inline(never)]
    fn sweep() {
        black_box(&mut [0_u8; 64 * 1024]);
    }
    let result = in_a_frame_below(scope);
    sweep();
    result
}

/// Makes keys, and counts the materials that it made for them.
pub(crate) struct Forge<M> {
    made: Cell<usize>,
    material: PhantomData<M>,
}

impl<M: Specimen> Forge<M> {
    pub(crate) fn new() -> Self {
        Self { made: Cell::new(0), material: PhantomData }
    }

    pub(crate) fn made(&self) -> usize {
        self.made.get()
    }

    /// A material by value: for a scope that is [`swept`].
    pub(crate) fn material(&self) -> M {
        self.made.set(self.made.get() + 1);
        black_box(M::make())
    }

    pub(crate) fn shared(&self) -> Arc<M> {
        swept(|| black_box(Arc::new(self.material())))
    }

    pub(crate) fn key(&self, name: &str) -> Key<Inactive, M> {
        swept(|| black_box(Key::new(id(name), self.material(), at(1))))
    }

    pub(crate) fn record(&self, name: &str, status: KeyStatus) -> KeyRecord<M> {
        swept(|| black_box(KeyRecord::new(id(name), status, at(1), self.material())))
    }

    /// A ring with a key of each kind, named for what it is: `active`, `former`, `staged`,
    /// `retired`, `revoked`, and the tombstone of `destroyed`.
    pub(crate) fn ring(&self) -> Keyring<M> {
        let mut ring = Keyring::new(self.key("former").activate(at(2)));
        for name in ["active", "staged", "retired", "revoked", "destroyed"] {
            let _ = ring.add(self.key(name), at(2)).unwrap();
        }
        let _ = ring.rotate_to("active", at(3)).unwrap();
        for name in ["retired", "destroyed"] {
            let _ = ring.entry::<Inactive>(name).unwrap().retire(at(4));
        }
        let _ = ring.entry::<Inactive>("revoked").unwrap().revoke(at(4));
        let _ = ring.entry::<Retired>("destroyed").unwrap().destroy(at(5));
        black_box(ring)
    }
}

pub(crate) fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// Where a material is: the value, and the secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    value: usize,
    secret: usize,
}

impl Place {
    pub(crate) fn of<M: Specimen>(material: &M) -> Self {
        assert!(swept(|| black_box(material).is_intact()), "{} was changed", M::NAME);
        Self { value: ptr::from_ref(material).addr(), secret: material.secret_at() }
    }

    pub(crate) fn of_key<'k, M: Specimen + 'k>(key: impl Into<KeyRef<'k, M>>) -> Self {
        let material = match key.into() {
            KeyRef::Active(key) => key.decryption_key().material(),
            KeyRef::Inactive(key) => key.decryption_key().material(),
            KeyRef::Retired(key) => key.decryption_key().material(),
            KeyRef::Revoked(key) => key.salvage_key().material(),
        };
        Self::of(material)
    }
}

/// Where the material of each key was first seen.
#[derive(Default)]
pub(crate) struct Places(BTreeMap<KeyId, Place>);

impl Places {
    /// The places of the keys of this ring.
    pub(crate) fn of<M: Specimen>(ring: &Keyring<M>) -> Self {
        Self(ring.iter().map(|key| (key.id().clone(), Place::of_key(key))).collect())
    }

    pub(crate) fn note<'k, M: Specimen + 'k>(&mut self, key: impl Into<KeyRef<'k, M>>) {
        let key = key.into();
        self.0.insert(key.id().clone(), Place::of_key(key));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Every key of the ring was seen before, and its material is where it was.
    pub(crate) fn are_those_of<M: Specimen>(&self, ring: &Keyring<M>) {
        for (id, place) in Self::of(ring).0 {
            assert_eq!(self.0.get(&id), Some(&place), "the material of {id} has moved");
        }
    }

    pub(crate) fn are_those_in<M: Specimen>(&self, records: &[KeyRecord<M>]) {
        for record in records {
            let place = Place::of(&*record.material);
            assert_eq!(self.0.get(&record.info.id), Some(&place), "{} has moved", record.info.id);
        }
    }
}

/// Wipes what the test itself has written.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.zeroize();
}
