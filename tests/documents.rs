//! The documents are true: they name files that are there, and show what is printed.

#![allow(clippy::expect_used, reason = "tests stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use key_rotation::plan::plan;
use key_rotation::policy::{Fleet, days};
use key_rotation::{Cryptoperiods, Inactive, Key, KeyId, Keyring, Timestamp};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The text between two lines of three backticks that begin after `opening`.
fn block<'t>(text: &'t str, opening: &str) -> &'t str {
    let (_, rest) = text.split_once(opening).expect(opening);
    rest.split("```").next().unwrap_or_default()
}

#[test]
fn the_reviewers_page_names_tests_that_are_there() {
    let page = read("docs/reviewer.md");
    let claims: Vec<&str> = page.lines().filter(|line| line.starts_with("| G")).collect();
    assert_eq!(claims.len(), 15, "a line for each guarantee");
    let mut named = 0;
    for claim in claims {
        let mut columns = claim.split('|').skip(2);
        let mut column = || columns.next().expect("a column");
        for name in quoted(column()).filter(|name| !name.contains("STATUS")) {
            let misuse = root().join("ui-tests/fail").join(name).with_extension("rs");
            assert!(misuse.exists(), "there is no misuse `{name}`");
            named += 1;
        }
        for name in quoted(column()) {
            let test = root().join("tests").join(name).with_extension("rs");
            assert!(test.exists() || root().join(name).exists(), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 40, "{named} files are named: is the table read?");
}

#[test]
fn the_reviewers_page_shows_a_misuse_and_its_twin() {
    let page = read("docs/reviewer.md");
    for file in ["ui-tests/fail", "ui-tests/pass"] {
        let text = read(&format!("{file}/retired_key_cannot_activate.rs"));
        assert!(page.contains(&text), "the page does not show the file in {file} as it is");
    }
}

#[test]
fn the_table_of_tests_names_commands_that_are_there() {
    let page = read("docs/testing.md");
    let mut named = 0;
    for command in quoted(&page) {
        let words = || command.split_whitespace();
        let named_tests = words().zip(words().skip(1)).filter(|(option, _)| *option == "--test");
        for (_, test) in named_tests {
            let file = Path::new(test).with_extension("rs");
            let places =
                ["tests", "providers/sqlx/tests", "models/tests"].map(|place| root().join(place));
            let found = places.iter().any(|place| place.join(&file).exists());
            assert!(found, "`{command}` names no test");
            named += 1;
        }
        for script in words().take(1).filter(|word| word.starts_with("scripts/")) {
            assert!(root().join(script).exists(), "there is no `{script}`");
            named += 1;
        }
    }
    assert!(named > 40, "{named} commands are named: is the page read?");
}

#[test]
fn the_table_of_tests_leaves_no_test_out() {
    let page = read("docs/testing.md");
    for folder in ["tests", "providers/sqlx/tests"] {
        for file in fs::read_dir(root().join(folder)).expect(folder) {
            let path = file.expect("a file").path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            let is_test = path.extension().is_some_and(|extension| extension == "rs");
            let command = |end: char| page.contains(&format!("--test {name}{end}"));
            assert!(!is_test || command('`') || command(' '), "no line has `--test {name}`");
        }
    }
}

#[test]
fn the_readme_shows_a_compile_error_as_it_is() {
    let answer = read("ui-tests/fail/retired_key_cannot_activate.stderr");
    assert_eq!(
        block(&read("README.md"), "```text\nerror"),
        answer.strip_prefix("error").expect("an error")
    );
}

#[test]
fn the_operators_page_shows_what_is_printed() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let day = |n| start.saturating_add(days(n));
    let key = |id, at| Key::new(KeyId::from_static(id), "cipher", at);
    let policy = Cryptoperiods::QUARTERLY;

    let mut ring = Keyring::new(key("k1", day(0)).activate(day(0)));
    let _ = ring.add(key("k2", day(80)), day(80)).expect("a free id");
    let _ = ring.rotate_to("k2", day(90)).expect("a staged key");
    let _ = ring.entry::<Inactive>("k1").expect("a demoted key").retire(day(120));
    let _ = ring.add(key("k3", day(170)), day(170)).expect("a free id");
    ring.enforce(&policy, day(181));

    let plan = plan(&policy, &ring.state(), &Fleet::UNKNOWN, day(181));
    let printed = format!("{}\n{plan}", ring.state());
    assert_eq!(block(&read("docs/operator.md"), "```text\n"), printed);
}

#[cfg(feature = "std")]
#[test]
fn the_operators_page_shows_a_history_as_it_is_printed() {
    use key_rotation::store::Revision;
    use key_rotation::{InMemoryKeyProvider, RotationService, StrictSingleActive};

    let printed = pollster::block_on(async {
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().expect("a time");
        let key = |id| Key::new(KeyId::from_static(id), "cipher", start);
        let actor = "ada".parse().expect("a name");
        let service =
            RotationService::new(InMemoryKeyProvider::new(), StrictSingleActive).acting_as(actor);
        let _ = service.bootstrap(key("k1"), start).await.expect("an empty store");
        let _ = service.add(key("k2"), start).await.expect("a free id");
        let _ = service.rotate_to("k2", start).await.expect("a staged key");
        let reason = "INC-4711: it was in a core dump".parse().expect("a reason");
        let _ = service.revoke("k1", reason, start).await.expect("a demoted key");
        let events = service.history(Revision::EMPTY).await.expect("a history");
        events.iter().map(|event| format!("{event}\n")).collect::<String>()
    });
    let page = read("docs/operator.md");
    let history = page.split_once("## Who changed what").expect("the part about the history").1;
    assert_eq!(block(history, "```text\n"), printed);
}

#[test]
fn each_table_of_the_lifecycle_says_the_same() {
    let rows = |path: &str| -> Vec<String> {
        let text = read(path);
        let row = |line: &str| {
            let line = line.trim_start_matches("//!").trim();
            let line = line.replace(['[', ']', '`'], "");
            ["| Active", "| Inactive", "| Retired", "| Revoked"]
                .iter()
                .any(|status| line.starts_with(status) && line.matches('|').count() == 12)
                .then_some(line)
        };
        text.lines().filter_map(row).collect()
    };
    let table = rows("src/status.rs");
    assert_eq!(table.len(), 4);
    for other in ["src/lib.rs", "README.md"] {
        assert_eq!(rows(other), table, "{other} has another table than src/status.rs");
    }
}
