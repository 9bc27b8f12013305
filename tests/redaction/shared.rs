//! What a shared ring prints.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::Duration;

use key_rotation::error::{MissError, RefreshError};
use key_rotation::shared::{RefreshOnMiss, SharedKeyring};
use key_rotation::store::Revision;
use key_rotation::{InMemoryKeyProvider, Inactive, Key, RotationService, StrictSingleActive};
use pollster::block_on;

use crate::exhibits::{Exhibits, at, ring};

pub(crate) fn exhibit<M: Send + Sync + 'static>(
    all: &mut Exhibits,
    key: impl Fn(&str) -> Key<Inactive, M>,
) {
    let shared = SharedKeyring::at_revision(Revision::new(7, 7), ring(&key));
    let mut reader = shared.reader();
    all.debug("SharedKeyring", &shared);
    all.debug("SharedKeyring, loaded", &shared.load());
    all.debug("KeyringReader", &reader);
    all.error("StaleKeyring", &reader.encryption_key_within(Duration::MAX, at(9)).unwrap_err());

    let store = InMemoryKeyProvider::new();
    let service = RotationService::new(store, StrictSingleActive);
    let _ = block_on(service.bootstrap(key("first"), at(2))).unwrap();
    let ours = block_on(service.share(at(3))).unwrap();
    all.debug("Refreshed", &block_on(service.refresh(&ours, at(3))).unwrap());
    let broken = |_, _| async { Err::<M, _>(std::io::Error::other("no access to the KMS")) };
    let error = block_on(service.share_with(at(3), broken)).unwrap_err();
    assert!(matches!(error, RefreshError::Prepare { .. }));
    all.error("RefreshError::Prepare", &error);
    let empty = RotationService::new(InMemoryKeyProvider::<M>::new(), StrictSingleActive);
    let error = block_on(empty.share_with(at(3), broken)).unwrap_err();
    assert!(matches!(error, RefreshError::Rotation(_)));
    all.error("RefreshError::Rotation", &error);

    let misses = RefreshOnMiss::new(ours, NonZeroU32::MIN);
    all.debug("RefreshOnMiss", &misses);
    let failing = async || Err::<(), _>(std::io::Error::other("out of reach"));
    for _ in 0..2 {
        let error = block_on(misses.ring_with("k9", at(9), failing)).unwrap_err();
        let name = if error.source().is_some() { "MissError::Refresh" } else { "MissError" };
        assert_eq!(name == "MissError::Refresh", matches!(error, MissError::Refresh(_)));
        all.error(name, &error);
    }
}
