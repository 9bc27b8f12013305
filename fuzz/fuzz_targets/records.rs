//! Any records and tombstones make a ring that is sound and comes back as it was, or are refused
//! with every violation.
#![no_main]

use std::collections::HashSet;

use arbitrary::Arbitrary;
use key_rotation::key::Destruction;
use key_rotation::{KeyId, KeyRecord, KeyStatus, Keyring, Times, Timestamp};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Row {
    id: u8,
    status: u8,
    used: bool,
    created_at: Option<u8>,
    added_at: Option<u8>,
    activated_at: Option<u8>,
    deactivated_at: Option<u8>,
    retired_at: Option<u8>,
    revoked_at: Option<u8>,
}

fn at(millis: u8) -> Timestamp {
    Timestamp::from_unix_millis(millis.into())
}

fuzz_target!(|input: (Vec<Row>, Vec<(u8, u8)>)| {
    let (rows, tombstones) = input;
    let record = |row: &Row| {
        let status =
            [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired, KeyStatus::Revoked]
                [usize::from(row.status % 4)];
        let record = KeyRecord::new(KeyId::from(u32::from(row.id)), status, at(0), row.id);
        let record = record.with_times(Times {
            created_at: row.created_at.map(at),
            added_at: row.added_at.map(at),
            activated_at: row.activated_at.map(at),
            deactivated_at: row.deactivated_at.map(at),
            retired_at: row.retired_at.map(at),
            revoked_at: row.revoked_at.map(at),
        });
        if row.used { record } else { record.staged() }
    };
    let records: Vec<_> = rows.iter().map(record).collect();
    let destroyed: Vec<_> = tombstones
        .iter()
        .map(|(id, since)| Destruction::new(KeyId::from(u32::from(*id)), at(*since)))
        .collect();
    let actives = records.iter().filter(|record| record.info.status == KeyStatus::Active).count();
    let mut ids = HashSet::new();
    let distinct = records
        .iter()
        .map(|r| &r.info.id)
        .chain(destroyed.iter().map(|d| &d.id))
        .all(|id| ids.insert(id));
    match Keyring::from_parts(records.clone(), destroyed.clone()) {
        Ok(ring) => {
            assert!(actives == 1 && distinct);
            assert_eq!(ring.len(), records.len());
            for record in &records {
                let key = ring.get(record.info.id.as_str()).unwrap();
                assert_eq!(key.info(), record.info);
                assert_eq!(*key.to_record().material, *record.material);
            }
            let order: Vec<_> = ring.iter().map(|key| key.id().clone()).collect();
            let state = ring.state().to_string();
            let (records, tombstones) = ring.into_parts();
            let again = Keyring::from_parts(records, tombstones).unwrap();
            assert!(again.iter().map(|key| key.id().clone()).eq(order));
            assert_eq!(again.state().to_string(), state);
        }
        Err(refused) => {
            assert!(!refused.violations().is_empty());
            assert!(!refused.to_string().contains('\n') || refused.violations().len() > 1);
        }
    }
});
