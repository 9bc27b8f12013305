//! The set of ui-tests is complete: every operation on every status, for keys and for entries, is
//! shown either to compile or not to.

#![allow(clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const STATUSES: [&str; 3] = ["Active", "Inactive", "Retired"];

/// Operation, the method that it is, and the statuses that have it.
type Row = (&'static str, &'static str, &'static [&'static str]);

const KEY: [Row; 6] = [
    ("encrypt", ".encryption_key()", &["Active"]),
    ("decrypt", ".decryption_key()", &["Active", "Inactive", "Retired"]),
    ("activate", ".activate(at)", &["Inactive"]),
    ("deactivate", ".deactivate(at)", &["Active"]),
    ("retire", ".retire(at)", &["Inactive"]),
    ("destroy", ".destroy(at)", &["Retired"]),
];

const ENTRY: [Row; 4] = [
    ("activate", ".activate(at)", &["Inactive"]),
    ("deactivate", ".deactivate(at)", &[]),
    ("retire", ".retire(at)", &["Inactive"]),
    ("destroy", ".destroy(at)", &["Retired"]),
];

#[test]
fn every_operation_on_a_key_is_proven_for_every_status() {
    let proofs = prove("key", &KEY, |status| format!("Key<{status}>"));
    assert_eq!(proofs, 18);
}

#[test]
fn every_operation_on_an_entry_is_proven_for_every_status() {
    let proofs = prove("entry", &ENTRY, |status| format!("entry::<{status}>"));
    assert_eq!(proofs, 12);
}

/// Looks each cell up, and answers how many there were.
fn prove(kind: &str, rows: &[Row], type_of: impl Fn(&str) -> String) -> usize {
    let mut proofs = 0;
    for (operation, method, legal) in rows {
        for status in STATUSES {
            let name = status.to_lowercase();
            let can = format!("{name}_{kind}_can_{operation}.rs");
            let cannot = format!("{name}_{kind}_cannot_{operation}.rs");
            let shows = |path: &Path| {
                let text = read(path);
                assert!(
                    text.contains(&type_of(status)),
                    "{} is not about {status}",
                    path.display()
                );
                assert!(text.contains(method), "{} does not call {method}", path.display());
            };
            if legal.contains(&status) {
                shows(&pass(&can));
                assert!(!fail(&cannot).exists(), "{cannot} contradicts {can}");
            } else {
                shows(&fail(&cannot));
                assert!(!pass(&can).exists(), "{can} contradicts {cannot}");
                let answer = read(&fail(&cannot).with_extension("stderr"));
                assert!(answer.starts_with("error[E0277]: "), "{cannot}: the words are not ours");
                assert!(
                    answer.contains(&format!("`key_rotation::{status}`")),
                    "{cannot}: {answer}"
                );
                assert_eq!(answer.matches("error").count(), 1, "{cannot}: more than one error");
                assert!(answer.contains("  = note: "), "{cannot}: nothing says what to do instead");
                assert!(!answer.contains("is implemented for"), "{cannot}: lists other types");
            }
            proofs += 1;
        }
    }
    proofs
}

#[test]
fn every_misuse_has_an_answer_and_a_compiling_twin() {
    let stems = |dir: &Path, extension: &str| -> BTreeSet<String> {
        let files = fs::read_dir(dir).expect("the folder is there");
        files
            .map(|file| file.expect("the file is there").path())
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect()
    };
    let misuses = stems(&fail(""), "rs");
    assert_eq!(misuses, stems(&fail(""), "stderr"));

    let twins = stems(&pass(""), "rs");
    let (shown_possible, twins): (BTreeSet<_>, BTreeSet<_>) =
        twins.into_iter().partition(|stem| stem.contains("_can_"));
    assert_eq!(misuses, twins);
    assert_eq!(
        shown_possible.len(),
        KEY.iter().chain(&ENTRY).map(|row| row.2.len()).sum::<usize>()
    );
}

#[test]
fn a_twin_differs_in_the_offending_expression_alone() {
    for entry in fs::read_dir(fail("")).expect("the folder is there") {
        let misuse = entry.expect("the file is there").path();
        if misuse.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let twin = pass(misuse.file_name().and_then(|name| name.to_str()).expect("a plain name"));
        let (misuse_text, twin_text) = (read(&misuse), read(&twin));
        assert!(misuse_text.starts_with("// "), "{}: no rule in the first line", misuse.display());
        assert_ne!(misuse_text, twin_text, "{}", misuse.display());
        let only_in = |a: &str, b: &str| {
            let rest =
                |line: &&str| !line.starts_with("use ") && !b.lines().any(|other| other == *line);
            a.lines().filter(rest).count()
        };
        let differing = only_in(&misuse_text, &twin_text).max(only_in(&twin_text, &misuse_text));
        assert!(differing <= 2, "{}: differs in {differing} lines", misuse.display());
    }
}

fn fail(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui-tests/fail").join(file)
}

fn pass(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui-tests/pass").join(file)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
