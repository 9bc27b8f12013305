//! What hands out a key, a half or material, and what consumes a value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::description::{Description, kind_of};

/// Names of what a material is, where a type is generic.
const MATERIALS: [&str; 6] = ["M", "N", "E", "D", "V", "Self::Material"];
/// Types of others, which hold what they are given.
const HOLDERS: [&str; 9] =
    ["Arc", "Box", "Cow", "IntoIter", "Iterator", "IntoIterator", "Option", "Result", "Vec"];
/// Rights and records, and how the list calls them.
const RIGHTS: [(&str, &str); 7] = [
    ("EncryptionKey", "gives an encryption key"),
    ("SigningKey", "gives an encryption key"),
    ("OwnedDecryptionKey", "gives an owned decryption key"),
    ("SalvageKey", "gives a salvage key"),
    ("KeyRecord", "gives a record"),
    ("Snapshot", "gives records"),
    ("Loaded", "gives records"),
];

/// Functions and fields that hand out a right, a half or material, and functions that take `self`
/// by value.
pub(crate) fn sensitive(described: &Description) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in described.items() {
        let inner = &item["inner"][kind_of(item)];
        match kind_of(item) {
            "impl" => {
                // Derives and the blankets of the standard library hand nothing out.
                let owner = &inner["for"]["resolved_path"];
                let is_ours = inner["trait"].is_null() && inner["blanket_impl"].is_null();
                if is_ours && described.item(&owner["id"]).is_some() {
                    members(described, &mut found, last(&owner["path"]), &inner["items"], "public");
                }
            }
            "trait" => members(described, &mut found, name(item), &inner["items"], "default"),
            "struct" => {
                let fields = &inner["kind"]["plain"]["fields"];
                members(described, &mut found, name(item), fields, "public");
            }
            _ => {}
        }
    }
    found
}

fn members(
    described: &Description,
    found: &mut BTreeSet<String>,
    owner: &str,
    ids: &Value,
    visibility: &str,
) {
    let ids = ids.as_array().into_iter().flatten();
    for member in ids.filter_map(|id| described.item(id)) {
        if member["visibility"] != visibility {
            continue;
        }
        let given = match kind_of(member) {
            "function" => &member["inner"]["function"]["sig"]["output"],
            "struct_field" => &member["inner"]["struct_field"],
            _ => continue,
        };
        let self_type = &member["inner"]["function"]["sig"]["inputs"][0];
        let mut reasons = BTreeSet::new();
        if self_type[0] == "self" && self_type[1]["generic"] == "Self" {
            reasons.insert("takes self");
        }
        if owner == "KeyMaterial" && given.to_string().contains(r#""u8""#) {
            reasons.insert("gives material");
        }
        given_by(given, &mut reasons);
        let name = name(member);
        found.extend(reasons.into_iter().map(|reason| format!("{owner}::{name} {reason}")));
    }
}

/// What a value of this type gives to whoever gets it.
fn given_by(given: &Value, reasons: &mut BTreeSet<&'static str>) {
    let Some((kind, inner)) = given.as_object().and_then(|given| given.iter().next()) else {
        return;
    };
    match kind.as_str() {
        "generic" if MATERIALS.contains(&inner.as_str().unwrap_or_default()) => {
            reasons.insert("gives material");
        }
        // `D::Decrypting`, `P::Material`.
        "qualified_path" if ["Decrypting", "Material"].contains(&name(inner)) => {
            reasons.insert("gives material");
        }
        "borrowed_ref" => given_by(&inner["type"], reasons),
        "slice" => given_by(inner, reasons),
        "array" => given_by(&inner["type"], reasons),
        "tuple" => inner.as_array().into_iter().flatten().for_each(|one| given_by(one, reasons)),
        "impl_trait" => {
            let bounds = inner.as_array().into_iter().flatten();
            bounds.for_each(|bound| path(&bound["trait_bound"]["trait"], reasons));
        }
        "resolved_path" => path(inner, reasons),
        _ => {}
    }
}

fn path(path: &Value, reasons: &mut BTreeSet<&'static str>) {
    let of = last(&path["path"]);
    if let Some((_, reason)) = RIGHTS.iter().find(|(right, _)| *right == of) {
        reasons.insert(reason);
    }
    let angles = &path["args"]["angle_bracketed"];
    if HOLDERS.contains(&of) {
        let held = angles["args"].as_array().into_iter().flatten().map(|arg| &arg["type"]);
        // An error is no material, whatever the letter.
        held.take(if of == "Result" { 1 } else { 9 }).for_each(|held| given_by(held, reasons));
    }
    // `Iterator<Item = …>`, `Future<Output = …>`.
    for constraint in angles["constraints"].as_array().into_iter().flatten() {
        given_by(&constraint["binding"]["equality"]["type"], reasons);
    }
}

fn name(item: &Value) -> &str {
    item["name"].as_str().unwrap_or_default()
}

fn last(path: &Value) -> &str {
    path.as_str().unwrap_or_default().rsplit("::").next().unwrap_or_default()
}
