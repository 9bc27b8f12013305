//! The values that keys are made of: ids, material, times. What is malformed is refused here,
//! before there is a record.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::HashMap;

use key_rotation::{
    EscapedText, InvalidKeyId, InvalidTimestamp, KeyId, KeyMaterial, MaterialError, Timestamp,
    TryFillError,
};

#[test]
fn an_id_is_1_to_128_bytes_of_visible_ascii() {
    for good in
        ["k", "!", "~", "2026-q4", "a/b:c=d", &"x".repeat(23), &"x".repeat(24), &"x".repeat(128)]
    {
        assert_eq!(KeyId::try_from(good).unwrap().as_str(), good);
    }
    assert_eq!(KeyId::try_from(""), Err(InvalidKeyId::Empty));
    assert_eq!(KeyId::try_from("x".repeat(129)), Err(InvalidKeyId::TooLong { len: 129 }));
    for (bad, byte, position) in
        [(" k", b' ', 0), ("k\n", b'\n', 1), ("a\0", 0, 1), ("ab\x7f", 0x7f, 2), ("kå", 0xc3, 1)]
    {
        let refused = Err(InvalidKeyId::NotVisibleAscii { byte, position });
        assert_eq!(bad.parse::<KeyId>(), refused, "{bad:?}");
        assert_eq!(KeyId::try_from(bad), refused);
        assert_eq!(KeyId::try_from(bad.to_owned()), refused);
    }
}

#[test]
fn every_byte_is_judged_by_itself() {
    for byte in 0..=127_u8 {
        let id = format!("k{}", char::from(byte));
        assert_eq!(KeyId::try_from(id).is_ok(), (b'!'..=b'~').contains(&byte), "byte {byte:#04x}");
    }
}

#[test]
fn ids_of_the_same_text_are_the_same_id_however_they_were_made() {
    const SHORT: KeyId = KeyId::from_static("7");
    assert_eq!(SHORT, KeyId::from(7_u32));
    assert_eq!(SHORT, KeyId::from(7_u64));
    assert_eq!(SHORT, "7".parse().unwrap());
    assert_eq!(KeyId::from(u64::MAX).as_str(), "18446744073709551615");
    assert_eq!(KeyId::from(u32::MAX).as_str(), "4294967295");

    let long = "k".repeat(64);
    let mut map = HashMap::from([(SHORT, 1)]);
    map.insert(KeyId::try_from(long.as_str()).unwrap(), 2);
    assert_eq!(map.get("7"), Some(&1));
    assert_eq!(map.get(long.as_str()), Some(&2));
    assert!(KeyId::from_static("a") < KeyId::from_static("b"));
    assert_eq!(format!("{:>4}|{:?}", SHORT, SHORT), "   7|KeyId(7)");
}

#[test]
fn a_long_literal_is_an_id_too() {
    const LONG: KeyId = KeyId::from_static("an-id-that-is-longer-than-what-is-kept-inline");
    assert_eq!(LONG.as_str(), "an-id-that-is-longer-than-what-is-kept-inline");
}

#[test]
#[should_panic(expected = "a key id is visible ASCII")]
fn a_malformed_literal_outside_a_constant_panics() {
    let _ = KeyId::from_static("two words");
}

#[test]
fn taking_material_wipes_the_source_also_on_error() {
    let mut source = [7_u8; 32];
    let material = KeyMaterial::take(&mut source).unwrap();
    assert_eq!(source, [0; 32]);
    assert_eq!(material.expose_secret(), [7; 32]);
    assert_eq!(material.expose_array::<32>(), Ok(&[7; 32]));
    assert_eq!(
        material.expose_array::<16>(),
        Err(MaterialError::WrongLength { expected: 16, found: 32 })
    );
    assert_eq!(KeyMaterial::take(&mut []).unwrap_err(), MaterialError::Empty);
    assert_eq!(KeyMaterial::take(&mut [0; 32]).unwrap_err(), MaterialError::AllZero);
}

