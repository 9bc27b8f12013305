//! Everything that prints: each public type, with keys in it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};

use key_rotation::error::{
    DecryptionKeyError, EntryError, EscapedText, InvalidKeyId, InvalidTimestamp, MaterialError,
    ParseStatusError, TakenBy, TimeConflict, TryFillError, Violation,
};
use key_rotation::key::Destruction;
use key_rotation::policy::{Fleet, Refusal};
use key_rotation::{
    Active, Inactive, InvalidKeyring, Key, KeyId, KeyInfo, KeyMaterial, KeyRecord, KeyRef,
    KeyStatus, Keyring, Retired, Revoked, RotationPolicy, StrictSingleActive, Times, Timestamp,
};

pub(crate) fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// What was printed, and what printed it.
#[derive(Default)]
pub(crate) struct Exhibits(pub(crate) Vec<(String, String)>);

impl Exhibits {
    /// The types that are here, without the rest of the exhibits' names.
    pub(crate) fn types(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(|(name, _)| name.split([':', ',']).next()).collect()
    }

    fn text(&mut self, name: &str, text: String) {
        assert!(!text.trim().is_empty(), "{name} prints nothing");
        self.0.push((name.to_string(), text));
    }

    pub(crate) fn debug(&mut self, name: &str, value: &(impl Debug + ?Sized)) {
        self.text(name, format!("{value:?}"));
        self.text(name, format!("{value:#?}"));
        self.text(name, format!("{value:x?} {value:#X?} {value:300?}"));
    }

    pub(crate) fn shown(&mut self, name: &str, value: &(impl Debug + Display + ?Sized)) {
        self.debug(name, value);
        self.text(name, format!("{value} {value:#} {value:>300}"));
    }

    /// An error with all that it came from.
    pub(crate) fn error(&mut self, name: &str, error: &(impl Error + 'static)) {
        self.shown(name, error);
        let mut source = error.source();
        while let Some(error) = source {
            self.shown(name, error);
            source = error.source();
        }
    }
}

/// Everything that prints, with keys of the materials that `make` makes. Asks nothing of `M` but
/// what a store asks.
pub(crate) fn of<M: Send + Sync + 'static>(make: impl Fn() -> M) -> Exhibits {
    let mut all = Exhibits::default();
    let key = |name: &str| Key::new(id(name), make(), at(1));
    keys(&mut all, key);
    rings(&mut all, key);
    ring_errors(&mut all, key);
    border(&mut all, key);
    refused(&mut all, key);
    super::pairs::exhibit(&mut all, &make);
    super::services::exhibit(&mut all, key);
    #[cfg(feature = "shared")]
    super::shared::exhibit(&mut all, key);
    values(&mut all);
    all
}

/// A ring with a key of each status and a tombstone.
pub(crate) fn ring<M>(key: impl Fn(&str) -> Key<Inactive, M>) -> Keyring<M> {
    Keyring::builder(key("active").activate(at(2)))
        .staged(key("inactive"))
        .previous(key("previous"))
        .retired(key("retired").retire(at(3)))
        .revoked(key("revoked").revoke(at(3)))
        .destroyed(Destruction::new(id("destroyed"), at(4)))
        .build()
        .unwrap()
}

fn keys<M>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let inactive = key("k");
    let (active, retired) = (key("k").activate(at(2)), key("k").retire(at(2)));
    let revoked = key("k").revoke(at(2));
    all.debug("Key, active", &active);
    all.debug("Key, inactive", &inactive);
    all.debug("Key, retired", &retired);
    all.debug("Key, revoked", &revoked);
    all.debug("EncryptionKey", &active.encryption_key());
    all.debug("DecryptionKey", &active.decryption_key());
    all.debug("DecryptionKey, old", &retired.decryption_key());
    all.debug("OwnedDecryptionKey", &retired.decryption_key().to_owned());
    all.debug("DecryptionKey, of an owned one", &active.decryption_key().to_owned().as_key());
    all.debug("SalvageKey", &revoked.salvage_key());
    let of_all = [
        KeyRef::from(&active),
        KeyRef::from(&inactive),
        KeyRef::from(&retired),
        KeyRef::from(&revoked),
    ];
    for key in of_all {
        all.debug("KeyRef", &key);
        all.debug("KeyInfo", &key.info());
        all.debug("Times", key.times());
        let record = key.to_record();
        all.debug("KeyRecord", &record);
        all.debug("KeyRecord, with times", &record.clone().with_times(Times::default()));
        all.debug("KeyRecord, staged", &record.staged());
    }
}

