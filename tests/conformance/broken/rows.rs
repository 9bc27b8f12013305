//! Faults of rows: what arrives of a change, and what it writes.

use std::sync::Arc;

use key_rotation::store::Change;
use key_rotation::{KeyId, KeyRecord, KeyStatus, Times, Timestamp};

use super::{Broken, Fault, Material, Rows, Sent};

type Row = KeyRecord<Material>;

impl Broken {
    /// What arrives of the proposal.
    pub(super) fn arrived(&self, sent: &Sent) -> Sent {
        let mut arrived = sent.clone();
        if self.fault == Fault::ForgetsTags {
            arrived.next.tag = 0;
        }
        if self.fault == Fault::FloatTags {
            arrived.next.tag = sent.next.tag as f64 as u64;
        }
        match &mut arrived.change {
            Change::Create { records, destroyed } => {
                match self.fault {
                    Fault::CreatesTheActiveAlone => {
                        records.retain(|row| row.info.status == KeyStatus::Active);
                    }
                    Fault::WritesTheFirstHundred => records.truncate(100),
                    Fault::DropsAdoptedTombstones => destroyed.clear(),
                    _ => {}
                }
                records.iter_mut().for_each(|row| self.arrives(row));
            }
            Change::Add(row) => self.arrives(row),
            Change::Retire { material, .. } if self.fault == Fault::KeepsBothHalves => {
                *material = None;
            }
            Change::Revoke { material, .. } if self.fault == Fault::KeepsHalvesOfRevoked => {
                *material = None;
            }
            _ => {}
        }
        arrived
    }

    /// What arrives of a new row.
    fn arrives(&self, row: &mut Row) {
        match self.fault {
            Fault::FoldsCase => {
                row.info.id = row.info.id.as_str().to_lowercase().parse().unwrap();
            }
            Fault::CutsIds => {
                let cut: String = row.info.id.as_str().chars().take(64).collect();
                row.info.id = cut.parse().unwrap();
            }
            Fault::NormalisesIds => {
                row.info.id = row.info.id.as_str().replace('\\', "/").parse().unwrap();
            }
            Fault::Seconds => each_time(row, |millis| millis / 1000 * 1000),
            Fault::SignedSeconds => each_time(row, |millis| millis.min(2_147_483_647_999)),
            Fault::FloatTimes => {
                each_time(row, |millis| millis as f32 as u64);
            }
            Fault::CutsMaterials => row.material = Arc::new(cut(&row.material, 255)),
            Fault::SevenBits => {
                row.material = Arc::new(row.material.iter().map(|byte| byte & 0x7f).collect());
            }
            _ => {}
        }
    }

