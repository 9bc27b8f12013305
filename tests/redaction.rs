//! Nothing secret in any `Debug`, `Display`, error chain or panic message; and nothing from
//! outside that could forge a log line, or fill one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic::{self, AssertUnwindSafe};

use key_rotation::{
    Change, Destruction, InMemoryKeyProvider, Inactive, Key, KeyId, KeyMaterial, KeyRecord, KeyRef,
    KeyStatus, Keyring, Outcome, Retired, RotationError, RotationService, Snapshot,
    StrictSingleActive, Timestamp,
};
use pollster::block_on;

/// Printable, so that it would show raw as well.
const CANARY: &[u8; 32] = b"Zq7#vK2!mX9@pL4$wT6%rB1^nH8&jD3*";

/// A material whose `Debug` tells all: it must never be asked.
struct Leaky(Vec<u8>);

impl Debug for Leaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// What a material of this test is made of, for both of them.
trait Material: Send + Sync + 'static {
    fn make() -> Self;
}

impl Material for KeyMaterial {
    fn make() -> Self {
        KeyMaterial::take(&mut CANARY.clone()).unwrap()
    }
}

impl Material for Leaky {
    fn make() -> Self {
        Self(CANARY.to_vec())
    }
}

// ---- What to look for ----

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |n: u32| char::from(*DIGITS.get(n as usize & 63).unwrap());
    let triples = bytes
        .chunks_exact(3)
        .map(|triple| triple.iter().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte)));
    triples.flat_map(|word| [word >> 18, word >> 12, word >> 6, word]).map(digit).collect()
}

/// Every way in which eight or nine bytes in a row of the canary could stand in a text.
fn traces() -> Vec<String> {
    let mut traces = Vec::new();
    for window in CANARY.windows(8) {
        traces.push(String::from_utf8_lossy(window).into_owned());
        let list: Vec<_> = window.iter().map(ToString::to_string).collect();
        traces.extend([list.join(", "), list.join(",\n    "), list.join(" ")]);
        let pairs: Vec<_> = window.iter().map(|byte| format!("{byte:02x}")).collect();
        for separated in
            [pairs.concat(), pairs.join(" "), pairs.join(":"), pairs.join(", "), pairs.join(", 0x")]
        {
            traces.extend([separated.to_uppercase(), separated]);
        }
    }
    // All three alignments come up, as windows of nine bytes begin at every byte.
    for window in CANARY.windows(9) {
        let standard = base64(window);
        traces.extend([standard.replace('+', "-").replace('/', "_"), standard]);
    }
    traces
}

fn leak_in(text: &str) -> Option<String> {
    traces().into_iter().find(|trace| text.contains(trace))
}

/// What has been printed, and by what.
#[derive(Default)]
struct Printed(Vec<(String, String)>);

impl Printed {
    fn debug(&mut self, what: &str, value: &impl Debug) {
        self.0.push((what.to_owned(), format!("{value:?}\n{value:#?}")));
    }

    fn display(&mut self, what: &str, value: &(impl Debug + Display)) {
        self.debug(what, value);
        self.0.push((what.to_owned(), value.to_string()));
    }

    fn error(&mut self, what: &str, error: &dyn Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.0.push((what.to_owned(), format!("{error}\n{error:?}\n{error:#?}")));
            next = error.source();
        }
    }

    fn has_no_secret(&self) {
        let traces = traces();
        for (what, text) in &self.0 {
            let leak = traces.iter().find(|trace| text.contains(*trace));
            assert_eq!(leak, None, "{what}: {text}");
        }
    }
}

#[test]
fn the_secret_is_found_where_it_stands_in_any_encoding() {
    let derived = format!("{CANARY:?} {CANARY:#?}");
    for text in [
        String::from_utf8_lossy(CANARY).into_owned(),
        derived,
        hex(CANARY),
        hex(CANARY).to_uppercase(),
        format!("{:02x?}", CANARY),
        format!("{:?}", Leaky::make()),
        base64(CANARY),
        base64(CANARY.split_at(1).1),
        base64(CANARY.split_at(2).1),
        format!("…{}…", String::from_utf8_lossy(CANARY.split_at(24).1)),
    ] {
        assert!(leak_in(&text).is_some(), "not found in {text}");
    }
    assert_eq!(leak_in("key `k1` is active"), None);
    assert_eq!(base64(b"Man"), "TWFu");
}