#[test]
fn empty_and_all_zero_material_is_refused_from_every_source() {
    assert_eq!(KeyMaterial::try_from(Vec::new()).unwrap_err(), MaterialError::Empty);
    assert_eq!(KeyMaterial::try_from(vec![0; 5]).unwrap_err(), MaterialError::AllZero);
    assert_eq!(
        KeyMaterial::try_from(Vec::new().into_boxed_slice()).unwrap_err(),
        MaterialError::Empty
    );
    assert_eq!(
        KeyMaterial::try_from(vec![0; 5].into_boxed_slice()).unwrap_err(),
        MaterialError::AllZero
    );

    let untouched = KeyMaterial::try_fill(32, |_| Ok::<_, ()>(())).unwrap_err();
    assert_eq!(untouched, TryFillError::Material(MaterialError::AllZero));
    let mut called = false;
    let empty = KeyMaterial::try_fill(0, |_| {
        called = true;
        Ok::<_, ()>(())
    });
    assert_eq!(empty.unwrap_err(), TryFillError::Material(MaterialError::Empty));
    assert!(!called);
    let failed = KeyMaterial::try_fill(4, |bytes| {
        bytes.fill(7);
        Err("no entropy")
    });
    assert_eq!(failed.unwrap_err(), TryFillError::Fill("no entropy"));
}

#[test]
fn one_byte_that_is_not_zero_is_enough_wherever_it_stands() {
    for position in 0..32 {
        let mut bytes = vec![0; 32];
        if let Some(byte) = bytes.get_mut(position) {
            *byte = 1;
        }
        assert!(KeyMaterial::try_from(bytes).is_ok(), "position {position}");
    }
}

#[test]
fn times_are_kept_to_the_millisecond_and_capped() {
    assert_eq!(Timestamp::from_unix_millis(u64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.as_unix_millis(), 253_402_300_799_999);
    assert_eq!(Timestamp::UNIX_EPOCH.to_string(), "1970-01-01T00:00:00.000Z");
    for text in ["1970-01-01T00:00:00.001Z", "2026-11-23T08:36:00.123Z", "9999-12-31T23:59:59.999Z"]
    {
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
    }
    let offset: Timestamp = "2026-11-23T10:06:00.1239+01:30".parse().unwrap();
    assert_eq!(offset.to_string(), "2026-11-23T08:36:00.123Z");
}

#[test]
fn a_time_that_cannot_be_held_is_an_error() {
    for text in [
        "",
        "2026-11-23",
        "2026-13-01T00:00:00Z",
        "2026-11-23T08:36:00",
        "yesterday",
        "1795422960000",
    ] {
        assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp::Malformed), "{text:?}");
    }
    assert_eq!(
        "1969-12-31T23:59:59.999Z".parse::<Timestamp>(),
        Err(InvalidTimestamp::BeforeUnixEpoch)
    );
    assert_eq!(
        "9999-12-31T23:59:59.999-00:01".parse::<Timestamp>(),
        Err(InvalidTimestamp::TooLate)
    );
}

#[cfg(feature = "std")]
#[test]
fn a_time_of_the_system_clock_is_cut_to_the_millisecond_or_refused() {
    use std::time::{Duration, SystemTime};

    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(Timestamp::try_from(before), Err(InvalidTimestamp::BeforeUnixEpoch));
    let after = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
    assert_eq!(Timestamp::try_from(after), Err(InvalidTimestamp::TooLate));
    let fine = SystemTime::UNIX_EPOCH + Duration::from_micros(1_999);
    assert_eq!(Timestamp::try_from(fine), Ok(Timestamp::from_unix_millis(1)));
}

#[test]
fn text_from_outside_is_shown_escaped_and_cut() {
    assert_eq!(EscapedText::from("a\r\n\x1b[2J\u{202e}b").as_str(), r"a\r\n\u{1b}[2J\u{202e}b");
    let long = "\n".repeat(10_000_000);
    assert_eq!(EscapedText::from(long.as_str()).as_str(), r"\n".repeat(64));
    assert_eq!(EscapedText::from("é".repeat(100).as_str()).as_str().len(), 126);
    assert_eq!(EscapedText::from(""), "");
}

#[test]
fn ids_and_shown_texts_serve_as_text() {
    fn length(text: impl AsRef<str>) -> usize {
        text.as_ref().len()
    }
    let shown = EscapedText::from("k1");
    assert_eq!((length(KeyId::from(12_u32)), length(&shown)), (2, 2));
    assert!(shown == *"k1" && shown != "k2");
}
