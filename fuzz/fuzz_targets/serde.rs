//! Any JSON is read or refused, and what was read comes back.
#![no_main]

use key_rotation::key::{Destruction, Rotation};
use key_rotation::store::Revision;
use key_rotation::{Cryptoperiods, KeyId, KeyRecord, KeyStatus, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde_json::{from_slice, to_vec};

fuzz_target!(|input: &[u8]| {
    macro_rules! round_trip {
        ($($kind:ty),*) => {$(
            if let Ok(value) = from_slice::<$kind>(input) {
                let written = to_vec(&value).unwrap();
                let again: $kind = from_slice(&written).unwrap();
                assert_eq!(to_vec(&again).unwrap(), written);
            }
        )*};
    }
    round_trip!(KeyId, Timestamp, KeyStatus, Revision, Rotation, Destruction, Cryptoperiods);
    // Records are read where their material is, and never written.
    if let Ok(record) = from_slice::<KeyRecord<String>>(input) {
        assert!(!record.info.id.as_str().is_empty());
    }
});
