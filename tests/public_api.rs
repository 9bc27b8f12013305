//! The public interface, as rustdoc describes it with every feature.
//!
//! - What hands out a key, a half, material or the right to encrypt, and what consumes a value, is
//!   on a list that somebody has read: `tests/public_api.txt`.
//! - Few names stand at the root of the crate, and `docs/api.md` names the user of each.
//! - Every public item is documented, by a sentence that begins with what it does or is.
//!
//! The counts are printed: `cargo test --test public_api -- --nocapture`. Those of another tree are
//! printed when `PUBLIC_API_OF` is its folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use self::description::Description;
use self::sensitive::sensitive;

#[path = "public_api/description.rs"]
mod description;
#[path = "public_api/sensitive.rs"]
mod sensitive;

/// What must be reviewed before it is added: `tests/public_api.txt`, one a line.
const REVIEWED: &str = include_str!("public_api.txt");
/// Who calls what.
const USERS: &str = include_str!("../docs/api.md");

/// The crate in rustdoc's words, made once.
fn described() -> &'static Description {
    static DESCRIBED: OnceLock<Description> = OnceLock::new();
    DESCRIBED.get_or_init(describe)
}

fn describe() -> Description {
    let own = env!("CARGO_MANIFEST_DIR");
    let manifest = env::var("PUBLIC_API_OF").unwrap_or_else(|_| own.to_owned());
    let target = Path::new(&manifest).join("target/public-api");
    let done = Command::new(env!("CARGO"))
        // The format is not stable, and neither is the flag.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["rustdoc", "--quiet", "--package", "key-rotation", "--lib", "--all-features"])
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format", "json"])
        .current_dir(&manifest)
        .status()
        .unwrap();
    assert!(done.success(), "rustdoc does not describe the crate");
    let text = fs::read_to_string(target.join("doc/key_rotation.json")).unwrap();
    Description::parse(&text)
}

#[test]
fn what_hands_out_secrets_or_consumes_values_is_reviewed() {
    let found = sensitive(described());
    let reviewed: BTreeSet<&str> = REVIEWED.lines().filter(|line| !line.is_empty()).collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert!(found.len() > 60, "the description was not understood: {found:?}");
    let new: Vec<_> = found.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "review these and add them to tests/public_api.txt: {new:#?}\nremove these from it: {gone:#?}"
    );
}

/// How many names may stand at the root.
const MOST_AT_THE_ROOT: usize = 45;

#[test]
fn few_names_stand_at_the_root_and_docs_api_md_has_the_numbers() {
    let (root, all) = (described().names_at_the_root(), described().public_items());
    println!("{} names at the root, {} public items", root.len(), all.len());
    let kinds = all.values().fold(BTreeMap::<_, usize>::new(), |mut kinds, kind| {
        *kinds.entry(kind).or_default() += 1;
        kinds
    });
    println!("of which: {kinds:?}");
    assert!(root.contains("Keyring") && all.contains_key("error::Violation"), "{root:?} {all:?}");
    assert!(root.len() <= MOST_AT_THE_ROOT, "{} names stand at the root: {root:#?}", root.len());
    let now = format!("**{} names at the root, {} public items**", root.len(), all.len());
    assert!(USERS.contains(&now), "docs/api.md does not say `{now}`");
}

/// Whom `docs/api.md` may name.
const READERS: [&str; 5] =
    ["service author", "library author", "operator", "reviewer", "provider author"];

/// A line of its table: the name, who calls it, and for what.
fn users(text: &str) -> BTreeMap<&str, (&str, &str)> {
    let mut users = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (Some(name), Some(who), Some(why)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        assert!(users.insert(name, (who, why)).is_none(), "docs/api.md has `{name}` twice");
    }
    users
}

#[test]
fn docs_api_md_names_the_user_of_each_name_at_the_root() {
    let (root, users) = (described().names_at_the_root(), users(USERS));
    let missing: Vec<_> = root.iter().filter(|name| !users.contains_key(name.as_str())).collect();
    assert!(missing.is_empty(), "say in docs/api.md who calls these, and for what: {missing:#?}");
    let unknown: Vec<_> = users.keys().filter(|name| !root.contains(**name)).collect();
    assert!(unknown.is_empty(), "remove from docs/api.md what is not at the root: {unknown:#?}");
    for (name, (who, why)) in users {
        let known = who.split(", ").all(|who| READERS.contains(&who));
        assert!(known, "docs/api.md names the user of `{name}` as `{who}`, and not as {READERS:?}");
        assert!(why.split(' ').count() >= 3, "docs/api.md does not say for what `{name}` is");
    }
}

#[test]
fn every_public_item_is_documented_by_a_sentence_with_one_reading() {
    let documented = described().documented();
    assert!(documented.len() > 300, "the description was not understood: {}", documented.len());
    let undocumented: Vec<_> = documented
        .iter()
        .filter(|(_, docs)| docs.trim().is_empty())
        .map(|(name, _)| name)
        .collect();
    assert!(undocumented.is_empty(), "document these: {undocumented:#?}");
    let riddles: Vec<_> = documented
        .iter()
        .filter(|(_, docs)| is_a_riddle(docs))
        .map(|(name, docs)| format!("{name}: {}", docs.lines().next().unwrap_or_default()))
        .collect();
    assert!(
        riddles.is_empty(),
        "{} begin with a clause; say what the item does or is: {riddles:#?}",
        riddles.len()
    );
}

/// Whether the first sentence has a clause for its subject.
fn is_a_riddle(docs: &str) -> bool {
    let first = docs.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    first.is_some_and(|word| ["what", "who", "which", "whether"].contains(&&*word.to_lowercase()))
}

#[test]
fn a_sentence_with_a_clause_for_its_subject_is_found() {
    for docs in ["What a key is made of.", "**Whether** it is.", "Who did it", "`Which` one."] {
        assert!(is_a_riddle(docs), "{docs}");
    }
    for docs in ["Returns what it holds.", "", "A key.", "Whatever", "The status, which counts."] {
        assert!(!is_a_riddle(docs), "{docs}");
    }
}

#[test]
fn the_table_of_users_is_read() {
    let table =
        "# Title\n\n| name | user | for what |\n|---|---|---|\n| `Key` | reviewer | x y z |\n";
    assert_eq!(users(table), BTreeMap::from([("Key", ("reviewer", "x y z"))]));
}
