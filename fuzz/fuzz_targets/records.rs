//! Any records and tombstones make a ring that is sound and comes back as it was, or are refused
//! with every violation.
#![no_main]

use std::collections::HashSet;

use arbitrary::Arbitrary;
use key_rotation::{Destruction, KeyId, KeyRecord, KeyStatus, Keyring, Timestamp};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Row {
    id: u8,
    status: u8,
    created_at: u8,
    activated_at: Option<u8>,
    since: u8,
}

fn at(millis: u8) -> Timestamp {
    Timestamp::from_unix_millis(millis.into())
}

fuzz_target!(|input: (Vec<Row>, Vec<(u8, u8)>)| {
    let (rows, tombstones) = input;
    let record = |row: &Row| {
        let status = [KeyStatus::Active, KeyStatus::Inactive, KeyStatus::Retired]
            [usize::from(row.status % 3)];
        KeyRecord::new(KeyId::from(u32::from(row.id)), status, at(row.created_at), row.id)
            .with_times(row.activated_at.map(at), at(row.since))
    };
    let records: Vec<_> = rows.iter().map(record).collect();
    let destroyed: Vec<_> = tombstones
        .iter()
        .map(|(id, since)| Destruction::new(KeyId::from(u32::from(*id)), at(*since)))
        .collect();
    let actives = records.iter().filter(|record| record.status == KeyStatus::Active).count();
    let mut ids = HashSet::new();
    let distinct = records
        .iter()
        .map(|r| &r.id)
        .chain(destroyed.iter().map(|d| &d.id))
        .all(|id| ids.insert(id));
    match Keyring::from_parts(records.clone(), destroyed.clone()) {
        Ok(ring) => {
            assert!(actives == 1 && distinct);
            assert_eq!(ring.len(), records.len());
            for record in &records {
                let key = ring.get(record.id.as_str()).unwrap();
                assert_eq!((key.status(), key.created_at()), (record.status, record.created_at));
                assert_eq!(*key.decryption_key().material(), *record.material);
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