fn rings<M>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let mut ring = ring(&key);
    all.debug("Keyring", &ring);
    all.debug("Keyring, forked", &ring.fork());
    all.debug("Iter", &ring.iter());
    all.debug("Iter, half-way", &{
        let mut keys = ring.iter();
        let _ = keys.nth(2);
        keys
    });
    all.debug("KeyRef, looked up", &ring.get("active"));
    all.debug("KeyRef, listed", &ring.iter().collect::<Vec<_>>());
    all.debug("Key, listed", &(ring.active(), ring.inactive().collect::<Vec<_>>()));
    all.shown("KeyringState", &ring.state());
    all.debug("CryptoExport", &ring.export_for_crypto());
    all.debug("DecryptionKey, of an export", &ring.export_for_crypto().decryption_key("retired"));
    all.debug("DecryptionKey, listed", &ring.decryption_keys().collect::<Vec<_>>());
    all.debug("SalvageKey, looked up", &ring.salvage_key("revoked"));
    let reader = ring.decryption_only();
    all.debug("DecryptionKeyring", &reader);
    all.debug("DecryptionKey, of a reader", &reader.decryption_key("previous"));
    all.debug("SalvageKey, of a reader", &reader.salvage_key("revoked"));
    all.debug("Entry, active", &ring.entry::<Active>("active"));
    all.debug("Entry, inactive", &ring.entry::<Inactive>("inactive"));
    all.debug("Entry, retired", &ring.entry::<Retired>("retired"));
    all.debug("Entry, revoked", &ring.entry::<Revoked>("revoked"));
    all.shown("Addition", &ring.add(key("new"), at(4)).unwrap());
    all.shown("RotationDecision::Rotated", &ring.rotate_to("new", at(5)).unwrap());
    all.shown("RotationDecision::AlreadyActive", &ring.rotate_to("new", at(5)).unwrap());
    all.shown("Rotation", &ring.rotate_in(key("newest"), at(5)).unwrap());
    all.shown("Rotation", &ring.entry::<Inactive>("inactive").unwrap().activate(at(6)));
    all.shown("Retirement", &ring.entry::<Inactive>("new").unwrap().retire(at(7)));
    all.shown("Revocation", &ring.entry::<Retired>("new").unwrap().revoke(at(8)));
    all.shown("Restoration", &ring.entry::<Revoked>("new").unwrap().restore(at(9)));
    let destruction = ring.entry::<Retired>("new").unwrap().destroy(at(10));
    all.shown("Destruction", &destruction);
    // By a clock that is behind.
    all.shown("Revocation", &ring.entry::<Inactive>("previous").unwrap().revoke(at(0)));

    let builder = Keyring::builder(key("k").activate(at(2))).destroyed(destruction);
    all.debug("KeyringBuilder", &builder.staged(key("k")).revoked(key("r").revoke(at(2))));
}

/// Refuses everything.
pub(crate) struct Never;

impl RotationPolicy for Never {
    fn may_activate(&self, _key: &KeyInfo, _: &Fleet, _at: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }

    fn may_decrypt(&self, _key: &KeyInfo, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal::new("never").until(at(99)))
    }

    fn may_encrypt(
        &self,
        _key: &KeyInfo,
        _usage: Option<u64>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        Err(Refusal::new("never"))
    }
}

fn ring_errors<M: 'static>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let mut ring = ring(&key);
    for name in ["active", "inactive", "retired", "revoked", "destroyed"] {
        let taken = ring.add(key(name), at(9)).unwrap_err();
        all.shown("TakenBy", &taken.taken_by());
        all.error("KeyIdTaken", &taken);
        all.debug("KeyIdTaken, boxed", &Box::<dyn Error>::from(taken));
        all.error("KeyIdTaken, at a rotation", &ring.rotate_in(key(name), at(9)).unwrap_err());
    }

    let not_found = ring.decryption_key("missing").unwrap_err();
    assert!(matches!(not_found, DecryptionKeyError::KeyNotFound { .. }));
    all.error("DecryptionKeyError::KeyNotFound", &not_found);
    let destroyed = ring.decryption_key("destroyed").unwrap_err();
    assert!(matches!(destroyed, DecryptionKeyError::KeyDestroyed { .. }));
    all.error("DecryptionKeyError::KeyDestroyed", &destroyed);
    let revoked = ring.decryption_key("revoked").unwrap_err();
    assert!(matches!(revoked, DecryptionKeyError::KeyRevoked { .. }));
    all.error("DecryptionKeyError::KeyRevoked", &revoked);
    ring.enforce(&Never, at(9));
    let not_allowed = ring.decryption_key("retired").unwrap_err();
    assert!(matches!(not_allowed, DecryptionKeyError::NotAllowed { .. }));
    all.error("DecryptionKeyError::NotAllowed", &not_allowed);

    let not_found = ring.entry::<Inactive>("missing").unwrap_err();
    assert!(matches!(not_found, EntryError::KeyNotFound { .. }));
    all.error("EntryError::KeyNotFound", &not_found);
    let destroyed = ring.entry::<Inactive>("destroyed").unwrap_err();
    assert!(matches!(destroyed, EntryError::KeyDestroyed { .. }));
    all.error("EntryError::KeyDestroyed", &destroyed);
    let wrong = ring.rotate_to("retired", at(9)).unwrap_err();
    assert!(matches!(wrong, EntryError::WrongStatus { .. }));
    all.error("EntryError::WrongStatus", &wrong);
    all.error("EntryError::WrongStatus", &ring.salvage_key("retired").unwrap_err());
}

