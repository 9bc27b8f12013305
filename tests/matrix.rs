//! The set of ui-tests is complete: every operation on every status, for keys and for entries, is
//! shown either to compile or not to, and each answer of the compiler is about that very cell.

#![allow(clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const STATUSES: [&str; 4] = ["Active", "Inactive", "Retired", "Revoked"];

/// An operation, the method that it is, the trait of its column, and the statuses that have it.
struct Row(&'static str, &'static str, &'static str, &'static [&'static str]);

const KEY: [Row; 9] = [
    Row("encrypt", ".encryption_key()", "CanEncrypt", &["Active"]),
    Row("decrypt", ".decryption_key()", "CanDecrypt", &["Active", "Inactive", "Retired"]),
    Row("salvage", ".salvage_key()", "CanSalvage", &["Revoked"]),
    Row("activate", ".activate(at)", "CanActivate", &["Inactive"]),
    Row("deactivate", ".deactivate(at)", "CanDeactivate", &["Active"]),
    Row("retire", ".retire(at)", "CanRetire", &["Inactive"]),
    Row("revoke", ".revoke(at)", "CanRevoke", &["Inactive", "Retired"]),
    Row("restore", ".restore(at)", "CanRestore", &["Revoked"]),
    Row("destroy", ".destroy(at)", "CanDestroy", &["Retired", "Revoked"]),
];

const ENTRY: [Row; 6] = [
    Row("activate", ".activate(at)", "CanActivate", &["Inactive"]),
    Row("deactivate", ".deactivate(at)", "CanDeactivate", &[]),
    Row("retire", ".retire(at)", "CanRetire", &["Inactive"]),
    Row("revoke", ".revoke(at)", "CanRevoke", &["Inactive", "Retired"]),
    Row("restore", ".restore(at)", "CanRestore", &["Revoked"]),
    Row("destroy", ".destroy(at)", "CanDestroy", &["Retired", "Revoked"]),
];

/// Misuses that are no cell of a table, and that must not be lost.
const MISUSES: [&str; 24] = [
    "decryption_key_is_not_an_encryption_key",
    "decryption_ring_cannot_encrypt",
    "decryption_ring_cannot_rotate",
    "encryption_key_cannot_be_owned",
    "encryption_key_cannot_outlive_a_rotation",
    "halves_cannot_be_added",
    "key_cannot_be_cloned",
    "key_cannot_be_cloned_by_a_derive",
    "key_of_any_status_cannot_encrypt",
    "keyring_cannot_be_cloned",
    "keyring_cannot_be_cloned_by_a_derive",
    "keyring_has_no_default",
    "keyring_has_no_default_in_a_derive",
    "material_cannot_be_compared",
    "operation_cannot_be_added",
    "operation_cannot_be_added_for_an_own_type",
    "owned_decryption_key_cannot_encrypt",
    "pair_cannot_be_split",
    "pair_is_not_a_symmetric_key",
    "record_does_not_become_a_key",
    "retired_pair_cannot_sign",
    "salvage_key_does_not_open",
    "status_cannot_be_added",
    "verifying_half_does_not_sign",
];

/// The line of a text for a key that no ring has, and the line for one that a ring has.
const ALONE: &str = "  = note: a key on its own: ";
const IN_A_RING: &str = "  = note: a key in a ring: ";

#[test]
fn every_operation_on_a_key_is_proven_for_every_status() {
    let proofs = prove("key", &KEY, |status| format!("Key<{status}"), [ALONE, IN_A_RING]);
    assert_eq!(proofs, 36);
}

#[test]
fn every_operation_on_an_entry_is_proven_for_every_status() {
    let proofs = prove("entry", &ENTRY, |status| format!("entry::<{status}>"), [IN_A_RING, ALONE]);
    assert_eq!(proofs, 24);
}

/// Looks each cell up, and answers how many there were. `order` is that of the two lines that say
/// what to write instead.
fn prove(kind: &str, rows: &[Row], type_of: impl Fn(&str) -> String, order: [&str; 2]) -> usize {
    let mut proofs = 0;
    let mut messages = BTreeMap::new();
    for Row(operation, method, column, legal) in rows {
        for status in STATUSES {
            let name = status.to_lowercase();
            let can = format!("{name}_{kind}_can_{operation}.rs");
            let cannot = format!("{name}_{kind}_cannot_{operation}.rs");
            let shows = |path: &Path| {
                let text = read(path);
                let path = path.display();
                assert!(text.contains(&type_of(status)), "{path} is not about {status}");
                assert!(text.contains(method), "{path} does not call {method}");
            };
            proofs += 1;
            if legal.contains(&status) {
                shows(&pass(&can));
                assert!(!fail(&cannot).exists(), "{cannot} contradicts {can}");
                continue;
            }
            shows(&fail(&cannot));
            assert!(!pass(&can).exists(), "{can} contradicts {cannot}");

            let answer = read(&fail(&cannot).with_extension("stderr"));
            let message = answer.lines().next().unwrap_or_default().to_owned();
            assert!(message.starts_with("error[E0277]: "), "{cannot}: the words are not ours");
            assert!(message.contains(&format!("`{status}`")), "{cannot}: {message}");
            assert_eq!(answer.matches("error").count(), 1, "{cannot}: more than one error");
            assert!(!answer.contains("is implemented for"), "{cannot}: lists other types");
            let [first, second] = order.map(|line| answer.find(line));
            assert!(first.is_some() && second.is_some(), "{cannot}: what is to be done?");
            assert!(
                first < second,
                "{cannot}: the line that is for the {kind} does not come first"
            );
            for Row(_, _, other, _) in &KEY {
                assert!(other == column || !answer.contains(other), "{cannot}: names {other}");
            }
            if let Some(same) = messages.insert(message, cannot.clone()) {
                panic!("{cannot} and {same} get the same message");
            }
        }
    }
    proofs
}

#[test]
fn every_misuse_has_an_answer_and_a_compiling_twin() {
    let misuses = stems(&fail(""), "rs");
    assert_eq!(misuses, stems(&fail(""), "stderr"));

    let (shown_possible, twins): (BTreeSet<_>, BTreeSet<_>) =
        stems(&pass(""), "rs").into_iter().partition(|stem| stem.contains("_can_"));
    assert_eq!(misuses, twins);
    let legal = KEY.iter().chain(&ENTRY).map(|row| row.3.len()).sum::<usize>();
    assert_eq!(shown_possible.len(), legal);

    for misuse in MISUSES {
        assert!(misuses.contains(misuse), "{misuse} is not tried any more");
    }
    for misuse in &misuses {
        let answer = read(&fail(misuse).with_extension("stderr"));
        assert!(!answer.contains("warning: "), "{misuse}: more is wrong than the misuse");
        let constant = answer.starts_with("error[E0080]: ");
        assert!(constant || !answer.contains("$RUST"), "{misuse}: shows lines of std");
    }

    let shared = |folder: &str| root().join("shared").join(folder);
    let misuses = stems(&shared("fail"), "rs");
    assert_eq!(misuses, stems(&shared("fail"), "stderr"));
    assert_eq!(misuses, stems(&shared("pass"), "rs"));
}

#[test]
fn a_twin_differs_in_few_lines() {
    for stem in stems(&fail(""), "rs") {
        let misuse = read(&fail(&stem).with_extension("rs"));
        let twin = read(&pass(&stem).with_extension("rs"));
        assert!(misuse.starts_with("// "), "{stem}: no rule in the first line");
        assert_eq!(misuse.lines().next(), twin.lines().next(), "{stem}: two rules");
        assert_ne!(misuse, twin, "{stem}");
        let only_in = |a: &str, b: &str| {
            let rest =
                |line: &&str| !line.starts_with("use ") && !b.lines().any(|other| other == *line);
            a.lines().filter(rest).count()
        };
        let differing = only_in(&misuse, &twin).max(only_in(&twin, &misuse));
        assert!(differing <= 3, "{stem}: differs in {differing} lines");
    }
}

fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).expect("the folder is there");
    files
        .map(|file| file.expect("the file is there").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui-tests")
}

fn fail(file: &str) -> PathBuf {
    root().join("fail").join(file)
}

fn pass(file: &str) -> PathBuf {
    root().join("pass").join(file)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
