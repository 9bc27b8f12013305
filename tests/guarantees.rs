//! What is decided when the tests compile: sizes, auto traits, and traits that must not be there.

use std::cell::Cell;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::mem::{align_of, size_of};

use key_rotation::builder::{WithActive, WithoutActive};
use key_rotation::{
    Active, Change, CryptoExport, DecryptionKey, EncryptionKey, Entry, InMemoryKeyProvider,
    Inactive, Key, KeyIdTaken, KeyMaterial, KeyRecord, KeyRef, Keyring, KeyringBuilder, Retired,
    RotationPolicy, RotationService, Snapshot, StrictSingleActive, Timestamp,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_obj_safe};

/// A material that has nothing: no `Debug`, no `Clone`.
struct Bare;

/// A material that must stay on its thread.
type Unshared = Cell<u8>;

// One size and one layout for all three statuses; an absent key costs nothing.
const _: () = {
    assert!(size_of::<Key<Active>>() == size_of::<Key<Inactive>>());
    assert!(size_of::<Key<Active>>() == size_of::<Key<Retired>>());
    assert!(align_of::<Key<Active>>() == align_of::<Key<Inactive>>());
    assert!(align_of::<Key<Active>>() == align_of::<Key<Retired>>());
    assert!(size_of::<Option<Key<Active>>>() == size_of::<Key<Active>>());
    assert!(size_of::<Option<Key<Inactive>>>() == size_of::<Key<Inactive>>());
    assert!(size_of::<Option<Key<Retired>>>() == size_of::<Key<Retired>>());
    // An id of 24 bytes, a pointer and three times: the status takes no room.
    assert!(size_of::<Key<Active>>() == 24 + size_of::<usize>() + 3 * 8);
    assert!(size_of::<Key<Active, [u8; 1000]>>() == size_of::<Key<Active>>());
    assert!(size_of::<Option<Timestamp>>() == size_of::<Timestamp>());
    assert!(size_of::<EncryptionKey<'_>>() == 2 * size_of::<usize>());
};

// A key, and a ring, is one value.
assert_not_impl_any!(Key<Active>: Clone, Copy, PartialEq, PartialOrd, Default, std::hash::Hash);
assert_not_impl_any!(Key<Inactive>: Clone, Copy, PartialEq, PartialOrd, Default, std::hash::Hash);
assert_not_impl_any!(Key<Retired>: Clone, Copy, PartialEq, PartialOrd, Default, std::hash::Hash);
assert_not_impl_any!(Keyring: Clone, PartialEq, Default, IntoIterator);
assert_not_impl_any!(Key<Active>: From<Key<Inactive>>, From<Key<Retired>>, AsRef<KeyMaterial>);
assert_not_impl_any!(Key<Active>: From<KeyRecord>, std::ops::Deref);
assert_not_impl_any!(EncryptionKey<'static>: From<DecryptionKey<'static>>);

// Secrets do not print, compare, clone or serialize.
assert_not_impl_any!(KeyMaterial: Display, Clone, PartialEq, AsRef<[u8]>, std::ops::Deref);
assert_not_impl_any!(KeyMaterial: serde::Serialize, std::borrow::Borrow<[u8]>, Default);
assert_not_impl_any!(Key<Active>: serde::Serialize, Display);
assert_not_impl_any!(Keyring: serde::Serialize, Display);
assert_not_impl_any!(KeyRecord: serde::Serialize, Display, PartialEq);
assert_not_impl_any!(EncryptionKey<'static>: serde::Serialize, Display, PartialEq);
assert_not_impl_any!(DecryptionKey<'static>: serde::Serialize, Display, PartialEq);
assert_impl_all!(KeyMaterial: zeroize::ZeroizeOnDrop);

// `Debug` is there for every material.
assert_impl_all!(Key<Active, Bare>: Debug);
assert_impl_all!(Keyring<Bare>: Debug);
assert_impl_all!(KeyringBuilder<WithoutActive, Bare>: Debug);
assert_impl_all!(KeyringBuilder<WithActive, Bare>: Debug);
assert_impl_all!(Entry<'static, Inactive, Bare>: Debug);
assert_impl_all!(EncryptionKey<'static, Bare>: Debug, Copy);
assert_impl_all!(DecryptionKey<'static, Bare>: Debug, Copy);
assert_impl_all!(KeyRef<'static, Bare>: Debug, Copy);
assert_impl_all!(CryptoExport<'static, Bare>: Debug, Copy);
assert_impl_all!(KeyRecord<Bare>: Debug, Clone);
assert_impl_all!(KeyIdTaken<Bare>: Debug, std::error::Error);
assert_impl_all!(Snapshot<Bare>: Debug, Clone);
assert_impl_all!(Change<Bare>: Debug, Clone);
assert_impl_all!(InMemoryKeyProvider<Bare>: Debug);

// Threads: as the material allows, whatever the status.
assert_impl_all!(Key<Active>: Send, Sync);
assert_impl_all!(Key<Inactive>: Send, Sync);
assert_impl_all!(Key<Retired>: Send, Sync);
assert_impl_all!(Keyring: Send, Sync);
assert_impl_all!(Keyring<Bare>: Send, Sync);
assert_impl_all!(RotationService<InMemoryKeyProvider, StrictSingleActive>: Send, Sync);
assert_not_impl_any!(Key<Active, Unshared>: Send, Sync);
assert_not_impl_any!(Keyring<Unshared>: Send, Sync);

// A policy can be chosen at run time.
assert_obj_safe!(RotationPolicy);
assert_impl_all!(Box<dyn RotationPolicy + Send + Sync>: RotationPolicy);

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
