//! What comes from outside is printed in one short line.

use std::error::Error;

use key_rotation::error::EscapedText;
use key_rotation::{
    Active, InMemoryKeyProvider, Inactive, Key, KeyId, KeyRecord, KeyStatus, Keyring, Retired,
    Revoked, RotationService, StrictSingleActive, Timestamp,
};
use pollster::block_on;

use crate::exhibits::{at, id};

/// Ids that nobody but an attacker would use.
fn hostile_ids() -> Vec<String> {
    let long = |text: &str| text.repeat(10_000_000 / text.len());
    let mut ids: Vec<String> = [
        "k\n2026 ERROR forged",
        "k\r2026 ERROR forged",
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\u{9b}2J",
        "\u{202e}1k yek",
        "k\u{2066}1",
        "k\u{2028}2026 ERROR forged",
        "k\u{85}2026 ERROR forged",
        "k\0",
        "k\u{7f}",
        "k\t1",
        "k\u{200b}1",
        "\u{e007f}",
        "k\u{301}",
        "\u{43a}1",
        "\u{1f511}",
    ]
    .map(String::from)
    .into();
    ids.extend(
        ["k", "\n", "\\", "\"", "'", "`", " ", "\u{202e}", "\u{10ffff}", "\x1b[2J"].map(long),
    );
    ids
}

/// One short line of visible ASCII and spaces.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() < 400 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn prints_plainly(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        for text in [error.to_string(), format!("{error:?}")] {
            let start: String = text.chars().take(500).collect();
            assert!(is_plain(&text), "{} bytes: {start:?}", text.len());
        }
        next = error.source();
    }
}

#[test]
fn an_id_from_outside_is_printed_in_one_short_line() {
    let mut ring = Keyring::new(Key::new(id("k1"), (), at(1)).activate(at(2)));
    let _ = ring.add(Key::new(id("k2"), (), at(1)), at(2)).unwrap();
    for id in hostile_ids() {
        assert!(!is_plain(&format!("no key has the id `{id}`")), "{id} is harmless");
        prints_plainly(&ring.decryption_key(&id).unwrap_err());
        prints_plainly(&ring.salvage_key(&id).unwrap_err());
        prints_plainly(&ring.decryption_only().decryption_key(&id).unwrap_err());
        prints_plainly(&ring.decryption_only().salvage_key(&id).unwrap_err());
        prints_plainly(&ring.entry::<Active>(&id).unwrap_err());
        prints_plainly(&ring.entry::<Inactive>(&id).unwrap_err());
        prints_plainly(&ring.entry::<Retired>(&id).unwrap_err());
        prints_plainly(&ring.entry::<Revoked>(&id).unwrap_err());
        prints_plainly(&ring.rotate_to(&id, at(3)).unwrap_err());
    }
}

#[test]
fn an_id_from_outside_is_printed_in_one_short_line_by_a_service() {
    let record = KeyRecord::new(id("k1"), KeyStatus::Active, at(1), ());
    let store = InMemoryKeyProvider::from_records([record]);
    let service = RotationService::new(store, StrictSingleActive);
    for id in hostile_ids() {
        prints_plainly(&block_on(service.rotate_to(&id, at(3))).unwrap_err());
        prints_plainly(&block_on(service.retire(&id, at(3))).unwrap_err());
        prints_plainly(&block_on(service.destroy(&id, at(3))).unwrap_err());
    }
}

#[test]
fn text_from_outside_that_does_not_parse_is_printed_in_one_short_line() {
    for text in hostile_ids() {
        prints_plainly(&text.parse::<KeyStatus>().unwrap_err());
        prints_plainly(&text.parse::<Timestamp>().unwrap_err());
        assert!(is_plain(&EscapedText::from(text.as_str()).to_string()));
    }
    let no_ids = hostile_ids().into_iter().filter_map(|text| KeyId::try_from(text).err());
    let mut refused = 0;
    for error in no_ids {
        prints_plainly(&error);
        refused += 1;
    }
    assert_eq!(refused, hostile_ids().len());
}

#[test]
fn an_id_from_outside_can_still_be_recognized() {
    let ring = Keyring::new(Key::new(id("k1"), (), at(1)).activate(at(2)));
    let shown = |id: &str| ring.decryption_key(id).unwrap_err().to_string();
    assert!(shown("k\n2026 ERROR forged").contains(r"`k\n2026 ERROR forged`"));
    assert!(shown("\x1b[2J").contains(r"`\u{1b}[2J`"));
    assert!(shown("\u{202e}1k").contains(r"`\u{202e}1k`"));
    assert!(shown("2026-q3").contains("`2026-q3`"));
}