// ---- Everything that prints ----

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn staged<M: Material>(name: &'static str) -> Key<Inactive, M> {
    Key::new(KeyId::from_static(name), M::make(), at(1))
}

fn record<M: Material>(name: &'static str, status: KeyStatus) -> KeyRecord<M> {
    KeyRecord::new(KeyId::from_static(name), status, at(1), M::make())
}

fn print_everything<M: Material>(printed: &mut Printed) {
    let key = staged::<M>("k");
    printed.debug("Key<Inactive>", &key);
    printed.debug("KeyRef", &KeyRef::from(&key));
    printed.debug("KeyInfo", &KeyRef::from(&key).info());
    printed.debug("KeyRecord", &KeyRef::from(&key).to_record());
    printed.debug("DecryptionKey", &key.decryption_key());
    let key = key.activate(at(2));
    printed.debug("Key<Active>", &key);
    printed.debug("EncryptionKey", &key.encryption_key());
    let key = key.deactivate(at(3)).retire(at(4));
    printed.debug("Key<Retired>", &key);
    printed.display("Destruction", &key.destroy(at(5)));

    let builder =
        Keyring::builder().inactive(staged::<M>("b")).retired(staged::<M>("r").retire(at(2)));
    printed.debug("KeyringBuilder", &builder);
    let mut ring = builder.active(staged::<M>("a").activate(at(2))).build().unwrap();
    printed.debug("Keyring", &ring);
    printed.display("KeyringState", &ring.state());
    printed.debug("CryptoExport", &ring.export_for_crypto());
    printed.debug("Entry", &ring.entry::<Inactive>("b").unwrap());
    printed.display("Addition", &ring.add(staged::<M>("c")).unwrap());
    printed.error("KeyIdTaken", &ring.add(staged::<M>("a")).unwrap_err());
    printed.error("DecryptionKeyError", &ring.decryption_key("x").unwrap_err());
    printed.error("EntryError", &ring.entry::<Retired>("a").unwrap_err());
    printed.display("RotationDecision", &ring.rotate_to("b", at(3)).unwrap());
    printed.display("RotationDecision", &ring.rotate_to("b", at(3)).unwrap());
    printed.display("Retirement", &ring.entry::<Inactive>("a").unwrap().retire(at(4)));

    let records = [record::<M>("a", KeyStatus::Active), record::<M>("a", KeyStatus::Active)];
    let tombstone = Destruction::new(KeyId::from_static("a"), at(1));
    printed.error("InvalidKeyring", &Keyring::from_parts(records, [tombstone]).unwrap_err());

    let create = Change::Create(record::<M>("a", KeyStatus::Active));
    let mut snapshot = Snapshot::empty();
    let _ = snapshot.apply(snapshot.revision, &create).unwrap();
    printed.debug("Snapshot", &snapshot);
    printed.error("ChangeMismatch", &snapshot.apply(snapshot.revision, &create).unwrap_err());
    printed.debug("Change", &create);
    printed.debug("Change", &Change::Add(record::<M>("b", KeyStatus::Inactive)));

    let service = RotationService::new(InMemoryKeyProvider::<M>::new(), StrictSingleActive);
    printed.error("RotationError", &block_on(service.validate()).unwrap_err());
    printed.debug("Keyring", &block_on(service.bootstrap(staged("a"), at(2))).unwrap());
    printed.debug("RotationService", &service);
    let added: Outcome<_> = block_on(service.add(staged("b"))).unwrap();
    printed.debug("Outcome", &added);
    printed.debug("Outcome", &Outcome::<()>::LostRace { now: block_on(service.state()).unwrap() });
    printed.error("RotationError", &block_on(service.add(staged("a"))).unwrap_err());
    printed.error("RotationError", &block_on(service.destroy("a", at(9))).unwrap_err());
    let unknown = RotationError::OutcomeUnknown {
        id: KeyId::from_static("a"),
        source: snapshot.apply(snapshot.revision, &create).unwrap_err(),
    };
    printed.error("RotationError", &unknown);
    printed.debug(
        "InMemoryKeyProvider",
        &InMemoryKeyProvider::from_records([record::<M>("a", KeyStatus::Active)]),
    );
}