    /// Changes what was written.
    pub(super) fn spoil(&self, rows: &mut Rows, before: &Rows, sent: &Sent) {
        match &sent.change {
            Change::Create { .. } => self.spoil_creation(rows),
            Change::Add(new) => self.spoil_addition(rows, before, &new.info.id),
            Change::Activate(rotation) => {
                let (from, to) = (&rotation.from, &rotation.to);
                match self.fault {
                    Fault::OnlyDemotes => set(rows, to, KeyStatus::Inactive),
                    Fault::OnlyPromotes => set(rows, from, KeyStatus::Active),
                    Fault::ForgetsDemotions => {
                        rows.records.iter_mut().for_each(|row| row.info.deactivated_in = 0);
                    }
                    Fault::KeepsOldActivation => {
                        let old = find(before, to).info.times.activated_at;
                        let times = &mut row(rows, to).info.times;
                        times.activated_at = old.or(times.activated_at);
                    }
                    _ => {}
                }
            }
            Change::Retire { retirement, material } => match (self.fault, material) {
                (Fault::RetiresToInactive, _) => set(rows, &retirement.id, KeyStatus::Inactive),
                (Fault::KeepsBothHalvesAndSaysOtherwise, Some(_)) => {
                    let both = Arc::clone(&find(before, &retirement.id).material);
                    row(rows, &retirement.id).material = both;
                }
                (Fault::ForgetsCounts, _) => row(rows, &retirement.id).info.counted = false,
                (Fault::Patterns, _) if retirement.id.as_str() == "%" => {
                    let is_active = |row: &&mut Row| row.info.status.can_encrypt();
                    let others = rows.records.iter_mut().filter(|row| !is_active(row));
                    others.for_each(|row| row.info.status = KeyStatus::Retired);
                }
                _ => {}
            },
            Change::Restore(restoration) => {
                let old = &find(before, &restoration.id).info;
                let info = &mut row(rows, &restoration.id).info;
                match self.fault {
                    Fault::KeepsRevokedAt => info.times.revoked_at = old.times.revoked_at,
                    Fault::KeepsCountsOfRevoked => info.counted = old.counted,
                    _ => {}
                }
            }
            Change::Rewrap { id, .. } => {
                let old = find(before, id);
                let new = row(rows, id);
                match self.fault {
                    Fault::RewrapsNothing => *new = old.clone(),
                    Fault::RewrapMarksAsUsed => new.info.used = true,
                    Fault::RewrapSkipsSameBytes if new.material == old.material => {
                        new.material_in = old.material_in;
                    }
                    _ => {}
                }
            }
            Change::Date(dating) => {
                let old = find(before, &dating.id);
                let new = row(rows, &dating.id);
                let is_known = old.info.times.activated_at.is_some();
                match self.fault {
                    Fault::LosesDates => *new = old.clone(),
                    Fault::DatesUnknownAlone if is_known => *new = old.clone(),
                    _ => {}
                }
            }
            Change::Destroy(tombstone) => match self.fault {
                Fault::KeepsDestroyed => rows.records.clone_from(&before.records),
                Fault::ForgetsTombstone => rows.destroyed.clone_from(&before.destroyed),
                Fault::OneTombstone => rows.destroyed = vec![tombstone.clone()],
                Fault::TombstoneWithoutTime => {
                    let latest = rows.destroyed.last_mut().unwrap();
                    latest.at = Timestamp::UNIX_EPOCH;
                }
                _ => {}
            },
            Change::Close(closing) => match self.fault {
                Fault::ClosesWithTheActiveLeft => {
                    rows.records.push(find(before, &closing.active).clone());
                }
                Fault::ClosesWithoutTombstones => rows.destroyed.clone_from(&before.destroyed),
                Fault::ClosesUnnoticed => rows.closed = None,
                _ => {}
            },
            Change::Revoke { .. } => {}
        }
        if self.fault == Fault::RevisionStands {
            rows.revision = before.revision;
        }
    }

    fn spoil_creation(&self, rows: &mut Rows) {
        let records = &mut rows.records;
        match self.fault {
            Fault::CreatesInactive => {
                records.iter_mut().for_each(|row| row.info.status = KeyStatus::Inactive);
            }
            Fault::AdoptsWithoutTimes if records.len() > 1 => {
                records.iter_mut().for_each(|row| row.info.times = Times::default());
            }
            _ => {}
        }
    }

    fn spoil_addition(&self, rows: &mut Rows, before: &Rows, id: &KeyId) {
        match self.fault {
            Fault::DropsNewKeys => rows.records.clone_from(&before.records),
            Fault::SortsNewKeys => rows.records.sort_by(|a, b| a.info.id.cmp(&b.info.id)),
            Fault::AddsAsUsed => row(rows, id).info.used = true,
            Fault::ForgetsAddedAt => row(rows, id).info.times.added_at = None,
            Fault::ForgetsAddedIn => row(rows, id).info.added_in = 0,
            Fault::ForgetsMaterialIn => row(rows, id).material_in = 0,
            Fault::CountsNoIds => rows.ids = before.ids,
            _ => {}
        }
    }
}

pub(super) fn set(rows: &mut Rows, id: &KeyId, status: KeyStatus) {
    for row in rows.records.iter_mut().filter(|row| row.info.id == *id) {
        row.info.status = status;
    }
}

fn row<'r>(rows: &'r mut Rows, id: &KeyId) -> &'r mut Row {
    rows.records.iter_mut().find(|row| row.info.id == *id).unwrap()
}

fn find<'r>(rows: &'r Rows, id: &KeyId) -> &'r Row {
    rows.records.iter().find(|row| row.info.id == *id).unwrap()
}

fn cut(material: &[u8], len: usize) -> Material {
    material.iter().copied().take(len).collect()
}

fn each_time(record: &mut Row, change: impl Fn(u64) -> u64) {
    let change = |at: Timestamp| Timestamp::from_unix_millis(change(at.as_unix_millis()));
    let times = &mut record.info.times;
    for time in [
        &mut times.created_at,
        &mut times.added_at,
        &mut times.activated_at,
        &mut times.deactivated_at,
        &mut times.retired_at,
        &mut times.revoked_at,
    ] {
        *time = time.map(change);
    }
}
