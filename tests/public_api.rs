//! What hands out a key, its material or the right to encrypt, and what consumes a value, is on a
//! list that somebody has read. The list is checked against rustdoc's description of the crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// What must be reviewed before it is added: `tests/public_api.txt`, one a line.
const REVIEWED: &str = include_str!("public_api.txt");

#[test]
fn what_hands_out_secrets_or_consumes_keys_is_reviewed() {
    let found = sensitive(&describe());
    let reviewed: BTreeSet<&str> = REVIEWED.lines().filter(|line| !line.is_empty()).collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert!(found.len() > 20, "the description was not understood: {found:?}");
    let new: Vec<_> = found.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "review these and add them to tests/public_api.txt: {new:#?}\nremove these from it: {gone:#?}"
    );
}

/// The crate in rustdoc's words, with every feature.
fn describe() -> Value {
    let manifest = env!("CARGO_MANIFEST_DIR");
    let target = Path::new(manifest).join("target/public-api");
    let done = Command::new(env!("CARGO"))
        // The format is not stable, and neither is the flag.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["rustdoc", "--quiet", "--package", "key-rotation", "--lib", "--all-features"])
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format", "json"])
        .current_dir(manifest)
        .status()
        .unwrap();
    assert!(done.success(), "rustdoc does not describe the crate");
    let text = fs::read_to_string(target.join("doc/key_rotation.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Public functions that return an `EncryptionKey` or material, or take `self` by value.
fn sensitive(krate: &Value) -> BTreeSet<String> {
    let index = krate["index"].as_object().unwrap();
    let mut found = BTreeSet::new();
    for item in index.values() {
        let Some(implementation) = item["inner"].get("impl") else { continue };
        // Derives and the blankets of the standard library hand nothing out.
        if !implementation["trait"].is_null() || !implementation["blanket_impl"].is_null() {
            continue;
        }
        let owner = &implementation["for"]["resolved_path"];
        let path = owner["path"].as_str().unwrap_or_default();
        let of_type = path.rsplit("::").next().unwrap_or_default();
        let local = owner["id"].as_u64().map(|id| id.to_string());
        if !local.is_some_and(|id| index.contains_key(&id)) {
            continue;
        }
        for id in implementation["items"].as_array().unwrap() {
            let item = &index[&id.as_u64().unwrap().to_string()];
            if item["visibility"] != "public" {
                continue;
            }
            let Some(function) = item["inner"].get("function") else { continue };
            let signature = &function["sig"];
            let output = signature["output"].to_string();
            let by_value = signature["inputs"][0][0] == "self"
                && signature["inputs"][0][1]["generic"] == "Self";
            let gives = |what: &str| output.contains(&format!("\"{what}\""));
            let reasons = [
                (by_value, "takes self"),
                (gives("EncryptionKey"), "gives an encryption key"),
                (hands_out_material(of_type, &output), "gives material"),
                (output.contains("\"KeyRecord\""), "gives a record"),
            ];
            let name = item["name"].as_str().unwrap();
            for (_, reason) in reasons.into_iter().filter(|(applies, _)| *applies) {
                found.insert(format!("{of_type}::{name} {reason}"));
            }
        }
    }
    found
}

/// A reference to bytes of a `KeyMaterial`, or to the `M` of a generic type.
fn hands_out_material(of_type: &str, output: &str) -> bool {
    let of_bytes = of_type == "KeyMaterial" && output.contains("u8");
    of_bytes
        || output.contains(r#""generic":"M""#)
            && output.contains("borrowed_ref")
            && !output.contains("resolved_path")
}
