//! Whether a ring says what the model says.

use std::collections::{BTreeMap, BTreeSet};

use KeyStatus::{Active as IsActive, Revoked as IsRevoked};
use key_rotation::{DecryptionKey, DecryptionKeyError, KeyId, KeyRef, KeyStatus, Keyring};

use super::napkin::{Model, Row};
use super::{IDS, Kind, id, refusal};

pub(crate) fn compare<D: Kind>(ring: &Keyring<u8, D>, model: &Model) {
    let salvaged = |id: &str| *ring.salvage_key(id).unwrap().material();
    let found: Vec<_> = ring
        .iter()
        .map(|key| {
            let half = match key {
                KeyRef::Active(key) => *key.decryption_key().material(),
                KeyRef::Inactive(key) => *key.decryption_key().material(),
                KeyRef::Retired(key) => *key.decryption_key().material(),
                KeyRef::Revoked(key) => salvaged(key.id().as_str()),
            };
            (key.info(), half)
        })
        .collect();
    let rows = model.rows();
    assert_eq!(found, rows.iter().map(|row| (row.info(), D::public_of(row.n))).collect::<Vec<_>>());
    assert_eq!(rows.iter().filter(|row| row.status == IsActive).count(), 1);
    assert_eq!(ring.len(), rows.len());
    let by_status = ring.inactive().count() + ring.retired().count() + ring.revoked().count();
    assert_eq!(by_status + 1, rows.len());
    assert_eq!(ring.encryption_key().id(), ring.active().id());
    assert_eq!(*ring.encryption_key().material(), model.active.n);

    let tombstones: BTreeMap<_, _> =
        ring.destroyed().map(|row| (row.id.to_string(), row.at)).collect();
    assert_eq!(tombstones, model.destroyed);
    assert!(ring.destroyed().map(|row| row.at).is_sorted_by(|a, b| a >= b));
    let state = ring.state();
    let refused: BTreeSet<_> = state.refused().iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(refused, model.refused);

    let reader = ring.decryption_only();
    let may = |row: &&Row| row.status.can_decrypt() && !model.refused.contains(&row.id);
    let promised: Vec<_> = rows.iter().filter(may).map(|row| row.id.clone()).collect();
    assert_eq!(
        ring.decryption_keys().map(|key| key.id().to_string()).collect::<Vec<_>>(),
        promised
    );
    assert_eq!(
        reader.decryption_keys().map(|key| key.id().to_string()).collect::<Vec<_>>(),
        promised
    );
    for number in 0..IDS {
        let name = id(number);
        let answer = ring.decryption_key(name.as_str());
        looked_up::<D>(&name, &answer, model);
        looked_up::<D>(&name, &reader.decryption_key(name.as_str()), model);
        let salvage = ring.salvage_key(name.as_str()).map(|key| *key.material());
        let expected = match refusal(model, name.as_str(), IsRevoked) {
            None => Ok(D::public_of(model.find(name.as_str()).unwrap().n)),
            Some(error) => Err(error),
        };
        assert_eq!(salvage, expected);
        assert_eq!(reader.salvage_key(name.as_str()).map(|key| *key.material()), expected);
    }
}

fn looked_up<D: Kind>(
    name: &KeyId,
    answer: &Result<DecryptionKey<'_, u8>, DecryptionKeyError>,
    model: &Model,
) {
    match (answer, model.find(name.as_str())) {
        (Ok(key), Some(row)) => {
            assert!(row.status.can_decrypt() && !model.refused.contains(&row.id));
            assert_eq!((key.status(), *key.material()), (row.status, D::public_of(row.n)));
            assert_eq!(key.is_superseded(), row.used && row.status != IsActive);
        }
        (Err(DecryptionKeyError::NotAllowed { .. }), Some(row)) => {
            assert!(row.status.can_decrypt() && model.refused.contains(&row.id));
        }
        (Err(DecryptionKeyError::KeyRevoked { at, .. }), Some(row)) => {
            assert_eq!((row.status, row.times.revoked_at), (IsRevoked, *at));
        }
        (Err(DecryptionKeyError::KeyDestroyed { at, .. }), None) => {
            assert_eq!(model.destroyed.get(name.as_str()), Some(at));
        }
        (Err(DecryptionKeyError::KeyNotFound { .. }), None) => {
            assert_eq!(model.destroyed.get(name.as_str()), None);
        }
        (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
    }
}
