//! The values that keys are made of: ids, material, times. What is malformed is refused here,
//! before there is a record.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::HashMap;

use key_rotation::error::{
    EscapedText, InvalidKeyId, InvalidTimestamp, MaterialError, TryFillError,
};
use key_rotation::ring::Reason;
use key_rotation::{KeyId, KeyMaterial, Timestamp};

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
    assert_eq!(SHORT, KeyId::from(7_u8));
    assert_eq!(SHORT, KeyId::from(7_u16));
    assert_eq!(SHORT, KeyId::from(7_u32));
    assert_eq!(SHORT, KeyId::from(7_u64));
    assert_eq!(SHORT, "7".parse::<KeyId>().unwrap());
    assert_eq!(KeyId::from(u64::MAX).as_str(), "18446744073709551615");
    assert_eq!(KeyId::from(u32::MAX).as_str(), "4294967295");
    assert_eq!((KeyId::from(u16::MAX).as_str(), KeyId::from(u8::MAX).as_str()), ("65535", "255"));

    let long = "k".repeat(64);
    let mut map = HashMap::from([(SHORT, 1)]);
    map.insert(KeyId::try_from(long.as_str()).unwrap(), 2);
    assert_eq!(map.get("7"), Some(&1));
    assert_eq!(map.get(long.as_str()), Some(&2));
    assert!(KeyId::from_static("a") < KeyId::from_static("b"));
    assert_eq!(format!("{:>4}|{:?}", SHORT, SHORT), "   7|KeyId(7)");
}

#[test]
fn an_id_is_compared_with_text() {
    let id = KeyId::from_static("k1");
    assert!(id == "k1" && id == *"k1" && id != "k2" && id != "K1" && id != "");
}

#[test]
fn any_text_becomes_an_id_and_no_two_texts_the_same() {
    let escaped = |text: &str| KeyId::escaped(text).map(|id| id.as_str().to_owned());
    for (text, id) in [
        ("2026-q4", "2026-q4"),
        ("a/b:c=d+~!", "a/b:c=d+~!"),
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("%", "%25"),
        ("\0\n\x7f", "%00%0A%7F"),
        ("clé", "cl%C3%A9"),
        ("\u{202e}", "%E2%80%AE"),
    ] {
        assert_eq!(escaped(text).as_deref(), Ok(id), "{text:?}");
        assert!(id.parse::<KeyId>().is_ok());
    }
    // Every byte that can stand in a text of one character, and no two of them alike.
    let all: std::collections::HashSet<_> =
        (0..=127_u8).map(|byte| escaped(&char::from(byte).to_string()).unwrap()).collect();
    assert_eq!(all.len(), 128);
    assert_eq!(all.iter().filter(|id| id.len() == 1).count(), usize::from(b'~' - b'!'));
}

#[test]
fn a_text_that_is_no_id_even_when_it_is_escaped_is_refused_with_its_length() {
    assert_eq!(KeyId::escaped(""), Err(InvalidKeyId::Empty));
    let longest = "x".repeat(KeyId::MAX_LEN);
    assert_eq!(KeyId::escaped(&longest).unwrap().as_str(), longest);
    let longer = format!("{longest}x");
    assert_eq!(KeyId::escaped(&longer), Err(InvalidKeyId::TooLong { len: 129 }));
    // It is the length of the id that counts.
    assert_eq!(KeyId::escaped(&" ".repeat(42)).unwrap().as_str().len(), 126);
    assert_eq!(KeyId::escaped(&" ".repeat(43)), Err(InvalidKeyId::TooLong { len: 129 }));
    let huge = "é".repeat(5_000_000);
    assert_eq!(KeyId::escaped(&huge), Err(InvalidKeyId::TooLong { len: 30_000_000 }));
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
    let shown = |text: &str| EscapedText::from(text).to_string();
    assert_eq!(shown("a\r\n\x1b[2J\u{202e}b"), r"a\r\n\u{1b}[2J\u{202e}b");
    assert_eq!(shown(""), "");
    // Nothing is cut that fits, and what is cut says so.
    let fits = "x".repeat(EscapedText::KEPT);
    assert_eq!(shown(&fits), fits);
    assert_eq!(shown(&format!("{fits}y")), format!("{fits}..."));
    // Escaped, a text is longer: it is cut between characters.
    assert_eq!(shown(&"\n".repeat(10_000_000)), format!("{}...", r"\n".repeat(47)));
    assert_eq!(shown(&"\n".repeat(48)), format!("{}...", r"\n".repeat(47)));
    assert_eq!(shown(&"é".repeat(100)), format!("{}...", r"\u{e9}".repeat(15)));
    // The last character that would be kept is longer than the room that is left.
    let split = format!("{}é", "x".repeat(EscapedText::KEPT - 1));
    assert_eq!(shown(&split), format!("{}...", "x".repeat(EscapedText::KEPT - 1)));
}

#[test]
fn ids_and_shown_texts_are_compared_with_text() {
    fn length(text: impl AsRef<str>) -> usize {
        text.as_ref().len()
    }
    let shown = EscapedText::from("k1");
    assert_eq!((length(KeyId::from(12_u32)), format!("{shown:?}")), (2, "EscapedText(k1)".into()));
    assert!(shown == *"k1" && shown != "k2");
    assert!(shown == EscapedText::from("k1") && shown != EscapedText::from("k"));
    // As it is printed, so that a test may compare a text of an error with what a log has.
    assert!(EscapedText::from("a\nb") == r"a\nb" && EscapedText::from("a\nb") != "a\nb");
}

#[test]
fn a_reason_is_one_line_and_of_bounded_length() {
    let reason = Reason::new("torn\r\n\x1b[2J\u{202e}blob");
    assert!(reason.as_str().chars().all(|c| !c.is_control()), "{reason}");
    assert!(!reason.as_str().contains('\u{202e}'), "{reason}");
    assert_eq!(Reason::new("short").as_str(), "short");
    assert!(Reason::new("é".repeat(1_000)).as_str().len() <= Reason::MAX_LEN);
    assert_eq!(Reason::from("k"), Reason::from(String::from("k")));
}
