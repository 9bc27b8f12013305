//! The ring, as one would write it on a napkin.

use std::collections::{BTreeMap, BTreeSet};

use KeyStatus::{
    Active as IsActive, Inactive as IsInactive, Retired as IsRetired, Revoked as IsRevoked,
};
use key_rotation::{KeyInfo, KeyStatus, Times, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) status: KeyStatus,
    pub(crate) times: Times,
    pub(crate) used: bool,
    pub(crate) n: u8,
}

impl Row {
    pub(crate) fn info(&self) -> KeyInfo {
        KeyInfo {
            id: self.id.parse().unwrap(),
            status: self.status,
            times: self.times,
            used: self.used,
            counted: false,
            added_in: 0,
            deactivated_in: 0,
        }
    }

    pub(crate) fn latest(&self) -> Timestamp {
        let Times { created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at } =
            self.times;
        let all = [created_at, added_at, activated_at, deactivated_at, retired_at, revoked_at];
        all.into_iter().flatten().max().unwrap()
    }
}

/// The ring, as one would write it on a napkin: rows in the promised order within each list.
pub(crate) struct Model {
    pub(crate) active: Row,
    /// Latest first.
    pub(crate) demoted: Vec<Row>,
    pub(crate) staged: Vec<Row>,
    /// Latest first.
    pub(crate) retired: Vec<Row>,
    /// Latest first.
    pub(crate) revoked: Vec<Row>,
    pub(crate) destroyed: BTreeMap<String, Timestamp>,
    /// What the policy that was enforced last refuses.
    pub(crate) refused: BTreeSet<String>,
}

impl Model {
    pub(crate) fn rows(&self) -> Vec<Row> {
        let lists = [&self.demoted, &self.staged, &self.retired, &self.revoked];
        std::iter::once(&self.active).chain(lists.into_iter().flatten()).cloned().collect()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Row> {
        self.rows().into_iter().find(|row| row.id == id)
    }

    pub(crate) fn take(&mut self, id: &str) -> Row {
        for list in [&mut self.demoted, &mut self.staged, &mut self.retired, &mut self.revoked] {
            if let Some(position) = list.iter().position(|row| row.id == id) {
                return list.remove(position);
            }
        }
        panic!("{id} is not there, or active");
    }

    pub(crate) fn activate(
        &mut self,
        mut next: Row,
        asked_at: Timestamp,
    ) -> (String, Timestamp, bool) {
        let at = asked_at.max(next.latest()).max(self.active.latest());
        let reactivated = next.used;
        next.status = IsActive;
        next.used = true;
        (next.times.activated_at, next.times.deactivated_at) = (Some(at), None);
        let mut previous = std::mem::replace(&mut self.active, next);
        previous.status = IsInactive;
        previous.times.deactivated_at = Some(at);
        let from = previous.id.clone();
        self.demoted.insert(0, previous);
        (from, at, reactivated)
    }

    /// Puts a row where it belongs among those that had the same event.
    fn put(list: &mut Vec<Row>, row: Row, since: fn(&Times) -> Option<Timestamp>) {
        let place = |row: &Row| (since(&row.times), row.times.activated_at);
        let before = list.iter().position(|other| place(other) <= place(&row));
        list.insert(before.unwrap_or(list.len()), row);
    }

    pub(crate) fn retire(&mut self, id: &str, asked_at: Timestamp) -> Timestamp {
        let mut row = self.take(id);
        let at = asked_at.max(row.latest());
        row.status = IsRetired;
        (row.times.retired_at, row.times.revoked_at) = (Some(at), None);
        Self::put(&mut self.retired, row, |times| times.retired_at);
        at
    }

    pub(crate) fn revoke(&mut self, id: &str, asked_at: Timestamp) -> Timestamp {
        let mut row = self.take(id);
        let at = asked_at.max(row.latest());
        row.status = IsRevoked;
        row.times.revoked_at = Some(at);
        Self::put(&mut self.revoked, row, |times| times.revoked_at);
        at
    }

    pub(crate) fn destroy(&mut self, id: &str, asked_at: Timestamp) -> Timestamp {
        let row = self.take(id);
        let at = asked_at.max(row.latest());
        self.refused.remove(id);
        self.destroyed.insert(row.id, at);
        at
    }
}
