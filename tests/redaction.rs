//! Nothing secret is printed, and nothing that comes from outside is printed as it came.
//!
//! Every public type that holds a key, or stands near one, is printed in every way that it can be,
//! errors with their whole chain, and so is what a panic says. The text is searched for any 8
//! bytes of the keys: as they are, in hexadecimal and decimal with anything between the bytes, and
//! in base64. The material that keys are made of may print itself as it likes, or not at all: it is
//! never asked.
//!
//! An id that is looked up comes from a ciphertext, and so from anybody. Whatever it is, the error
//! is one short line of visible ASCII.

#![cfg(feature = "std")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use key_rotation::{Active, Key, KeyInfo, KeyMaterial, KeyRecord, KeyStatus, Keyring, Retired};

use self::encodings::{CANARY, LEAK, base64, hex, leak_in};
use self::exhibits::{Exhibits, at, id};

#[path = "redaction/encodings.rs"]
mod encodings;
#[path = "redaction/exhibits.rs"]
mod exhibits;
#[path = "redaction/outside.rs"]
mod outside;
#[path = "redaction/pairs.rs"]
mod pairs;
#[path = "redaction/services.rs"]
mod services;
#[cfg(feature = "shared")]
#[path = "redaction/shared.rs"]
mod shared;
#[path = "support/store.rs"]
mod support;

/// A material that tells everything to everybody.
struct Talkative([u8; 32]);

impl Talkative {
    fn new() -> Self {
        Self(CANARY)
    }
}

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Talkative({self} {:?})", self.0)
    }
}

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.0.escape_ascii(), hex(&self.0), base64(&self.0))
    }
}

/// A material that does not print.
struct Mute {
    _secret: [u8; 32],
}

fn material() -> KeyMaterial {
    KeyMaterial::take(&mut CANARY.clone()).unwrap()
}

fn nothing_leaks(exhibits: &Exhibits) {
    assert!(!exhibits.0.is_empty());
    for (name, text) in &exhibits.0 {
        assert_eq!(leak_in(text), None, "{name} prints {text}");
    }
}

// The search.

#[test]
fn the_search_finds_each_form_of_any_8_bytes_and_not_of_6() {
    type Form = (&'static str, fn(&[u8]) -> String);
    let forms: [Form; 19] = [
        ("as it is", |bytes| String::from_utf8_lossy(bytes).into_owned()),
        ("in broken UTF-8", |bytes| {
            String::from_utf8_lossy(&[b"\xff", bytes, b"\xc3"].concat()).into_owned()
        }),
        ("as a byte string", |bytes| bytes.escape_ascii().to_string()),
        ("as escaped bytes", |bytes| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()),
        ("hexadecimal", hex),
        ("in capitals", |bytes| hex(bytes).to_uppercase()),
        ("with spaces", |bytes| separated(bytes, " ")),
        ("with colons", |bytes| separated(bytes, ":")),
        ("with hyphens", |bytes| separated(bytes, "-").to_uppercase()),
        ("as a list of C", |bytes| format!("0x{}", separated(bytes, ", 0x"))),
        ("by a derive", |bytes| format!("{bytes:?}")),
        ("by a derive, on many lines", |bytes| format!("{bytes:#?}")),
        ("by a derive, in hexadecimal", |bytes| format!("{bytes:x?}")),
        ("by a derive, in capitals", |bytes| format!("{bytes:#04X?}")),
        ("in base64", base64),
        ("in base64, after one byte", |bytes| base64(&[b"0", bytes].concat())),
        ("in base64, after two bytes", |bytes| base64(&[b"01", bytes, b"end"].concat())),
        ("in base64, after three bytes", |bytes| base64(&[b"01:", bytes].concat())),
        ("in base64 for URLs", |bytes| {
            base64(&[b"0", bytes].concat()).replace('+', "-").replace('/', "_")
        }),
    ];
    for (name, form) in forms {
        for start in 0..=CANARY.len() - LEAK {
            let around = |bytes| format!("Key {{ id: k7, at: 12, material: {} }}", form(bytes));
            let enough = around(&CANARY[start..start + LEAK]);
            assert!(leak_in(&enough).is_some(), "{name}: not found in {enough}");
            let too_few = around(&CANARY[start..start + LEAK - 2]);
            assert_eq!(leak_in(&too_few), None, "{name}: found in {too_few}");
        }
        assert!(leak_in(&form(&CANARY)).is_some(), "{name}: the whole is not found");
        let other: Vec<_> = CANARY.iter().rev().copied().collect();
        assert_eq!(leak_in(&form(&other)), None, "{name}: found in another secret");
    }
}

fn separated(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| hex(&[*byte])).collect::<Vec<_>>().join(separator)
}

