//! What is decided when the tests compile: sizes, auto traits, variance, and traits that must not
//! be there.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::cell::Cell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};

use key_rotation::ring::{
    ActiveUnprepared, CryptoExport, Iter, KeyIdTaken, KeyringBuilder, KeyringState,
};
use key_rotation::store::{Change, Snapshot};
use key_rotation::{
    Active, Apart, CanDecrypt, CanEncrypt, DecryptionKey, DecryptionKeyring, EncryptionKey, Entry,
    Halves, InMemoryKeyProvider, Inactive, Key, KeyId, KeyInfo, KeyMaterial, KeyRecord, KeyRef,
    Keyring, OwnedDecryptionKey, Retired, Revoked, RotationPolicy, RotationService, SalvageKey,
    Same, Status, StrictSingleActive, Times, Timestamp,
};
use static_assertions::{
    assert_impl_all, assert_not_impl_any, assert_obj_safe, assert_type_eq_all,
};

/// A material that has nothing: no `Debug`, no `Clone`.
struct Bare;

/// A material that must stay on its thread.
type Unshared = Cell<u8>;

/// Asserts something of a key in each of the four statuses, and in both kinds of halves.
macro_rules! for_each_status {
    ($($assert:ident!($half:ty: $($what:path),+);)+) => {
        $(
            $assert!(Key<Active, $half>: $($what),+);
            $assert!(Key<Inactive, $half>: $($what),+);
            $assert!(Key<Retired, $half>: $($what),+);
            $assert!(Key<Revoked, $half>: $($what),+);
            $assert!(Key<Active, $half, Apart<$half>>: $($what),+);
            $assert!(Key<Inactive, $half, Apart<$half>>: $($what),+);
            $assert!(Key<Retired, $half, Apart<$half>>: $($what),+);
            $assert!(Key<Revoked, $half, Apart<$half>>: $($what),+);
        )+
    };
}

/// An id of 24 bytes, six times, three numbers and a pointer; a pair has a pointer more. The status
/// takes no room, and neither do the marks.
const SAME: usize = 24 + 6 * 8 + 3 * 8 + size_of::<usize>();
const APART: usize = SAME + size_of::<usize>();

/// One size and one layout for all four statuses; an absent key costs nothing.
const fn has_one_size<E, D: Halves<E>>(size: usize) {
    const fn is<S: Status, E, D: Halves<E>>(size: usize) {
        assert!(size_of::<Key<S, E, D>>() == size);
        assert!(align_of::<Key<S, E, D>>() == align_of::<u64>());
        assert!(size_of::<Option<Key<S, E, D>>>() == size);
    }
    is::<Active, E, D>(size);
    is::<Inactive, E, D>(size);
    is::<Retired, E, D>(size);
    is::<Revoked, E, D>(size);
}

