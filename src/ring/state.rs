//! [`KeyringState`]: a ring without material, for people and logs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::{fmt, iter};

use super::Keyring;
use super::slot::Slot;
use crate::id::KeyId;
use crate::key::{Destruction, Halves, KeyInfo};
use crate::refusal::Refusal;
use crate::text::Reason;
use crate::timestamp::Timestamp;

/// The state of a ring at one moment: every key without its material, and the tombstones.
///
/// It prints as a table.
///
/// # Examples
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
///
/// let at = Timestamp::from_unix_millis;
/// let new_key = |id, created_at| Key::new(KeyId::from_static(id), "cipher", created_at);
/// let mut ring = Keyring::new(new_key("2026-q3", at(1_000)).activate(at(60_000)));
/// let added = ring.add(new_key("2026-q4", at(90_000)), at(95_000))?;
/// assert_eq!(
///     ring.state().to_string(),
///     "\
/// key      status    since
/// 2026-q3  active    1970-01-01T00:01:00.000Z
/// 2026-q4  inactive  1970-01-01T00:01:35.000Z  staged
/// "
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct KeyringState {
    active: KeyInfo,
    others: Vec<KeyInfo>,
    destroyed: Vec<Destruction>,
    unprepared: Vec<(KeyId, Reason)>,
    refused: Vec<(KeyId, Refusal)>,
}

impl KeyringState {
    pub(super) fn new<E, D: Halves<E>>(ring: &Keyring<E, D>) -> Self {
        let info = |slot: &Slot<E, D>| match slot {
            Slot::Unprepared { key, .. } => Some(key.info.clone()),
            other => other.key().map(|key| key.info()),
        };
        Self {
            active: ring.active().info(),
            others: ring.sorted(info).collect(),
            destroyed: ring.destroyed().cloned().collect(),
            unprepared: ring
                .unprepared()
                .map(|(key, reason)| (key.id.clone(), reason.clone()))
                .collect(),
            refused: ring.refusals.iter().map(|(id, why)| (id.clone(), why.clone())).collect(),
        }
    }

    /// The state of a ring that might be: of a forecast.
    pub(crate) fn foreseen(
        active: KeyInfo,
        others: Vec<KeyInfo>,
        destroyed: Vec<Destruction>,
    ) -> Self {
        Self { active, others, destroyed, unprepared: Vec::new(), refused: Vec::new() }
    }

    /// Returns the active key.
    #[must_use]
    pub fn active(&self) -> &KeyInfo {
        &self.active
    }

    /// Lists every key, in the order of [`Keyring::iter`], those that could not be prepared among
    /// them.
    pub fn keys(&self) -> impl Iterator<Item = &KeyInfo> {
        iter::once(&self.active).chain(&self.others)
    }

    /// Lists the tombstones, latest first.
    pub fn destroyed(&self) -> &[Destruction] {
        &self.destroyed
    }

    /// Lists the keys whose material could not be prepared, with the reasons.
    #[must_use]
    pub fn unprepared(&self) -> &[(KeyId, Reason)] {
        &self.unprepared
    }

    /// Lists the keys that [`Keyring::enforce`] does not let decrypt, with the reasons. A revoked
    /// key, which decrypts nothing anyway, keeps the reason that it had.
    pub fn refused(&self) -> &[(KeyId, Refusal)] {
        &self.refused
    }

    /// Returns what there is to say about a key besides its status.
    fn notes(&self, key: &KeyInfo) -> String {
        let staged = key.is_staged().then(|| String::from("staged"));
        let unprepared = self.unprepared.iter().find(|(id, _)| *id == key.id);
        let unprepared = unprepared.map(|(_, reason)| format!("not prepared: {reason}"));
        let refused = self.refused.iter().find(|(id, _)| *id == key.id);
        let refused = refused.map(|(_, reason)| format!("may not decrypt: {reason}"));
        let notes: Vec<String> = [staged, unprepared, refused].into_iter().flatten().collect();
        notes.join("; ")
    }
}

impl fmt::Display for KeyringState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["key", "status", "since", ""].map(String::from);
        let keys = self.keys().map(|key| {
            let since = key.times.status_since(key.status);
            [key.id.to_string(), key.status.to_string(), time(since), self.notes(key)]
        });
        let tombstones = self.destroyed.iter().map(|tombstone| {
            let status = String::from("destroyed");
            [tombstone.id.to_string(), status, time(Some(tombstone.at)), String::new()]
        });
        let rows: Vec<_> = iter::once(heads).chain(keys).chain(tombstones).collect();

        let mut widths = [0; 4];
        for row in &rows {
            for (width, cell) in iter::zip(&mut widths, row) {
                *width = cell.len().max(*width);
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (width, cell) in iter::zip(widths, row) {
                line.push_str(cell);
                line.extend(iter::repeat_n(' ', width + 2 - cell.len()));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| String::from("unknown"), |at| at.to_string())
}
