//! What rustdoc says of a crate, in its JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) struct Description(Value);

/// What may be imported and called, beside modules.
const KINDS: [&str; 9] = [
    "struct",
    "enum",
    "union",
    "trait",
    "trait_alias",
    "type_alias",
    "function",
    "constant",
    "static",
];

impl Description {
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Value> {
        self.0["index"].as_object().unwrap().values()
    }

    /// The item of this id, unless it is of another crate or hidden.
    pub(crate) fn item(&self, id: &Value) -> Option<&Value> {
        self.0["index"].get(id.as_u64()?.to_string())
    }

    /// The names that `use key_rotation::X` can name, without modules.
    pub(crate) fn names_at_the_root(&self) -> BTreeSet<String> {
        let root = self.item(&self.0["root"]).unwrap();
        self.exports(root)
            .into_iter()
            .filter(|(_, item)| kind_of(item) != "module")
            .map(|(name, _)| name)
            .collect()
    }

    /// Every item that a path reaches, by one of its paths, and its kind: each once, whatever its
    /// paths.
    pub(crate) fn public_items(&self) -> BTreeMap<String, &str> {
        let reached = self.reached().into_iter();
        let reached = reached.filter(|(_, item)| KINDS.contains(&kind_of(item)));
        reached.map(|(path, item)| (path, kind_of(item))).collect()
    }

    /// The same with modules, and the items themselves.
    fn reached(&self) -> Vec<(String, &Value)> {
        let mut seen = BTreeSet::new();
        let mut reached = Vec::new();
        let mut modules = vec![(String::new(), self.item(&self.0["root"]).unwrap())];
        while let Some((path, module)) = modules.pop() {
            for (name, item) in self.exports(module) {
                let path = if path.is_empty() { name } else { format!("{path}::{name}") };
                if kind_of(item) == "module" {
                    modules.push((path.clone(), item));
                }
                if seen.insert(item["id"].as_u64()) {
                    reached.push((path, item));
                }
            }
        }
        reached
    }

    /// What stands in a module, under its name there, with what is exported there in its place.
    fn exports<'d>(&'d self, module: &'d Value) -> Vec<(String, &'d Value)> {
        let ids = module["inner"]["module"]["items"].as_array().unwrap();
        let mut exports = Vec::new();
        for item in ids.iter().filter_map(|id| self.item(id)) {
            let Some(export) = item["inner"].get("use") else {
                if let Some(name) = item["name"].as_str() {
                    exports.push((name.to_owned(), item));
                }
                continue;
            };
            let Some(target) = self.item(&export["id"]) else { continue };
            if export["is_glob"] == true {
                exports.extend(self.exports(target));
            } else {
                exports.push((export["name"].as_str().unwrap().to_owned(), target));
            }
        }
        exports
    }

    /// Everything that has docs of its own, and them: what a path reaches, and the methods, fields,
    /// variants and associated items of that.
    pub(crate) fn documented(&self) -> BTreeMap<String, &str> {
        let mut documented = BTreeMap::new();
        let mut left = self.reached();
        while let Some((path, item)) = left.pop() {
            let kind = kind_of(item);
            let inner = &item["inner"][kind];
            if kind != "impl" {
                documented.insert(path.clone(), item["docs"].as_str().unwrap_or_default());
            } else if !inner["trait"].is_null() || !inner["blanket_impl"].is_null() {
                // Documented where the trait is.
                continue;
            }
            let lists = ["items", "variants", "impls"].map(|list| &inner[list]);
            let fields = ["plain", "struct"].map(|kind| &inner["kind"][kind]["fields"]);
            // A module's items are among what is reached.
            let lists = lists.into_iter().chain(fields).filter(|_| kind != "module");
            for member in lists.filter_map(Value::as_array).flatten() {
                let Some(member) = self.item(member) else { continue };
                let name = member["name"].as_str().unwrap_or_default();
                // The fields of a tuple have numbers, and are documented beside it.
                if !name.starts_with(|c: char| c.is_ascii_digit()) {
                    let path =
                        if name.is_empty() { path.clone() } else { format!("{path}::{name}") };
                    left.push((path, member));
                }
            }
        }
        documented
    }
}

pub(crate) fn kind_of(item: &Value) -> &str {
    let inner = item["inner"].as_object();
    inner.and_then(|inner| inner.keys().next()).map_or("", String::as_str)
}
