//! Checks that rows come back as they were written, and to the ring that they belong to.

use super::Fixture;
use super::model::{
    active, at, destruction, first, record, retirement, revocation, rotation, staged,
};
use super::subject::{Checked, Subject};
use crate::id::KeyId;
use crate::key::{Destruction, Retirement, Times};
use crate::status::KeyStatus;
use crate::store::Change;
use crate::timestamp::Timestamp;

/// The longest id that there may be.
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// As long, and different at the end alone.
const AS_LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                       0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF";

/// Checks that a tombstone stays, with its time, whatever happens to the other keys, and that
/// nothing happens to it.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn tombstones<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::full(fixture, "tombstones").await?;
    subject.applies(Change::Add(staged("k7", 7, 80))).await?;
    subject.applies(rotation("k1", "k7", 80, false)).await?;
    subject.applies(retirement("k1", 81)).await?;
    subject.applies(destruction("k1", 82)).await?;
    subject.applies(destruction("k4", 83)).await?;
    subject.applies(destruction("k6", 84)).await?;
    for change in [
        rotation("k7", "k5", 90, false),
        retirement("k5", 90),
        revocation("k5", 90),
        destruction("k5", 90),
        Change::Add(staged("k5", 5, 90)),
        first(active("k5", 5, 90)),
    ] {
        subject.refuses(change).await?;
    }
    Ok(())
}

/// Checks that ids come back as they were written: ids that differ in case alone, that are short or
/// of 128 bytes, or that have a meaning in SQL, in paths or in patterns.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn ids<F: Fixture>(fixture: &F) -> Checked {
    let ids = [
        "k", "K", "kEY", "Key", LONG, AS_LONG, "'", "\"", "''--", "%", "_", "k%", "k_", "\\", "/",
        "..", "../k", "a/b", "a:b", "a;b", "a,b", "*", "?", "[k]", "{k}", "$1", "&", "=", "#", "!",
        "~", "null", "NULL", "true", "0", "00", "0x0", "1e3", "-1", "+1",
    ];
    let mut subject = Subject::empty(fixture, "ids").await?;
    subject.applies(first(active("first", 255, 1))).await?;
    for (number, id) in (0..).zip(ids) {
        subject.applies(Change::Add(staged(id, number, 10))).await?;
    }
    for id in ["K", "%", "''--", LONG] {
        let id = KeyId::from_static(id);
        let retirement = Retirement::new(id.clone(), at(20));
        subject.applies(Change::Retire { retirement, material: None }).await?;
        subject.applies(Change::Destroy(Destruction::new(id, at(30)))).await?;
    }
    subject.applies(rotation("first", "k", 40, false)).await?;
    subject.applies(rotation("k", AS_LONG, 50, false)).await
}

/// Checks that times come back as they were written: times at both ends, times with odd
/// milliseconds, and times that are not known.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn times<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "times").await?;
    let known = record("first", KeyStatus::Active, 255, 1).with_times(Times {
        created_at: Some(at(0)),
        added_at: Some(at(3)),
        activated_at: Some(at(2)),
        ..Times::default()
    });
    subject.applies(first(known)).await?;
    for (id, created_at, added_at) in [
        ("unknown", None, None),
        ("odd", Some(at(1)), Some(at(1_234_567_890_123))),
        ("today", Some(at(1_717_171_717_001)), Some(at(1_717_171_717_999))),
        ("past-2038", Some(at(2_147_483_648_000)), Some(at(4_294_967_296_999))),
        ("end", None, Some(Timestamp::MAX)),
        ("all-end", Some(Timestamp::MAX), Some(Timestamp::MAX)),
    ] {
        let times = Times { created_at, added_at, ..Times::default() };
        subject.applies(Change::Add(staged(id, 100, 1).with_times(times))).await?;
    }
    // A key that was active in another ring, before it came here, and one of which only that is
    // known.
    let times = Times {
        created_at: Some(at(7)),
        added_at: Some(at(10)),
        activated_at: Some(at(8)),
        deactivated_at: Some(at(9)),
        ..Times::default()
    };
    let once_active = record("once", KeyStatus::Inactive, 101, 7).with_times(times);
    subject.applies(Change::Add(once_active)).await?;
    let somehow = record("somehow", KeyStatus::Inactive, 102, 7).with_times(Times::default());
    subject.applies(Change::Add(somehow)).await?;
    subject.applies(retirement("once", 1_717_171_717_999)).await?;
    subject.applies(revocation("somehow", 1_717_171_718_001)).await?;
    subject.applies(destruction("once", 1_717_171_718_003)).await?;
    subject.applies(rotation("first", "today", 1_717_171_720_003, false)).await?;
    subject.applies(rotation("today", "all-end", Timestamp::MAX.as_unix_millis(), false)).await
}

/// Checks that 256 different materials come back as they were written, each with its key.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn materials<F: Fixture>(fixture: &F) -> Checked {
    let mut subject = Subject::empty(fixture, "materials").await?;
    // In one commit, and with an id in another order than the number.
    let mut records = alloc::vec![active("k", 0, 10)];
    for number in 0..=u8::MAX {
        let mut record = staged("k", number, 10);
        record.info.id = KeyId::from(number.reverse_bits());
        records.push(record);
    }
    subject.applies(Change::Create { records, destroyed: alloc::vec![] }).await?;
    // And one by one.
    for number in 0..8_u8 {
        let mut record = staged("k", 255 - number, 10);
        record.info.id = KeyId::from(1_000 + u16::from(number));
        subject.applies(Change::Add(record)).await?;
    }
    Ok(())
}

/// Checks that nothing that happens in one store shows in another. The same ids may be in both,
/// with other materials, and each store has revisions of its own.
///
/// # Errors
///
/// [`Nonconformance`](super::Nonconformance).
pub async fn many_rings<F: Fixture>(fixture: &F) -> Checked {
    let mut one = Subject::empty(fixture, "many_rings").await?;
    one.applies(first(active("k1", 1, 10))).await?;
    let mut other = Subject::empty(fixture, "many_rings").await?;
    other.applies(first(active("k1", 101, 11))).await?;
    other.applies(Change::Add(staged("k2", 102, 12))).await?;
    one.holds("after changes of another store").await?;
    super::loads::is_strange(&one, other.model.revision).await?;
    one.applies(Change::Add(staged("k2", 2, 13))).await?;
    one.applies(rotation("k1", "k2", 14, false)).await?;
    one.applies(retirement("k1", 15)).await?;
    one.applies(destruction("k1", 16)).await?;
    other.holds("after changes of another store").await?;
    other.applies(rotation("k1", "k2", 17, false)).await?;
    one.holds("after changes of another store").await?;
    other.applies(super::model::closing("k2", 18)).await?;
    one.applies(Change::Add(staged("k3", 3, 19))).await
}
