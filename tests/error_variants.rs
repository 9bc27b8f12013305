//! Every variant of every public error is produced by something that fails, and says in one short
//! sentence what is wrong and with which key.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::any::type_name;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::fs;
use std::path::Path;

#[path = "error_variants/keys.rs"]
mod keys;
#[path = "error_variants/stores.rs"]
mod stores;
#[path = "support/store.rs"]
mod support;

/// What was produced: type, variant, and what it prints.
#[derive(Default)]
struct Produced(Vec<(String, String, String)>);

impl Produced {
    fn error(&mut self, error: &impl Error) {
        self.value(error);
    }

    /// What is a part of an error. Its name is what `Debug` calls it, so none can be mislabelled.
    fn value<T: Debug + Display>(&mut self, value: &T) {
        let (text, debug) = (value.to_string(), format!("{value:?}"));
        says_what_is_wrong(&text, &debug);
        let of_type = type_name::<T>().split('<').next().unwrap().rsplit("::").next().unwrap();
        self.0.push((of_type.to_owned(), name_in(&debug).to_owned(), text));
    }

    fn names(&self) -> BTreeSet<String> {
        self.0.iter().map(|(of_type, variant, _)| format!("{of_type}::{variant}")).collect()
    }
}

/// Part of a longer sentence: no capital, no full stop, and every id that the error has.
fn says_what_is_wrong(text: &str, debug: &str) {
    assert!(!text.is_empty() && text.trim() == text && !text.contains('\n'), "{debug}: {text:?}");
    assert!(!text.starts_with(char::is_uppercase), "{debug} begins with a capital: {text}");
    assert!(!text.ends_with('.'), "{debug} ends in a full stop: {text}");
    // A conformance check quotes what it did, as `Debug` prints it.
    let quoted = |opening, id| text.contains(&format!("{opening}{id}"));
    for opening in ["KeyId(", "EscapedText("] {
        for id in debug.split(opening).skip(1) {
            let id = id.split(')').next().unwrap();
            let is_named = text.contains(&format!("`{id}`")) || quoted(opening, id);
            assert!(is_named, "{debug} does not name `{id}`: {text}");
        }
    }
}

fn produced() -> Produced {
    let mut all = Produced::default();
    keys::values(&mut all);
    keys::lookups(&mut all);
    keys::preparations(&mut all);
    keys::rings(&mut all);
    keys::policies(&mut all);
    stores::mismatches(&mut all);
    stores::services(&mut all);
    stores::shared_rings(&mut all);
    stores::conformance(&mut all);
    all
}

#[test]
fn every_variant_of_every_error_is_produced() {
    let declared = declared_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let produced = produced().names();
    let missing: Vec<_> = declared.difference(&produced).collect();
    assert!(missing.is_empty(), "produce these in tests/error_variants/: {missing:#?}");
    let unknown: Vec<_> = produced.difference(&declared).collect();
    assert!(unknown.is_empty(), "these are errors, and were not found in src/: {unknown:#?}");
}

/// Two variants that read the same could not be told apart in a log.
#[test]
fn no_two_variants_of_an_error_read_the_same() {
    let all = produced();
    for (n, (of_type, variant, text)) in all.0.iter().enumerate() {
        for (other_type, other, same) in all.0.iter().skip(n + 1) {
            let differ = of_type != other_type || variant == other || text != same;
            assert!(differ, "{of_type}: {variant} and {other} both read `{text}`");
        }
    }
}

/// The names of all public error types with their variants; a struct is its own only variant.
fn declared_in(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(declared_in(&path));
        } else {
            names.extend(declared(&fs::read_to_string(&path).unwrap()));
        }
    }
    names
}

/// Not errors, but all that one says.
const PARTS: [&str; 3] = ["Contradiction", "Event", "TakenBy"];

/// Those of one file, which rustfmt has laid out.
fn declared(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut is_error = false;
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(derives) = line.strip_prefix("#[derive(") {
            is_error = derives.trim_end_matches(")]").split(", ").any(|name| name == "Error");
        }
        if let Some((_, name)) = line.split_once("core::error::Error for ") {
            let name = name_in(name);
            names.insert(format!("{name}::{name}"));
        }
        if let Some(name) = line.strip_prefix("pub struct ").map(name_in) {
            if is_error {
                names.insert(format!("{name}::{name}"));
            }
            is_error = false;
        }
        if let Some(name) = line.strip_prefix("pub enum ").map(name_in) {
            if is_error || PARTS.contains(&name) {
                let variants = lines.by_ref().take_while(|line| *line != "}");
                let variants = variants.filter_map(|line| line.strip_prefix("    "));
                let variants = variants.filter(|line| line.starts_with(char::is_uppercase));
                names.extend(variants.map(|line| format!("{name}::{}", name_in(line))));
            }
            is_error = false;
        }
    }
    names
}

fn name_in(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

#[test]
fn a_variant_that_nobody_produces_is_found() {
    let source = "\
#[derive(Clone, Debug, Error)]
#[error(\"stale\")]
pub struct Stale;

#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failed<E> {
    /// Upper case.
    #[error(transparent)]
    First(#[from] E),
    Second {
        /// Its id.
        id: KeyId,
    },
    Third,
}

#[derive(Clone, Debug)]
pub enum Plain {
    One,
}

#[derive(Clone, Debug)]
pub enum TakenBy {
    Key(KeyStatus),
}

impl<M> core::error::Error for ByHand<M> {}
";
    let found = [
        "ByHand::ByHand",
        "Failed::First",
        "Failed::Second",
        "Failed::Third",
        "Stale::Stale",
        "TakenBy::Key",
    ];
    assert_eq!(declared(source), BTreeSet::from(found.map(String::from)));
}

#[test]
#[should_panic(expected = "does not name `k2`")]
fn an_error_that_keeps_an_id_to_itself_is_found() {
    says_what_is_wrong("key `k1` is gone", "Gone { id: KeyId(k1), other: KeyId(k2) }");
}