#[test]
fn nothing_that_prints_prints_a_secret() {
    let mut printed = Printed::default();
    print_everything::<KeyMaterial>(&mut printed);
    print_everything::<Leaky>(&mut printed);
    printed.debug("KeyMaterial", &KeyMaterial::make());
    printed.error("MaterialError", &KeyMaterial::make().expose_array::<16>().unwrap_err());
    let failed = KeyMaterial::try_fill(32, |place| {
        place.copy_from_slice(CANARY);
        Err(std::io::Error::other("the generator failed"))
    });
    printed.error("TryFillError", &failed.unwrap_err());
    assert!(printed.0.len() > 80, "only {} texts", printed.0.len());
    printed.has_no_secret();
    // The secret was there to be printed.
    assert_eq!(KeyMaterial::make().expose_secret(), CANARY);
}

#[test]
fn no_panic_message_has_a_secret() {
    fn message(scope: impl FnOnce()) -> String {
        let payload = panic::catch_unwind(AssertUnwindSafe(scope)).unwrap_err();
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
    }
    let ring = Keyring::new(staged::<Leaky>("k").activate(at(2)));
    let messages = [
        message(|| {
            let _ = ring.map(|id, _| {
                if id.as_str() == "k" {
                    panic!("no cipher for {id}")
                }
            });
        }),
        message(|| drop(ring.try_map(|_, _| Err::<(), _>(())).unwrap())),
        message(|| _ = ring.decryption_key("x").unwrap()),
        message(|| _ = KeyMaterial::make().expose_array::<16>().unwrap()),
        message(|| {
            let _ = KeyMaterial::try_fill::<()>(32, |place| {
                place.copy_from_slice(CANARY);
                panic!("the generator broke")
            });
        }),
    ];
    let mut printed = Printed::default();
    for text in messages {
        assert!(!text.is_empty());
        printed.0.push(("panic".to_owned(), text));
    }
    printed.has_no_secret();
}

// ---- Text from outside ----

#[test]
fn an_id_from_outside_can_neither_forge_a_log_line_nor_fill_one() {
    let long = "A".repeat(10_000_000);
    let hostile = [
        "k\n2026-11-23 INFO login ok",
        "k\r\nSet-Cookie: admin",
        "\x1b[2J\x1b[31mgone",
        "k\u{202e}drowssap\u{2066}",
        "k\u{2028}next",
        "\0",
        "`; DROP TABLE keys; --",
        "ключ",
        long.as_str(),
    ];
    let now = Timestamp::now();
    let mut ring = Keyring::new(Key::new(KeyId::from_static("k"), (), now).activate(now));
    let service = RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive);
    let _ = block_on(service.bootstrap(Key::new(KeyId::from_static("k"), (), now), now)).unwrap();
    for id in hostile {
        let mut printed = Printed::default();
        printed.error("decryption_key", &ring.decryption_key(id).unwrap_err());
        printed.error("entry", &ring.entry::<Inactive>(id).unwrap_err());
        printed.error("rotate_to", &ring.rotate_to(id, now).unwrap_err());
        printed.error("service", &block_on(service.rotate_to(id, now)).unwrap_err());
        printed.error("status", &id.parse::<KeyStatus>().unwrap_err());
        let malformed = id.parse::<KeyId>();
        if let Err(error) = malformed {
            printed.error("KeyId", &error);
        }
        for (what, text) in printed.0 {
            // Three lines, as `Printed::error` asks for; the last is the one of many lines.
            for line in text.lines().take(2) {
                let plain = |c: char| c == ' ' || c.is_ascii_graphic();
                assert!(line.chars().all(plain), "{what}: {line}");
                assert!(line.len() < 400, "{what}: {} bytes", line.len());
            }
            assert!(text.len() < 2_000, "{what}: {} bytes", text.len());
            assert!(!text.contains("\n2026") && !text.contains('\x1b'), "{what}: {text}");
        }
    }
}
