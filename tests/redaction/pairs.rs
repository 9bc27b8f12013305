//! What prints where a key has two halves, and where some keys could not be prepared.

use std::fmt;

use key_rotation::error::{ActiveUnprepared, DecryptionKeyError, EntryError};
use key_rotation::ring::Reason;
use key_rotation::{Apart, Inactive, Key, KeyRef, Keyring, Retired, Revoked};

use crate::exhibits::{Exhibits, at, id, ring};

/// Both halves are secret, so that whichever is printed is found.
pub(crate) fn exhibit<M: 'static>(all: &mut Exhibits, make: &impl Fn() -> M) {
    let pair = |name: &str| Key::new_pair(id(name), make(), make(), at(1));
    keys(all, pair);
    rings(all, pair);
    split(all, make);
    unprepared(all, make);
}

fn keys<M>(all: &mut Exhibits, pair: impl Fn(&str) -> Key<Inactive, M, Apart<M>>) {
    let (inactive, active) = (pair("k"), pair("k").activate(at(2)));
    let (retired, revoked) = (pair("k").retire(at(2)), pair("k").revoke(at(2)));
    all.debug("Key of a pair, active", &active);
    all.debug("Key of a pair, inactive", &inactive);
    all.debug("Key of a pair, retired", &retired);
    all.debug("Key of a pair, revoked", &revoked);
    all.debug("EncryptionKey, of a pair", &active.encryption_key());
    all.debug("DecryptionKey, of a pair", &retired.decryption_key());
    all.debug("OwnedDecryptionKey, of a pair", &active.decryption_key().to_owned());
    all.debug("SalvageKey, of a pair", &revoked.salvage_key());
    all.debug("KeyRef, of a pair", &KeyRef::from(&active));
    all.debug("KeyRef, of a pair", &KeyRef::from(&revoked));
    all.debug("Key of a pair, restored", &revoked.restore(at(3)));
    all.shown("Destruction, of a pair", &retired.destroy(at(3)));
}

fn rings<M: 'static>(all: &mut Exhibits, pair: impl Fn(&str) -> Key<Inactive, M, Apart<M>>) {
    let mut ring = Keyring::builder(pair("active").activate(at(2)))
        .staged(pair("inactive"))
        .retired(pair("retired").retire(at(2)))
        .revoked(pair("revoked").revoke(at(2)))
        .build()
        .unwrap();
    all.debug("Keyring, of pairs", &ring);
    all.shown("KeyringState, of pairs", &ring.state());
    all.debug("Iter, of pairs", &ring.iter());
    all.debug("CryptoExport, of pairs", &ring.export_for_crypto());
    all.debug("DecryptionKeyring, of pairs", &ring.decryption_only());
    all.debug("Entry, of a pair", &ring.entry::<Retired>("retired"));
    all.debug("Entry, of a pair", &ring.entry::<Revoked>("revoked"));
    all.debug("KeyringBuilder, of pairs", &Keyring::builder(pair("k").activate(at(2))));
    all.error("KeyIdTaken, of a pair", &ring.add(pair("retired"), at(3)).unwrap_err());
}

/// A preparation that failed, with an error that knows no material.
fn split<M: 'static>(all: &mut Exhibits, make: &impl Fn() -> M) {
    let whole = ring(|name| Key::new(id(name), make(), at(1)));
    let split = whole.try_split(|_, _| Ok::<_, fmt::Error>(make()), |_, _| Ok(make())).unwrap();
    all.debug("Keyring, split", &split);
    all.debug("DecryptionKeyring, split", &split.decryption_only());
    let refused = whole.try_split(|_, _| Ok(make()), |_, _| Err::<M, _>(fmt::Error)).unwrap_err();
    all.error("the error of a closure", &refused);
}

fn unprepared<M: 'static>(all: &mut Exhibits, make: &impl Fn() -> M) {
    let whole = ring(|name| Key::new(id(name), make(), at(1)));
    let left = |name: &'static str| {
        whole.map_or_leave(move |key, _| {
            if key.id == *name { Err(Reason::new("no access to the KMS")) } else { Ok(make()) }
        })
    };
    let mut some = left("retired").unwrap();
    all.debug("Keyring, not all prepared", &some);
    all.shown("KeyringState, not all prepared", &some.state());
    some.unprepared().for_each(|(_, reason)| all.shown("Reason", reason));
    let unprepared = some.decryption_key("retired").unwrap_err();
    assert!(matches!(unprepared, DecryptionKeyError::Unprepared { .. }));
    all.error("DecryptionKeyError::Unprepared", &unprepared);
    let unprepared = some.entry::<Retired>("retired").unwrap_err();
    assert!(matches!(unprepared, EntryError::Unprepared { .. }));
    all.error("EntryError::Unprepared", &unprepared);
    let none: ActiveUnprepared<M> = left("active").unwrap_err();
    all.error("ActiveUnprepared", &none);
}
