//! What the nodes of a fleet have said.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use key_rotation::KeyStatus;

/// A change, as a node was told of it or as the database keeps it.
#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) revision: i64,
    pub(crate) tag: i64,
    pub(crate) action: String,
    pub(crate) id: String,
    /// Of an activation that the database keeps, the key that was active before.
    pub(crate) from: Option<String>,
    pub(crate) at: i64,
}

/// What a key is, without what it is made of: status, last activation, and since when.
pub(crate) type KeyState = (KeyStatus, Option<i64>, i64);

/// The keys that these changes, and nothing else, leave behind.
pub(crate) fn replay(events: &[StoredEvent]) -> BTreeMap<String, KeyState> {
    let mut keys = BTreeMap::new();
    for StoredEvent { action, id, from, at, .. } in events {
        let activated_at = |keys: &BTreeMap<String, KeyState>, id: &String| keys[id].1;
        let state = match action.as_str() {
            "add" => (KeyStatus::Inactive, None, *at),
            "create" => (KeyStatus::Active, Some(*at), *at),
            "activate" | "reactivate" => {
                let from = from.as_ref().unwrap();
                let before = activated_at(&keys, from);
                keys.insert(from.clone(), (KeyStatus::Inactive, before, *at));
                (KeyStatus::Active, Some(*at), *at)
            }
            "retire" => (KeyStatus::Retired, activated_at(&keys, id), *at),
            other => panic!("no node does this: {other}"),
        };
        keys.insert(id.clone(), state);
    }
    keys
}

/// The lines of all nodes.
#[derive(Clone, Default)]
pub(crate) struct Facts(Arc<Mutex<Vec<String>>>);

impl Facts {
    pub(crate) fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// No node has met anything that it must not meet.
    pub(crate) fn check(&self) {
        let errors = self.all("error");
        assert!(errors.is_empty(), "{errors:#?}");
    }

    /// What follows this word, of every line that begins with it.
    pub(crate) fn all(&self, word: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        let rest = |line: &String| Some(line.strip_prefix(word)?.trim_start().to_owned());
        lines.iter().filter_map(rest).collect()
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        self.all(word).len()
    }

    pub(crate) fn sum(&self, word: &str) -> usize {
        self.all(word).iter().map(|number| number.parse::<usize>().unwrap()).sum()
    }

    pub(crate) fn acknowledged(&self) -> Vec<StoredEvent> {
        let parse = |line: &String| {
            let [revision, tag, action, id, at] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("not an event: {line}");
            };
            StoredEvent {
                revision: revision.parse().unwrap(),
                tag: tag.parse().unwrap(),
                action: action.to_owned(),
                id: id.to_owned(),
                from: None,
                at: at.parse().unwrap(),
            }
        };
        self.all("event").iter().map(parse).collect()
    }
}