const _: () = {
    has_one_size::<KeyMaterial, Same>(SAME);
    has_one_size::<KeyMaterial, Apart<KeyMaterial>>(APART);
    has_one_size::<[u8; 1000], Same>(SAME);
    has_one_size::<[u8; 1000], Apart<()>>(APART);
    has_one_size::<(), Apart<[u8; 1000]>>(APART);
    assert!(size_of::<Option<Timestamp>>() == size_of::<Timestamp>());
    assert!(size_of::<Option<KeyId>>() == size_of::<KeyId>());
    assert!(size_of::<EncryptionKey<'_>>() == 2 * size_of::<usize>());
    assert!(size_of::<SalvageKey<'_>>() == 2 * size_of::<usize>());
    assert!(size_of::<DecryptionKey<'_>>() == 3 * size_of::<usize>());
};

#[cfg(target_pointer_width = "64")]
const _: () = assert!(SAME == 104 && APART == 112);

// Without a word on the halves, they are one.
assert_type_eq_all!(Key<Active>, Key<Active, KeyMaterial>, Key<Active, KeyMaterial, Same>);
assert_type_eq_all!(Keyring, Keyring<KeyMaterial>, Keyring<KeyMaterial, Same>);
assert_type_eq_all!(<Same as Halves<u8>>::Decrypting, u8);
assert_type_eq_all!(<Apart<u16> as Halves<u8>>::Decrypting, u16);

// A key, and a ring, is one value.
for_each_status! {
    assert_not_impl_any!(KeyMaterial: Clone, Copy, PartialEq, PartialOrd, Default, Hash, Deref);
    assert_not_impl_any!(u8: Clone, Copy, PartialEq, PartialOrd, Default, Hash, Deref);
    assert_not_impl_any!(u8: AsRef<u8>, From<KeyRecord<u8>>, From<u8>, std::borrow::Borrow<u8>);
    assert_not_impl_any!(KeyMaterial: serde::Serialize, Display);
}
assert_not_impl_any!(Keyring: Clone, PartialEq, Default, IntoIterator, Extend<Key<Inactive>>);
assert_not_impl_any!(Keyring<u8, Apart<u8>>: Clone, PartialEq, Default, IntoIterator);
assert_not_impl_any!(DecryptionKeyring: Clone, PartialEq, Default, IntoIterator, Into<Keyring>);
assert_not_impl_any!(Key<Active>: From<Key<Inactive>>, From<Key<Retired>>, From<Key<Revoked>>);
assert_not_impl_any!(Key<Inactive>: From<Key<Active>>, From<Key<Retired>>, From<Key<Revoked>>);
assert_not_impl_any!(Key<Retired>: From<Key<Active>>, From<Key<Inactive>>, From<Key<Revoked>>);
assert_not_impl_any!(Key<Revoked>: From<Key<Active>>, From<Key<Inactive>>, From<Key<Retired>>);

// A right is no other right, and is not made of anything.
assert_not_impl_any!(EncryptionKey<'static>: From<DecryptionKey<'static>>, From<SalvageKey<'static>>);
assert_not_impl_any!(DecryptionKey<'static>: From<EncryptionKey<'static>>, From<SalvageKey<'static>>);
assert_not_impl_any!(SalvageKey<'static>: From<EncryptionKey<'static>>, From<DecryptionKey<'static>>);
assert_not_impl_any!(OwnedDecryptionKey: Clone, From<DecryptionKey<'static>>, PartialEq, Default);

// A revoked key does not decrypt, and no status but the active one encrypts.
assert_impl_all!(Active: CanEncrypt, CanDecrypt);
assert_impl_all!(Inactive: CanDecrypt);
assert_impl_all!(Retired: CanDecrypt);
assert_not_impl_any!(Inactive: CanEncrypt);
assert_not_impl_any!(Retired: CanEncrypt);
assert_not_impl_any!(Revoked: CanEncrypt, CanDecrypt);

// Secrets do not print, compare, clone or serialize.
assert_not_impl_any!(KeyMaterial: Display, Clone, PartialEq, AsRef<[u8]>, Deref);
assert_not_impl_any!(KeyMaterial: serde::Serialize, std::borrow::Borrow<[u8]>, Default);
assert_not_impl_any!(Keyring: serde::Serialize, Display);
assert_not_impl_any!(DecryptionKeyring: serde::Serialize, Display);
assert_not_impl_any!(KeyRecord: serde::Serialize, Display, PartialEq);
assert_not_impl_any!(EncryptionKey<'static>: serde::Serialize, Display, PartialEq, Deref);
assert_not_impl_any!(DecryptionKey<'static>: serde::Serialize, Display, PartialEq, Deref);
assert_not_impl_any!(SalvageKey<'static>: serde::Serialize, Display, PartialEq, Deref);
assert_not_impl_any!(OwnedDecryptionKey: serde::Serialize, Display, Deref);
assert_impl_all!(KeyMaterial: zeroize::ZeroizeOnDrop);

// `Debug` is there for every material.
for_each_status! {
    assert_impl_all!(Bare: Debug);
}
assert_impl_all!(Keyring<Bare>: Debug);
assert_impl_all!(Keyring<Bare, Apart<Bare>>: Debug);
assert_impl_all!(DecryptionKeyring<Bare>: Debug);
assert_impl_all!(KeyringBuilder<Bare, Apart<Bare>>: Debug);
assert_impl_all!(Entry<'static, Inactive, Bare, Apart<Bare>>: Debug);
assert_impl_all!(EncryptionKey<'static, Bare>: Debug, Copy);
assert_impl_all!(DecryptionKey<'static, Bare>: Debug, Copy);
assert_impl_all!(SalvageKey<'static, Bare>: Debug, Copy);
assert_impl_all!(OwnedDecryptionKey<Bare>: Debug);
assert_impl_all!(KeyRef<'static, Bare, Apart<Bare>>: Debug, Copy);
assert_impl_all!(CryptoExport<'static, Bare, Apart<Bare>>: Debug, Copy);
assert_impl_all!(Iter<'static, Bare, Apart<Bare>>: Debug);
assert_impl_all!(KeyRecord<Bare>: Debug, Clone);
assert_impl_all!(KeyIdTaken<Bare, Apart<Bare>>: Debug, Error);
assert_impl_all!(ActiveUnprepared<Bare>: Debug, Error);
assert_impl_all!(Snapshot<Bare>: Debug, Clone);
assert_impl_all!(Change<Bare>: Debug, Clone);
assert_impl_all!(InMemoryKeyProvider<Bare>: Debug);

// Threads, and panics that are caught: as the material allows, whatever the status.
for_each_status! {
    assert_impl_all!(KeyMaterial: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_impl_all!(Bare: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
    assert_not_impl_any!(Unshared: Send, Sync, UnwindSafe, RefUnwindSafe);
}
assert_impl_all!(Keyring: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Keyring<Bare, Apart<Bare>>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(DecryptionKeyring<Bare>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(OwnedDecryptionKey<Bare>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(EncryptionKey<'static, Bare>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(DecryptionKey<'static, Bare>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(KeyRecord<Bare>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(KeyringState: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(RotationService<InMemoryKeyProvider, StrictSingleActive>: Send, Sync);
// One half of a pair is enough to keep it on its thread; a reader has only the other.
assert_not_impl_any!(Keyring<Unshared>: Send, Sync, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(Keyring<Bare, Apart<Unshared>>: Send, Sync, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(Keyring<Unshared, Apart<Bare>>: Send, Sync, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(OwnedDecryptionKey<Unshared>: Send, Sync);

// A policy can be chosen at run time.
assert_obj_safe!(RotationPolicy);
assert_impl_all!(Box<dyn RotationPolicy + Send + Sync>: RotationPolicy);
assert_impl_all!(KeyInfo: Clone, Hash, Eq);
assert_impl_all!(Times: Copy, Hash, Eq, Default);

/// A key, and a ring, is as long as its material: where a shorter life is asked for, a longer one
/// serves. That these functions compile is the test.
mod covariance {
    use super::*;

    pub(super) fn of_a_key<'short, S: Status>(key: Key<S, &'static str>) -> Key<S, &'short str> {
        key
    }

    pub(super) fn of_a_pair<'short, S: Status, V>(
        key: Key<S, &'static str, Apart<V>>,
    ) -> Key<S, &'short str, Apart<V>> {
        key
    }

    pub(super) fn of_a_ring<'short>(ring: Keyring<&'static str>) -> Keyring<&'short str> {
        ring
    }

    pub(super) fn of_a_ring_of_pairs<'short, V>(
        ring: Keyring<&'static str, Apart<V>>,
    ) -> Keyring<&'short str, Apart<V>> {
        ring
    }

    pub(super) fn of_a_reader<'short>(
        reader: DecryptionKeyring<&'static str>,
    ) -> DecryptionKeyring<&'short str> {
        reader
    }

    pub(super) fn of_rights<'k, 'short>(
        encryption: EncryptionKey<'k, &'static str>,
        decryption: DecryptionKey<'k, &'static str>,
        salvage: SalvageKey<'k, &'static str>,
    ) -> (EncryptionKey<'k, &'short str>, DecryptionKey<'k, &'short str>, SalvageKey<'k, &'short str>)
    {
        (encryption, decryption, salvage)
    }
}

#[test]
fn a_longer_life_serves_where_a_shorter_one_is_asked_for() {
    let now = Timestamp::from_unix_millis(5);
    let short = String::from("short");
    let key = |id| Key::new(KeyId::from_static(id), "long", now);
    let mut ring = covariance::of_a_ring(Keyring::new(key("k1").activate(now)));
    let _ = ring.add(Key::new(KeyId::from_static("k2"), short.as_str(), now), now).unwrap();
    let _ = ring.add(covariance::of_a_key(key("k3")), now).unwrap();
    assert_eq!(ring.len(), 3);

    let pair = |id| Key::new_pair(KeyId::from_static(id), "long", 1, now);
    let mut pairs = covariance::of_a_ring_of_pairs(Keyring::new(pair("k1").activate(now)));
    let of_short = Key::new_pair(KeyId::from_static("k2"), short.as_str(), 2, now);
    let _ = pairs.add(of_short, now).unwrap();
    let _ = pairs.add(covariance::of_a_pair(pair("k3")), now).unwrap();
    assert_eq!(pairs.len(), 3);

    let (active, revoked) = (key("k1").activate(now), key("k2").revoke(now));
    let rights = (active.encryption_key(), active.decryption_key(), revoked.salvage_key());
    let (encryption, decryption, salvage) = covariance::of_rights(rights.0, rights.1, rights.2);
    assert!(
        [encryption.material(), decryption.material(), salvage.material()] != [&short.as_str(); 3]
    );
    let reader = covariance::of_a_reader(Keyring::new(active).decryption_only());
    assert_eq!(reader.len(), 1);
}

/// A function that is generic over the status, and asks for nothing else, sends the key away.
fn in_a_thread<S, E, D>(key: Key<S, E, D>) -> (KeyId, Key<S, E, D>)
where
    S: Status,
    E: Send + Sync + 'static,
    D: Halves<E> + 'static,
    Key<S, E, D>: Send,
{
    std::thread::spawn(move || (key.id().clone(), key)).join().unwrap()
}

/// The same without a word on `Send`: it follows from that of the material.
fn in_a_thread_of<S: Status, M: Send + Sync + 'static>(key: Key<S, M>) -> Key<S, M> {
    std::thread::spawn(move || key).join().unwrap()
}

fn pair_in_a_thread_of<S: Status, E, V>(key: Key<S, E, Apart<V>>) -> Key<S, E, Apart<V>>
where
    E: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    std::thread::spawn(move || key).join().unwrap()
}

#[test]
fn a_key_of_any_status_is_sent_to_a_thread() {
    let now = Timestamp::from_unix_millis(5);
    let key = Key::new(KeyId::from_static("k1"), "one", now);
    let key = in_a_thread_of(in_a_thread(key).1).activate(now);
    let key = in_a_thread_of(in_a_thread(key).1).deactivate(now);
    let key = in_a_thread_of(in_a_thread(key).1.retire(now));
    let (id, key) = in_a_thread(in_a_thread_of(key).revoke(now));
    assert_eq!((id.as_str(), *in_a_thread_of(key).salvage_key().material()), ("k1", "one"));

    let pair = Key::new_pair(KeyId::from_static("k2"), "private", "public", now);
    let pair = pair_in_a_thread_of(in_a_thread(pair).1).activate(now).deactivate(now);
    let pair = pair_in_a_thread_of(in_a_thread(pair).1.retire(now));
    assert_eq!(*in_a_thread(pair.revoke(now)).1.salvage_key().material(), "public");
}

/// The futures of the service can be spawned on a runtime of many threads.
#[test]
fn the_futures_of_the_service_are_send() {
    fn send<T: Send>(_: PhantomData<T>) {}
    fn of<T>(_: &T) -> PhantomData<T> {
        PhantomData
    }
    let service =
        RotationService::new(InMemoryKeyProvider::<KeyMaterial>::new(), StrictSingleActive);
    let now = Timestamp::now();
    send(of(&service.keyring()));
    send(of(&service.validate()));
    send(of(&service.state()));
    send(of(&service.rotate_to("k1", now)));
    send(of(&service.retire("k1", now)));
    send(of(&service.destroy("k1", now)));
}