/// Records with everything wrong that can be.
pub(crate) fn damaged<M>(key: impl Fn(&str) -> Key<Inactive, M>) -> Vec<KeyRecord<M>> {
    let record = |name: &str, status| {
        let mut record = KeyRef::from(&key(name)).to_record();
        record.info.status = status;
        record.info.used = true;
        record
    };
    let before_creation =
        Times { created_at: Some(at(2)), revoked_at: Some(at(1)), ..Times::default() };
    vec![
        record("a", KeyStatus::Active),
        record("b", KeyStatus::Active),
        record("b", KeyStatus::Inactive),
        record("destroyed", KeyStatus::Retired),
        record("c", KeyStatus::Inactive).with_times(before_creation),
    ]
}

fn border<M>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let tombstones = [Destruction::new(id("destroyed"), at(1))];
    let refused: InvalidKeyring = Keyring::from_parts(damaged(&key), tombstones).unwrap_err();
    assert!(refused.violations().len() >= 4);
    all.error("InvalidKeyring", &refused);
    let no_key = Keyring::from_records([KeyRef::from(&key("k")).to_record()]).unwrap_err();
    all.error("InvalidKeyring, without an active key", &no_key);
    for violation in refused.violations().iter().chain(no_key.violations()) {
        all.error("Violation", violation);
        if let Violation::InconsistentTimes { conflict, .. } = violation {
            all.error("TimeConflict", conflict);
            if let TimeConflict::BeforeCreation { event } = conflict {
                all.shown("Event", event);
            }
        }
    }
}

fn refused<M>(all: &mut Exhibits, key: impl Fn(&str) -> Key<Inactive, M>) {
    let mut ring = ring(&key);
    ring.enforce(&Never, at(9));
    all.debug("Keyring, under a policy", &ring);
    all.shown("KeyringState, under a policy", &ring.state());
    all.debug("DecryptionKeyring, under a policy", &ring.decryption_only());
    all.debug("CryptoExport, under a policy", &ring.export_for_crypto());
}

/// What has no key in it, but is found beside one.
fn values(all: &mut Exhibits) {
    all.shown("KeyId", &id("k"));
    all.shown("KeyStatus", &KeyStatus::Active);
    all.shown("Timestamp", &at(1));
    all.shown("EscapedText", &EscapedText::from("k"));
    all.shown("Refusal", &Refusal::new("never").until(at(9)));
    all.debug("StrictSingleActive", &StrictSingleActive);
    all.shown("TakenBy::Tombstone", &TakenBy::Tombstone { at: at(1) });
    all.error("InvalidKeyId", &InvalidKeyId::Empty);
    all.error("InvalidTimestamp", &InvalidTimestamp::Malformed);
    let error: ParseStatusError = "primary".parse::<KeyStatus>().unwrap_err();
    all.error("ParseStatusError", &error);
    all.error("TimeConflict", &TimeConflict::ActiveAndNeverUsed);
}

/// What [`KeyMaterial`] prints, and what goes wrong with it.
pub(crate) fn of_key_material(material: &KeyMaterial) -> Exhibits {
    let mut all = Exhibits::default();
    all.debug("KeyMaterial", material);
    let too_short = material.expose_array::<64>().unwrap_err();
    assert!(matches!(too_short, MaterialError::WrongLength { .. }));
    all.error("MaterialError::WrongLength", &too_short);
    all.error("MaterialError::Empty", &KeyMaterial::take(&mut []).unwrap_err());
    let all_zero = KeyMaterial::try_fill(32, |place| {
        place.copy_from_slice(material.expose_secret());
        place.fill(0);
        Ok::<_, MaterialError>(())
    });
    all.error("TryFillError::Material", &all_zero.unwrap_err());
    let failed = KeyMaterial::try_fill(32, |place| {
        place.copy_from_slice(material.expose_secret());
        Err(too_short)
    });
    let failed = failed.unwrap_err();
    assert!(matches!(failed, TryFillError::Fill(_)));
    all.error("TryFillError::Fill", &failed);
    all
}
