//! [`KeyringState`]: what a ring looks like, for people and logs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::{fmt, iter};

use super::{Keyring, Withheld};
use crate::key::{KeyInfo, KeyRef};
use crate::receipt::Destruction;
use crate::timestamp::Timestamp;

/// What a ring looks like at one moment: every key without its material, and the tombstones.
///
/// It prints as a table:
///
/// ```
/// use key_rotation::{Key, KeyId, Keyring, Timestamp};
/// let at = Timestamp::from_unix_millis;
/// let ring = Keyring::builder()
///     .active(Key::new(KeyId::from_static("2026-q3"), (), at(1_000)).activate(at(60_000)))
///     .inactive(Key::new(KeyId::from_static("2026-q4"), (), at(90_000)))
///     .build()?;
/// assert_eq!(
///     ring.state().to_string(),
///     "\
/// key      status    created                   activated                 in this status since
/// 2026-q3  active    1970-01-01T00:00:01.000Z  1970-01-01T00:01:00.000Z  1970-01-01T00:01:00.000Z
/// 2026-q4  inactive  1970-01-01T00:01:30.000Z  never                     1970-01-01T00:01:30.000Z
/// "
/// );
/// # Ok::<(), key_rotation::InvalidKeyring>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[must_use]
pub struct KeyringState {
    active: KeyInfo,
    others: Vec<KeyInfo>,
    destroyed: Vec<Destruction>,
    withheld: Vec<Withheld>,
}

impl KeyringState {
    pub(super) fn new<M>(ring: &Keyring<M>) -> Self {
        Self {
            active: KeyRef::from(ring.active()).info(),
            // `iter` begins with the active key.
            others: ring.iter().skip(1).map(|key| key.info()).collect(),
            destroyed: ring.destroyed().cloned().collect(),
            withheld: ring.withheld().cloned().collect(),
        }
    }

    /// The active key.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.state().active().id.as_str(), "k1");
    /// ```
    #[must_use]
    pub fn active(&self) -> &KeyInfo {
        &self.active
    }

    /// Every key, in the order of [`Keyring::iter`].
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert_eq!(ring.state().keys().count(), 1);
    /// ```
    pub fn keys(&self) -> impl Iterator<Item = &KeyInfo> {
        iter::once(&self.active).chain(&self.others)
    }

    /// The keys whose material the ring does not hold, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(ring.state().withheld().is_empty());
    /// ```
    #[must_use]
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// The tombstones, latest first.
    ///
    /// ```
    /// # use key_rotation::{Key, KeyId, Keyring, Timestamp};
    /// # let now = Timestamp::now();
    /// # let ring = Keyring::new(Key::new(KeyId::from_static("k1"), (), now).activate(now));
    /// assert!(ring.state().destroyed().is_empty());
    /// ```
    pub fn destroyed(&self) -> &[Destruction] {
        &self.destroyed
    }
}

impl fmt::Display for KeyringState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["key", "status", "created", "activated", "in this status since"];
        let row = |key: &KeyInfo, status: String| {
            [
                key.id.to_string(),
                status,
                time(key.created_at),
                key.activated_at.map_or_else(|| String::from("never"), time),
                time(key.status_since),
            ]
        };
        let rows = self.keys().map(|key| row(key, key.status.to_string()));
        let withheld = self.withheld.iter();
        let withheld =
            withheld.map(|held| row(&held.key, format!("{}, withheld", held.key.status)));
        let tombstones = self.destroyed.iter().map(|tombstone| {
            let [none, also_none] = [String::new(), String::new()];
            let status = String::from("destroyed");
            [tombstone.id.to_string(), status, none, also_none, time(tombstone.at)]
        });
        let rows: Vec<_> = iter::once(heads.map(String::from))
            .chain(rows)
            .chain(withheld)
            .chain(tombstones)
            .collect();

        let mut widths = [0; 5];
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

fn time(at: Timestamp) -> String {
    if at.is_known() { at.to_string() } else { String::from("unknown") }
}
