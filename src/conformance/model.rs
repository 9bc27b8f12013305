//! Changes and proposals in short, with numbers in the place of materials.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::Fixture;
use crate::audit::{Grounds, Provenance};
use crate::id::KeyId;
use crate::key::{
    Closing, Dating, Destruction, KeyRecord, Restoration, Retirement, Revocation, Rotation,
};
use crate::revision::Revision;
use crate::status::KeyStatus;
use crate::store::{Change, KeyProvider, Proposal};
use crate::text::AuditText;
use crate::timestamp::Timestamp;

pub(super) type MaterialOf<F> = <<F as Fixture>::Provider as KeyProvider>::Material;
pub(super) type ErrorOf<F> = <<F as Fixture>::Provider as KeyProvider>::Error;

/// Draws a tag, another one each time in this process.
pub(super) fn tag() -> u64 {
    static DRAWN: AtomicUsize = AtomicUsize::new(1);
    // Spread over all 64 bits, so that a store that cuts some off is noticed.
    let drawn = DRAWN.fetch_add(1, Ordering::Relaxed) as u64;
    let mixed = (drawn ^ (drawn >> 30)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 27)
}

/// The proposal of this change at this revision, by nobody in particular.
pub(super) fn proposal<M>(expected: Revision, change: Change<M>) -> Proposal<M> {
    let tag = tag();
    let next = expected.next(tag).unwrap_or(Revision::new(expected.number, tag));
    let provenance = Provenance {
        actor: text("the conformance kit"),
        grounds: Grounds::Ordinary,
        at: at(expected.number.saturating_add(1_000)),
    };
    Proposal { expected, next, change, provenance, valid_until: None }
}

/// The proposal with materials of the store in place of numbers.
pub(super) fn real<F: Fixture>(fixture: &F, proposal: &Proposal<u8>) -> Proposal<MaterialOf<F>> {
    let Proposal { expected, next, change, provenance, valid_until } = proposal;
    Proposal {
        expected: *expected,
        next: *next,
        change: with_materials(change, |number| fixture.material(number)),
        provenance: provenance.clone(),
        valid_until: *valid_until,
    }
}

/// The change with other materials in place of numbers.
pub(super) fn with_materials<M>(change: &Change<u8>, material: impl Fn(u8) -> M) -> Change<M> {
    let made = |number: &Arc<u8>| Arc::new(material(**number));
    let record = |record: &KeyRecord<u8>| record.clone().with_material(material(*record.material));
    match change {
        Change::Create { records, destroyed } => Change::Create {
            records: records.iter().map(record).collect(),
            destroyed: destroyed.clone(),
        },
        Change::Add(new) => Change::Add(record(new)),
        Change::Activate(rotation) => Change::Activate(rotation.clone()),
        Change::Retire { retirement, material } => {
            Change::Retire { retirement: retirement.clone(), material: material.as_ref().map(made) }
        }
        Change::Revoke { revocation, material } => {
            Change::Revoke { revocation: revocation.clone(), material: material.as_ref().map(made) }
        }
        Change::Restore(restoration) => Change::Restore(restoration.clone()),
        Change::Rewrap { id, material } => {
            Change::Rewrap { id: id.clone(), material: made(material) }
        }
        Change::Date(dating) => Change::Date(dating.clone()),
        Change::Destroy(tombstone) => Change::Destroy(tombstone.clone()),
        Change::Close(closing) => Change::Close(closing.clone()),
    }
}

/// A text for the record. The kit's own are well-formed.
pub(super) fn text(text: &str) -> AuditText {
    text.parse().unwrap_or_else(|_| AuditText::unnamed())
}

pub(super) fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(super) fn record(
    id: &'static str,
    status: KeyStatus,
    number: u8,
    millis: u64,
) -> KeyRecord<u8> {
    KeyRecord::from_shared(KeyId::from_static(id), status, at(millis), Arc::new(number))
}

pub(super) fn active(id: &'static str, number: u8, millis: u64) -> KeyRecord<u8> {
    record(id, KeyStatus::Active, number, millis)
}

pub(super) fn staged(id: &'static str, number: u8, millis: u64) -> KeyRecord<u8> {
    let mut staged = record(id, KeyStatus::Inactive, number, millis).staged();
    staged.info.times.added_at = Some(at(millis));
    staged
}

pub(super) fn first(record: KeyRecord<u8>) -> Change<u8> {
    Change::Create { records: Vec::from([record]), destroyed: Vec::new() }
}

pub(super) fn rotation(
    from: &'static str,
    to: &'static str,
    millis: u64,
    reactivated: bool,
) -> Change<u8> {
    let (from, to) = (KeyId::from_static(from), KeyId::from_static(to));
    Change::Activate(Rotation::new(from, to, at(millis), reactivated))
}

pub(super) fn retirement(id: &'static str, millis: u64) -> Change<u8> {
    let retirement = Retirement::new(KeyId::from_static(id), at(millis));
    Change::Retire { retirement, material: None }
}

pub(super) fn revocation(id: &'static str, millis: u64) -> Change<u8> {
    let revocation = Revocation::new(KeyId::from_static(id), at(millis));
    Change::Revoke { revocation, material: None }
}

pub(super) fn restoration(id: &'static str, millis: u64) -> Change<u8> {
    Change::Restore(Restoration::new(KeyId::from_static(id), at(millis)))
}

pub(super) fn rewrapping(id: &'static str, number: u8) -> Change<u8> {
    Change::Rewrap { id: KeyId::from_static(id), material: Arc::new(number) }
}

pub(super) fn dating(id: &'static str, millis: u64) -> Change<u8> {
    Change::Date(Dating::new(KeyId::from_static(id), at(millis)))
}

pub(super) fn destruction(id: &'static str, millis: u64) -> Change<u8> {
    Change::Destroy(tombstone(id, millis))
}

pub(super) fn tombstone(id: &'static str, millis: u64) -> Destruction {
    Destruction::new(KeyId::from_static(id), at(millis))
}

pub(super) fn closing(active: &'static str, millis: u64) -> Change<u8> {
    Change::Close(Closing::new(KeyId::from_static(active), at(millis)))
}