// What prints.

#[test]
fn nothing_prints_key_material() {
    nothing_leaks(&exhibits::of(material));
    nothing_leaks(&exhibits::of_key_material(&material()));
}

#[test]
fn material_that_would_print_itself_is_not_asked() {
    let talkative = Talkative::new();
    assert!(leak_in(&format!("{talkative:?}")).is_some());
    assert!(leak_in(&format!("{talkative}")).is_some());
    nothing_leaks(&exhibits::of(Talkative::new));
    nothing_leaks(&exhibits::of(|| CANARY.to_vec()));
    nothing_leaks(&exhibits::of(|| String::from_utf8(CANARY.to_vec()).unwrap()));
}

#[test]
fn material_that_cannot_print_is_no_obstacle() {
    nothing_leaks(&exhibits::of(|| Mute { _secret: CANARY }));
}

/// The sources in which public names stand, or are exported again.
const SOURCES: [&str; 10] = [
    include_str!("../src/lib.rs"),
    include_str!("../src/audit.rs"),
    include_str!("../src/key.rs"),
    include_str!("../src/live.rs"),
    include_str!("../src/plan.rs"),
    include_str!("../src/policy.rs"),
    include_str!("../src/ring.rs"),
    include_str!("../src/service.rs"),
    include_str!("../src/shared.rs"),
    include_str!("../src/store.rs"),
];

/// The public types of a source, and all else that it exports.
fn exported(source: &str) -> BTreeSet<&str> {
    let declared = source.lines().filter_map(|line| {
        let name = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
        name.split(|c: char| !c.is_alphanumeric()).next()
    });
    source
        .split("pub use ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next()?.split("::").last())
        .flat_map(|names| names.split([',', '{', '}']))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .chain(declared)
        .collect()
}

/// Every type that the crate exports is among the exhibits, or is nothing that knows a key: a trait,
/// a marker, a rule.
#[test]
fn every_public_type_is_among_the_exhibits() {
    let exported: BTreeSet<&str> = SOURCES.into_iter().flat_map(exported).collect();
    for name in ["Keyring", "TryFillError", "KeyringState", "Snapshot", "RotationPlan"] {
        assert!(exported.contains(name), "{name} was not found in src/");
    }

    let traits = [
        "AuditSink",
        "Halves",
        "History",
        "KeyProvider",
        "RingDirectory",
        "RotationPolicy",
        "Supplies",
    ];
    let columns = ["CanActivate", "CanDeactivate", "CanDecrypt", "CanDestroy", "CanEncrypt"];
    let more_columns = ["CanRestore", "CanRetire", "CanRevoke", "CanSalvage", "Status"];
    let without_a_value = ["Active", "Inactive", "Retired", "Revoked", "Apart"];
    let other_names =
        ["Same", "SigningKey", "VerificationKey", "days", "forecast", "hours", "minutes", "Rule"];
    let rules = ["Contradiction", "Cryptoperiods", "CryptoperiodsBuilder", "InvalidCryptoperiods"];
    let counts = ["UsageLimit", "UsageLimitSource"];
    let texts = ["InvalidAuditText", "AuditText", "TracingSink"];
    let elsewhere = [&traits[..], &columns, &more_columns, &without_a_value, &other_names];
    let (exhibits, of_material) = (exhibits::of(material), exhibits::of_key_material(&material()));
    let mut expected = exhibits.types();
    expected.extend(of_material.types());
    expected.extend(elsewhere.concat());
    expected.extend([&rules[..], &counts, &texts].concat());
    #[cfg(not(feature = "shared"))]
    expected.extend(["KeyringReader", "MissError", "RefreshError", "RefreshOnMiss", "Refreshed"]);
    #[cfg(not(feature = "shared"))]
    expected.extend(["SharedKeyring", "StaleKeyring"]);
    assert_eq!(
        exported.difference(&expected).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "add what these print to tests/redaction/exhibits.rs",
    );
}

// What panics say.

thread_local! {
    /// What panics on this thread said, if somebody listens.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// What the panic says that ends this.
fn last_words<T>(scope: impl FnOnce() -> T) -> String {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let heard = HEARD.with_borrow_mut(|heard| {
                heard.as_mut().map(|heard| heard.push(info.to_string())).is_some()
            });
            if !heard {
                print(info);
            }
        }));
    });
    HEARD.set(Some(Vec::new()));
    let ended = panic::catch_unwind(AssertUnwindSafe(scope));
    let words = HEARD.take().unwrap();
    assert!(ended.is_err(), "it did not panic");
    words.join("\n")
}

fn says_nothing_secret<T>(scope: impl FnOnce() -> T, expected: &str) {
    let words = last_words(scope);
    assert!(words.contains(expected), "`{words}` does not say `{expected}`");
    assert_eq!(leak_in(&words), None, "{words}");
}

#[test]
fn a_panic_while_material_is_filled_in_says_nothing_of_it() {
    assert!(leak_in(&last_words(|| panic!("{:?}", Talkative::new()))).is_some());

    let fill = |then: fn(&mut [u8])| {
        let _ = KeyMaterial::try_fill(32, |place| {
            place.copy_from_slice(&CANARY);
            then(place);
            Ok::<_, fmt::Error>(())
        });
    };
    says_nothing_secret(|| fill(|_| panic!("no entropy")), "no entropy");
    says_nothing_secret(|| fill(|place| place[place.len()] = 0), "out of bounds");
    says_nothing_secret(|| fill(|place| place.copy_from_slice(&CANARY[1..])), "length");
}

#[test]
fn a_panic_while_a_ring_is_mapped_or_loaded_says_nothing_of_it() {
    let key = |name: &str| Key::new(id(name), Talkative::new(), at(1));
    let mut ring = Keyring::new(key("k1").activate(at(2)));
    let _ = ring.add(key("k2"), at(2)).unwrap();

    let half_way = |key: &KeyInfo| {
        assert!(key.id != *"k2", "no cipher for {}", key.id);
        Talkative::new()
    };
    says_nothing_secret(
        || ring.try_map(|key, _| Ok::<_, fmt::Error>(half_way(key))),
        "no cipher for k2",
    );
    says_nothing_secret(|| ring.map(|key, _| half_way(key)), "no cipher for k2");
    says_nothing_secret(|| ring.map_or_leave(|key, _| Ok(half_way(key))), "no cipher for k2");
    let split =
        || ring.try_split(|_, _| Ok::<_, fmt::Error>(Talkative::new()), |key, _| Ok(half_way(key)));
    says_nothing_secret(split, "no cipher for k2");
    let record = |n: u64| {
        assert!(n < 3, "row {n} is not there");
        KeyRecord::new(id(&format!("k{n}")), KeyStatus::Inactive, at(1), Talkative::new())
    };
    says_nothing_secret(|| Keyring::from_records((0..).map(record)), "row 3 is not there");
}

/// `unwrap` and its kin print the value that they did not expect.
#[test]
fn a_surprised_unwrap_prints_nothing_secret() {
    let key = |name: &str| Key::new(id(name), Talkative::new(), at(1));
    let ring = || Keyring::new(key("k1").activate(at(2)));

    let filled = || KeyMaterial::take(&mut CANARY.clone());
    says_nothing_secret(|| filled().unwrap_err(), "KeyMaterial");
    says_nothing_secret(|| filled().unwrap().expose_array::<31>().copied().unwrap(), "WrongLength");
    says_nothing_secret(|| ring().add(key("k1"), at(3)).unwrap(), "KeyIdTaken");
    let unprepared = || ring().map_or_leave(|_, _| Err::<Talkative, _>("no cipher".into()));
    says_nothing_secret(|| unprepared().unwrap(), "ActiveUnprepared");
    says_nothing_secret(|| ring().decryption_key("k1").unwrap_err(), "DecryptionKey");
    says_nothing_secret(|| ring().entry::<Active>("k1").unwrap_err(), "Entry");
    says_nothing_secret(|| ring().entry::<Retired>("k1").map(drop).unwrap(), "WrongStatus");
    says_nothing_secret(|| ring().salvage_key("k1").map(drop).unwrap(), "WrongStatus");
    let loaded = || Keyring::from_records(ring().into_parts().0);
    says_nothing_secret(|| loaded().unwrap_err(), "Keyring");
    says_nothing_secret(|| assert!(ring().get("k1").is_none(), "{:?}", ring().get("k1")), "KeyRef");
}
